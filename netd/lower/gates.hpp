// Gates of bridges: a tap that others plugged in carries nothing until it is known whose it is.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/guests/state.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lower {

// Whether bridges have gates. Where no hypervisor is asked, nobody plugs ports in without a word, and whose one is would never be known.
// Unset: the kernel can't.
std::optional<bool> gates_of(const bridges::Abilities& abilities, const std::string& hypervisor);

// What stands at a gate: a tap without a filter that nobody has admitted.
bool waits_at_gate(const bridges::Link& link, const bridges::State& kernel);
std::vector<topology::IfName> waiting_at_gates(const bridges::State& kernel);

// The taps that the hypervisor made by itself, those of NICs that share a MAC among them.
std::set<topology::IfName> made_by_hypervisor(const guests::State& guests);

// nftables' sets have names by which nothing else is meant: a tap with another stays at the gate.
bool can_be_admitted(const topology::IfName& tap);

// What is known of the hypervisor as far as such a tap goes, which is none that it has told of.
struct Testimony {
    bool connected = false;
    bool has_been_asked = false;          // since the tap came, and it has answered
    std::chrono::milliseconds since = {}; // the tap came
};

// What libvirt has named by itself ("vnet7") is somebody else's only where libvirt, which tells of a NIC when it is plugged in and not
// before, has not told of it for so long; and other taps where it could not be reached for so long, which is tried more often than that.
constexpr std::chrono::seconds longest_plugging{10}, longest_silence{6};
bool is_named_by_libvirt(const topology::IfName& tap);
bool is_of_others(const topology::IfName& tap, const Testimony& testimony);

}  // namespace lower
