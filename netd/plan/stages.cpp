// Weaves the plans of the backends into one: what one needs of the other decides whose phase comes first.
#include "netd/plan/plan.hpp"

#include <algorithm>

namespace plan {
namespace {

// A NIC leaves its bridge before OVS takes it, and OVS before a bridge does; what OVS makes is there before the kernel
// is asked to shape it.
int rank(bridges::Phase phase) {
    switch (phase) {
        case bridges::Phase::release: return 0;
        case bridges::Phase::remove: return 2;
        case bridges::Phase::build: return 3;
        case bridges::Phase::late: return 5;
        case bridges::Phase::shrink: return 6;
        case bridges::Phase::address: return 7;
        case bridges::Phase::route: return 8;
    }
    return 3;
}

int rank(ovs::Phase phase) { return phase == ovs::Phase::release ? 1 : 4; }

// A guest lets go of its NIC before the port is touched, and gets one when all of it stands.
int rank(guests::Phase phase) { return phase == guests::Phase::release ? -1 : 9; }

std::string reason(const Op& op);

}  // namespace

Plan make(const HostState& want, const HostState& have) {
    Plan steps;
    for (bridges::Step& step : bridges::plan(want.kernel, have.kernel))
        steps.push_back({bridges::Op(std::move(step.op)), {rank(step.phase), step.level}, {}});
    for (ovs::Step& step : ovs::plan(want.ovs, have.ovs)) steps.push_back({ovs::Op(std::move(step.op)), {rank(step.phase), 0}, {}});
    for (guests::Step& step : guests::plan(want.guests, have.guests))
        steps.push_back({guests::Op(std::move(step.op)), {rank(step.phase), 0}, {}});
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.stage < b.stage; });
    for (Step& step : steps) step.because = reason(step.op);
    return steps;
}

namespace {

template <class R>
std::string owner_of(const R& resource) {
    if constexpr (requires { resource.owner; }) {
        if (resource.owner && resource.owner->is_ours()) return *resource.owner->role;
    }
    return {};
}

template <class R>
std::string reason_of(const topology::Create<R>& op) {
    const std::string owner = owner_of(op.now);
    return owner.empty() ? "wanted and not there" : owner + " needs it and it is not there";
}
template <class R>
std::string reason_of(const topology::Update<R>& op) {
    const std::string owner = owner_of(op.now).empty() ? owner_of(op.was) : owner_of(op.now);
    return owner.empty() ? "differs from what is wanted" : owner + " wants it so";
}
template <class R>
std::string reason_of(const topology::Remove<R>& op) {
    const std::string owner = owner_of(op.was);
    return owner.empty() ? "made by netd and no longer wanted" : "made for " + owner + ", which no longer wants it";
}

std::string reason(const Op& op) {
    return std::visit([](const auto& backend) { return std::visit([](const auto& change) { return reason_of(change); }, backend); }, op);
}

}  // namespace
}  // namespace plan
