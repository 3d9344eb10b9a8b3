// By which router a network beside the default route leaves with the addresses that announcements or DHCPv6 gave it. IPv6 alone.
//
// None of it is in a plan, in a journal or on a way back: routers say at any time what counts from then on.
#pragma once

#include "netd/lower/lower.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lower {

// A network to which it counts what routers announce on its wire.
struct Hearing {
    intent::NetworkName network;
    IfName device;                  // with its addresses
    std::string wire;               // base and tag: where it leads to now
    bool has_default_route = false; // the kernel itself leaves by them
    bool operator==(const Hearing&) const = default;
};
bool hears_routers(const intent::Network& network);
std::vector<Hearing> hearing(const intent::Intent& intent);

// Who leads away from a wire, which subnets are on the wire itself, and who leads where the first answers no more.
struct Router {
    topology::IpAddress address;
    std::set<topology::Subnet> on_link = {};
    std::optional<topology::IpAddress> otherwise = {};
    bool operator==(const Router&) const = default;
};
using Routers = std::map<IfName, Router>;  // by the device of a network

// By which routers the kernel has these networks leave now.
Routers routers_in(const bridges::State& kernel, const std::vector<Hearing>& networks);

// Whether there is a rule of these ways, and so perhaps a route.
bool are_router_ways(const bridges::State& kernel);

// What leads from what the kernel has to these networks' leaving by these routers, by table, each in the order in which it is to be
// done: for each of a network's addresses a rule, and in its table the default route and what is on the wire. Empty: all is so. An
// address that another network has, too, is led by neither.
std::map<std::uint32_t, std::vector<bridges::Op>> steps_to(const Routers& routers, const std::vector<Hearing>& networks, const intent::Intent& intent, const Host& host);

}  // namespace lower
