// Whether a bond does what it is for, in words: a bond whose switch was set up wrongly looks healthy and carries less.
#pragma once

#include "netd/observe/snapshot.hpp"

#include <map>
#include <string>
#include <vector>

namespace observe {

// "" where all is well, or where the bond is down and so does nothing by intent. Else a sentence for the operator: no port
// has a carrier; of LACP, nobody at the other end speaks it, or ports are not in one aggregator. Pure.
std::string bond_verdict(const bridges::Link& bond, const std::vector<const bridges::Link*>& ports);

// Of each bond of the host that has one, by its name.
std::map<std::string, std::string> bond_verdicts(const Snapshot& snapshot);

// Ports without carrier, or set down, of bonds that are up and that others of their ports carry: all goes on, with less to fall back on. By bond.
std::map<std::string, std::vector<std::string>> dead_ports(const Snapshot& snapshot);

}  // namespace observe
