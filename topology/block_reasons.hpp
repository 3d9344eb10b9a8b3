// Why a frame is dropped: names for the wire, words for people.
#pragma once

#include "topology/names.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace topology {

struct BlockReason {
    const char* name;
    const char* words;  // what the guest tried to send
};

inline constexpr std::array<BlockReason, 14> block_reasons = {{
    {"tag", "VLAN tags that it may not send"},
    {"control", "control frames of switches (spanning tree, LACP, CDP, GVRP)"},
    {"mac", "frames or ARP in the name of another MAC"},
    {"dhcp", "the words of a DHCP server"},
    {"router", "router advertisements and redirects"},
    {"fragment", "IP that hides what it carries, in fragments or by a length that is not true"},
    {"multicast", "queries that claim to be a multicast router"},
    {"host", "frames to the host itself"},
    {"ethertype", "protocols other than IP, ARP and RARP, or LLC, which hides what it carries"},
    {"storm", "more than 100 broadcasts and multicasts a second"},
    {"arp", "ARP for an address that is not its own"},
    {"address", "IP from an address that is not its own"},
    {"neighbour", "neighbour advertisements for an address that is not its own"},
    {"unknown", "anything, while nobody had said whose port it is"}}};

// And why the host's own stack does not take what comes by a network's device.
inline constexpr std::array<BlockReason, 2> host_block_reasons = {{
    {"service", "services that networks of this role do not have"},
    {"elsewhere", "addresses that the host has on another network"}}};

// Frames by port and by reason; what never happened is not in it.
using Blocked = std::map<IfName, std::map<std::string, std::uint64_t>>;

// Connections of roles that are bound to their networks, by the device by which they left instead, and by role.
using Strays = std::map<IfName, std::map<std::string, std::uint64_t>>;

// The name itself, if it is none of these: a netd of another version may know more.
constexpr std::string_view words_of_reason(std::string_view name) {
    for (const BlockReason& reason : block_reasons)
        if (name == reason.name) return reason.words;
    for (const BlockReason& reason : host_block_reasons)
        if (name == reason.name) return reason.words;
    return name;
}

}  // namespace topology
