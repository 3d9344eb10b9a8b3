// What leads from one state of the host to another, in an order that works, each step with its reason.
#pragma once

#include "bridges/plan.hpp"
#include "netd/guests/plan.hpp"
#include "netd/lower/host_state.hpp"
#include "ovs-driver/plan.hpp"

#include <string>
#include <variant>
#include <vector>

namespace plan {

using lower::HostState;
using Op = std::variant<bridges::Op, ovs::Op, guests::Op>;

// Steps of one stage are of one backend and independent of each other: they are sent as one batch.
struct Stage {
    int rank = 0;   // the order of phases over all backends: stages.cpp
    int level = 0;  // within a phase, what lies below comes first
    auto operator<=>(const Stage&) const = default;
};

struct Step {
    Op op;
    Stage stage;
    std::string because;  // one line for the operator
    bool operator==(const Step&) const = default;
};

using Plan = std::vector<Step>;

// `have` is restricted to the scope of the change. Empty: nothing is left to do. Pure.
Plan make(const HostState& want, const HostState& have);

// Its own to take away: an internal port is a device that Open vSwitch makes.
bool is_made_by_ovs(const HostState& state, const topology::IfName& name);

// What the step does, in words: "create bridge web", "change eno1: mtu 1500 becomes 9000".
std::string describe(const Op& op);

// The name of the thing that a step is about, for events and reports.
std::string subject(const Op& op);

}  // namespace plan
