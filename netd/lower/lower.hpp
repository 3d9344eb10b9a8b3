// From what is legal to what the host shall have: every default is filled in here, and only here.
//
// A network is lowered by itself and a base (NIC or bond) with what is on it, so that a change costs what it touches.
#pragma once

#include "netd/intent/identity.hpp"
#include "netd/intent/intent.hpp"
#include "netd/lower/host_state.hpp"
#include "netd/lower/leases.hpp"
#include "netd/lower/marked_links.hpp"

#include <functional>
#include <set>

namespace lower {

// Whether there is such a network namespace, by the name or the path that a guest's NIC is defined with, and if a name is given, whether
// nothing is called so in there: a guest may take it for a device of its own.
using HasNamespace = std::function<bool(const std::string& netns, const std::optional<IfName>& free)>;
inline bool has_any_namespace(const std::string&, const std::optional<IfName>&) { return true; }

// What lowering has to know of the host: where MACs are, and which device somebody else holds.
struct Host {
    const bridges::State& kernel;
    std::string datapath = "system";  // for new OVS bridges
    bool filters_vlans = false;       // the kernel has bridges that do
    const guests::State* guests = nullptr;  // null: nobody knows them now, so nothing is wanted of them
    bool switches_itself = false;     // Open vSwitch's userspace datapath is at work here: it completes no checksums
    const Leases* leases = nullptr;   // what DHCP servers gave; null: nothing
    const Leases* held = nullptr;     // and what the host is made by, if that is something else
    bool checks_checksums = false;    // the kernel can hold frames against where they ask for a checksum
    HasNamespace has_namespace = has_any_namespace;
    const ovs::State* switched = nullptr;  // what Open vSwitch has; null: it does not answer
    std::optional<bool> gates = {};        // whether bridges keep out taps that nobody knows: not without a hypervisor; unset: this kernel can't
    bool switch_waits = false;             // nobody carries out what Open vSwitch is told
    const intent::Renames* renames = nullptr;  // NICs that are called otherwise now; null: none
    const intent::Identities* identities = nullptr;  // null: nothing is known of before
    MarkedLinks* marked = nullptr;             // of the kernel's links; null: they are looked through
    const intent::Intent* defined = nullptr;   // all that is, where a goal is of those that can be had now; null: no more than it is of
};

// Which networks, bonds, bases and NICs of guests a change is about.
struct Touched {
    std::set<intent::NetworkName> networks = {};
    std::set<IfName> bases = {};  // NICs and bonds that carry, or carried, one of the networks; bonds; ports of bonds
    std::set<intent::GuestNic::Key> nics = {};
};
Touched touched_by(const intent::Delta& delta, const intent::Intent& was, const intent::Intent& now);
Touched everything(const intent::Intent& intent);

// What the host shall have of the touched things. Pure.
HostState lower(const intent::Intent& intent, const Touched& touched, const Host& host);

// What a plan from `was` to `now` is about, and what is wanted of it; NICs that are let go are wanted as they are left:
// without a master and with an MTU of 1500. NICs that are gone, and those of guests whose network namespace is, or has no
// place for them, are left out. What is on a wrong wire is taken off it, whoever's it is (wrong_wire.hpp).
struct Goal {
    HostState wanted;
    Scope scope;
    HostState was_wanted = {};  // of the same things by the old definitions
    bool lacks_guests = false;  // some are left out
};
Goal goal(const intent::Intent& was, const intent::Intent& now, const Touched& touched, const Host& host);

// The device that carries the network's address (and its name in reports).
IfName top_device(const intent::Network& network);

}  // namespace lower
