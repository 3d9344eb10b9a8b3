// Which ports shall have flows that filter them, and by which OpenFlow port numbers.
#pragma once

#include "ovs-driver/flow_rules.hpp"
#include "ovs-driver/state.hpp"

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace ovs {

using FilteredPorts = std::map<std::uint16_t, FilteredPort>;  // by OpenFlow port number
using FilteredBridges = std::map<IfName, FilteredPorts>;

// Those that are there.
FilteredBridges filtered_bridges(const State& state);

// Those that `ops` make, move or change, on bridges that are there already: their flows can be put up before them.
FilteredBridges filtered_bridges(std::span<const Op> ops, const State& state);

// Those on which a guest's port that is there already is to keep to its own MAC, and did not have to before, so that it may have taught the bridge
// others'; or is to have other tags: frames of the network where it was would follow it.
std::set<IfName> taught_bridges(std::span<const Op> ops, const State& state);

// Whether `op` brings a port that is to be filtered to a bridge that is not there yet, so that there is nowhere to put its
// flows.
bool waits_for_its_bridge(const Op& op, const State& state);

// Of which guests the host shall hear nothing, by its devices in their networks: those that flows keep to their own MAC. As it is; and what more
// `ops` make of it. Broadcasts of theirs come to the host, which no flow can take from among all whom NORMAL sends to.
topology::Unheard unheard(const State& state);
topology::Unheard unheard(std::span<const Op> ops, const State& state);

// The same ops, and each port that is to be filtered asks for a number that is free on its bridge, or keeps the one it has:
// so flows can be there before the port is, and are right after a restart of ovs-vswitchd.
std::vector<Op> with_numbers(std::span<const Op> ops, const State& state);

// Of "unix:/run/openvswitch/db.sock": where ovs-vswitchd has its bridges' sockets, too.
std::string folder_of(const std::string& remote);

}  // namespace ovs
