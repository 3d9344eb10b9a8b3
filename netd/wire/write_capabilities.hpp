// What the host has, as engines ask for it: everything is told as it is there, not as it is defined.
#pragma once

#include "netd/observe/drift.hpp"
#include "netd/wire/json.hpp"

#include <string>
#include <vector>

namespace wire {

// What is told beside the snapshot.
struct Told {
    bool text_mtu = false;  // compat "3.6"
};

// {networks, bridges, vlans, bondings, nics, …} of protocol.md 3. A network whose device is not there is left out. An OVS
// network is told as a bridge and a VLAN too, so that one model serves both. JSON, as text. Pure.
std::string write_capabilities(const observe::Snapshot& snapshot, const observe::Drift& drift, const Told& told);

// The same, with the drift of the moment and nothing beside.
std::string write_capabilities(const observe::Snapshot& snapshot, bool text_mtu);

}  // namespace wire
