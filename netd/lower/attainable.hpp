// Which of the definitions can hold on this host as it is now: the rest waits for a NIC, for Open vSwitch or for a guest.
#pragma once

#include "netd/lower/lower.hpp"

#include <functional>

namespace lower {

// What definitions stand on and netd does not make.
struct Ground {
    const bridges::State& kernel;
    bool ovs_answers = false;
    std::function<bool(const intent::GuestNic&)> guest_is_there = [](const intent::GuestNic&) { return true; };  // asked if its port is not
};

// Without bonds that have none of their ports, networks whose NIC, bond or switch is not there, and the NICs of guests on
// them; a bond has those of its ports that are there. What is left is as it was defined. Pure.
intent::Intent attainable(const intent::Intent& intent, const Ground& ground);

// A primary that is not there the kernel takes for none. Pure.
bridges::Options without_absent_primary(bridges::Options options, const bridges::State& kernel);

// A guest's NIC that is not there has somewhere to be: its network namespace, if it is for one, where its name is free.
bool has_place(const intent::GuestNic& nic, const HasNamespace& has_namespace);

// NICs that networks are defined on and that are gone: nobody can make them, and what else is asked does not fail for it. Pure.
std::set<IfName> vanished(const intent::Intent& now, const Touched& touched, const Host& host);

// Likewise without the NICs of guests that are gone and have no place: of those that are touched, and of those that get copies of
// what is. Asks for namespaces.
intent::Intent without_lost_guests(const intent::Intent& now, const Touched& touched, const Host& host);

// What was there before a change and can be there again: without links that somebody else made and took away, or whose other end
// has no place to be in any more, and what stood on them; without MACs that bonds have of their ports. Asks for namespaces.
HostState attainable(HostState before, const Host& host);

// Without these links and what stands on them: VLANs, routes, ports of Open vSwitch, copies that they were sent. Pure.
HostState without(HostState state, std::set<IfName> lost);

// What is wanted, and the addresses that others put beside those of ours: they are no drift.
HostState beside_foreign_addresses(HostState wanted, const Host& host);

// Only what `intent` still has of it.
Touched within(const Touched& touched, const intent::Intent& intent);

// Networks, bonds and the NICs of guests by name, with what a network stands on and who is plugged into it.
Touched touched_by_names(const std::set<std::string>& networks, const std::set<std::string>& bonds, const std::set<std::string>& guests,
                         const intent::Intent& intent);

}  // namespace lower
