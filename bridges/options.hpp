// What a bridge or a bond is set to, by the kernel's own (sysfs) names, values in its canonical text.
#pragma once

#include "topology/compare.hpp"
#include "topology/shared.hpp"

#include <initializer_list>
#include <map>
#include <string>

namespace bridges {

// A map from name to value. A wanted one names only what it cares about; an observed one has some 35 rows, which hundreds of
// bridges have in common and every copy shares.
class Options {
public:
    using Map = std::map<std::string, std::string>;
    using value_type = Map::value_type;
    using const_iterator = Map::const_iterator;

    Options() = default;
    Options(std::initializer_list<value_type> rows) : map_(Map(rows)) {}
    explicit Options(Map rows) : map_(std::move(rows)) {}

    const Map& map() const { return map_.get(); }
    Map& edit() { return map_.edit(); }

    const_iterator begin() const { return map().begin(); }
    const_iterator end() const { return map().end(); }
    const_iterator find(const std::string& name) const { return map().find(name); }
    const std::string& at(const std::string& name) const { return map().at(name); }
    bool contains(const std::string& name) const { return map().contains(name); }
    bool empty() const { return map().empty(); }
    std::string& operator[](const std::string& name) { return edit()[name]; }
    bool operator==(const Options&) const = default;

private:
    topology::Shared<Map> map_;
};

inline std::string text_of(const Options& options) { return topology::text_of(options.map()); }
inline void compare(const std::string& name, const Options& want, const Options& have, std::vector<topology::Difference>& into) {
    topology::compare(name, want.map(), have.map(), into);
}

}  // namespace bridges
