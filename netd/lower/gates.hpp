// Gates of bridges: a tap that others plugged in carries nothing until it is known whose it is.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/guests/state.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace lower {

// Whether bridges have gates. Where no hypervisor is asked, nobody plugs ports in without a word, and whose one is would never be known.
// Unset: the kernel can't.
std::optional<bool> gates_of(const bridges::Abilities& abilities, const std::string& hypervisor);

// What stands at a gate: a tap without a filter that nobody has admitted.
bool waits_at_gate(const bridges::Link& link, const bridges::State& kernel);
std::vector<topology::IfName> waiting_at_gates(const bridges::State& kernel);

// What is known of the hypervisor as far as such a tap goes.
struct Testimony {
    bool connected = false;
    bool refused = false;                 // it was tried to reach it, in vain
    bool is_its_own = false;              // it has the tap
    bool has_been_asked = false;          // since the tap came, and it has answered
    std::chrono::milliseconds since = {}; // the tap came
};

enum class Whose { unknown, hypervisors, others };

// What libvirt has named by itself ("vnet7") is somebody else's only where libvirt, which tells of a NIC when it is plugged in and not
// before, has not told of it for so long.
constexpr std::chrono::seconds longest_plugging{10};
bool is_named_by_libvirt(const topology::IfName& tap);
Whose whose(const topology::IfName& tap, const Testimony& testimony);

}  // namespace lower
