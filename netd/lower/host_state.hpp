// What the host has or shall have, over all backends, and which part of it a change is about.
#pragma once

#include "bridges/state.hpp"
#include "netd/guests/state.hpp"
#include "ovs-driver/state.hpp"

#include <set>

namespace lower {

using topology::IfName;

// One type, three tenses: wanted, observed, remembered.
struct HostState {
    bridges::State kernel = {};
    ovs::State ovs = {};
    guests::State guests = {};
    bool operator==(const HostState&) const = default;
};

// The things that a change is about, by key: what is in the scope and ours and not wanted goes.
struct Scope {
    std::set<IfName> links = {};
    std::set<bridges::Route::Key> routes = {};
    std::set<bridges::Rule::Key> rules = {};
    std::set<IfName> bridges = {};  // of Open vSwitch
    std::set<IfName> ports = {};
    std::set<guests::Nic::Key> nics = {};
    std::set<IfName> mirrors = {};

    bool operator==(const Scope&) const = default;
    void include(const HostState& state);
    void include(const Scope& other);
};

// The part of the state that the scope is about.
HostState restricted(const HostState& state, const Scope& scope);

}  // namespace lower
