// Which flows filter one guest's port, in the words of ovs-fields(7): the same rules as those of the kernel's bridges.
#pragma once

#include "topology/block_reasons.hpp"
#include "topology/filter.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ovs {

// What a flow's cookie tells: that it is netd's, since which writing, of which port and why it drops.
struct Cookie {
    static constexpr std::uint64_t netd = 0x6e657464ULL << 32, netd_mask = 0xffffffffULL << 32;
    static constexpr std::uint64_t port_mask = 0xffffULL << 8;

    std::uint8_t generation = 0;
    std::uint16_t ofport = 0;
    std::uint8_t reason = passes;  // place in topology::block_reasons

    static constexpr std::uint8_t passes = 0xff;

    std::uint64_t number() const { return netd | std::uint64_t{generation} << 24 | std::uint64_t{ofport} << 8 | reason; }
    static Cookie of(std::uint64_t number) {
        return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint16_t>(number >> 8), static_cast<std::uint8_t>(number)};
    }
};

struct FilteredPort {
    topology::IfName name;
    topology::Filter filter;
    std::set<topology::Mac> host = {};  // the host's own devices in the networks of this port: a guest does not speak to them
    bool operator==(const FilteredPort&) const = default;
};

// How many broadcasts and multicasts a second a port may send that is filtered strictly, and how many at once.
inline constexpr std::uint32_t storm_rate = 100, storm_burst = 50;
bool limits_storms(const FilteredPort& port);

// Whether it sends as nobody else, so that its bridge can't learn another one's MAC from it.
bool keeps_to_its_mac(const topology::Filter& filter);

// In table 0, above everybody's flows but those of the highest priorities; what passes goes on to NORMAL. With `metered`
// storms are limited by the meter of the port's own number, which must be there.
std::vector<std::string> flows_of(std::uint16_t ofport, const FilteredPort& port, std::uint8_t generation, bool metered);

// What no other flow is about goes where a switch sends it: word for word the flow that Open vSwitch puts into a new bridge, and without
// netd's mark, so that whoever takes netd's flows away leaves it.
inline constexpr const char* forwarding_flow = "cookie=0,priority=0,actions=NORMAL";
// Flows of others from here on can get past a guest's.
inline constexpr int lowest_of_filters = 64000;

constexpr std::uint8_t reason_of(std::string_view name) {
    for (std::size_t i = 0; i < topology::block_reasons.size(); ++i)
        if (name == topology::block_reasons[i].name) return static_cast<std::uint8_t>(i);
    throw "no such reason";  // at compile time
}

}  // namespace ovs
