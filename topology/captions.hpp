// What every picture of the host says about a node, in the same words.
//
// What comes from outside is made safe for a terminal here; a picture escapes once more for its own format.
#pragma once

#include "topology/node.hpp"

#include <string>

namespace topology {

// The title, without anything that would move a cursor or hide what follows.
std::string caption_of(const Node& node);

// "10G" of "10000", "2.5G" of "2500", "100M" of "100"; "" where the speed is not known.
std::string speed_of(const Node& node);

// How it is: "10G up", "no carrier", "down".
std::string state_of(const Node& node);

// "DRIFT mtu is 1500, wanted 9000", or what is wrong with a bond that is up; "" where nothing is, or the state says it all.
std::string problem_of(const Node& node);

// "mtu 9000" where it is not the 1500 that everybody expects, else "".
std::string unusual_mtu_of(const Node& node);

// What tells it from others of its kind: "active-backup, eno1*" of a bond, "VLAN 100 · 192.0.2.10/24" of a network.
std::string details_of(const Node& node);

// "2 guests", "1 NIC", "" for none.
std::string counted(std::size_t count, std::string_view one);

}  // namespace topology
