// Why a request is refused: all reasons are counted, and as many are kept as anybody reads.
#pragma once

#include "netd/intent/definition.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace intent {

using topology::Fault;

// One fault of a request; `path` is a JSON pointer to the part that it is about.
struct Complaint {
    int code = code::bad_parameters;
    std::string path = {};
    Fault fault = Fault::invalid;
    std::string what = {};
    bool operator==(const Complaint&) const = default;
};

// The first hundred: a message of 4 MiB may hold a hundred thousand faults, and its answer is not to be many times as long.
class Complaints {
public:
    static constexpr std::size_t most = 100;

    Complaints() = default;
    Complaints(std::initializer_list<Complaint> complaints) {
        for (const Complaint& one : complaints) push_back(one);
    }

    void push_back(Complaint complaint) {
        if (++count_ <= most) kept_.push_back(std::move(complaint));
    }
    void add(const Complaints& others) {
        add(others, [](const Complaint& one) { return std::optional(one); });
    }
    // `edited` says how each is told, or that it is not.
    template <class Edited>
    void add(const Complaints& others, Edited edited) {
        for (const Complaint& one : others.kept_)
            if (auto told = edited(one)) push_back(std::move(*told));
        count_ += others.count_ - others.kept_.size();
    }

    bool empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }  // with those that are not kept
    const Complaint& front() const { return kept_.front(); }
    auto begin() const { return kept_.begin(); }
    auto end() const { return kept_.end(); }

private:
    std::vector<Complaint> kept_;
    std::size_t count_ = 0;
};

}  // namespace intent
