// What a guest may send, as a value: which class of filter its port has, and who the guest is.
#pragma once

#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace topology {

// standard: its own MAC only, no tags, no DHCP server, no router's words, no control frames, nothing toward the host.
// strict: also its own addresses only, known ethertypes, a limit for storms. trusted: only tags and control frames stop.
class FilterLevel {
public:
    enum Value { standard, strict, trusted };
    FilterLevel(Value value = standard) : value_(value) {}

    // Takes the names that engines and libvirt use for them, too: no-mac-spoofing, clean-traffic, none.
    static Result<FilterLevel> parse(std::string_view text);
    Value value() const { return value_; }
    std::string text() const;
    auto operator<=>(const FilterLevel&) const = default;

private:
    Value value_;
};

struct Filter {
    Mac mac;
    FilterLevel level = {};
    bool trunk = false;                     // it may send tags of its own, one a frame
    std::set<IpAddress> addresses = {};     // strict: from which it may speak, besides those that nobody can do without

    // "strict 52:54:00:12:34:56 trunk 192.0.2.7", and back.
    static Result<Filter> parse(std::string_view text);
    std::string text() const;
    bool operator==(const Filter&) const = default;

    // strict: the addresses given, the link-local one that follows from the MAC, and the unspecified ones (DHCP, DAD).
    std::set<IpAddress> all_addresses() const;
};

// Of a device of the host's own, and a guest's MAC: by that device the host takes nothing from that guest.
using Unheard = std::set<std::pair<IfName, Mac>>;

}  // namespace topology
