// Weaves the plans of the backends into one: what one needs of the other decides whose phase comes first.
#include "netd/plan/plan.hpp"

#include "bridges/small_mtu.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <type_traits>

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
        case bridges::Phase::traffic: return 6;
        case bridges::Phase::shrink: return 7;
        case bridges::Phase::address: return 8;
        case bridges::Phase::route: return 9;
    }
    return 3;
}

int rank(ovs::Phase phase) { return phase == ovs::Phase::release ? 1 : 4; }

// A guest lets go of its NIC before the port is touched, and gets one when all of it stands.
int rank(guests::Phase phase) { return phase == guests::Phase::release ? -1 : 9; }

std::string reason(const Op& op);

// A bridge or VLAN of ours that has the name of a device which Open vSwitch shall make is another thing: it goes first.
bridges::State with_room_for_ovs(const HostState& want, const HostState& have) {
    bridges::State room = want.kernel;
    for (const ovs::Port& port : want.ovs.ports) {
        const bridges::Link *then = want.kernel.links.find(port.name), *now = have.kernel.links.find(port.name);
        if (port.internal != true || !then || !now || !topology::is_ours(now->owner) || is_made_by_ovs(have, port.name)) continue;
        bridges::Link made = *then;
        made.kind = bridges::Device{};
        room.links.put(made);
    }
    return room;
}

// What Open vSwitch has made (with the userspace datapath a tap) is its own to take away.
bridges::State with_devices_of_ovs(const HostState& have) {
    bridges::State told = have.kernel;
    for (const ovs::Port& port : have.ovs.ports) {
        const bridges::Link* there = port.internal == true ? have.kernel.links.find(port.name) : nullptr;
        if (!there) continue;
        bridges::Link made = *there;
        made.kind = bridges::Device{};
        told.links.put(made);
    }
    return told;
}

// The size of a device of its own is what Open vSwitch was told: another one it takes back, and IPv6 with one that is too small. So it is told
// first of one that is not any more.
void let_ovs_size_first(Plan& steps, const HostState& have) {
    std::set<topology::IfName> sized;
    for (const Step& step : steps) {
        const auto* told = std::get_if<ovs::Op>(&step.op);
        const auto* port = told ? std::get_if<topology::Update<ovs::Port>>(told) : nullptr;
        if (port && port->now.mtu && is_made_by_ovs(have, port->now.name)) sized.insert(port->now.name);
    }
    if (sized.empty()) return;
    for (Step& step : steps) {
        const auto* kernel = std::get_if<bridges::Op>(&step.op);
        const auto* change = kernel ? std::get_if<topology::Update<bridges::Link>>(kernel) : nullptr;
        if (!change || step.stage.rank != rank(bridges::Phase::build) || !bridges::is_too_small_for_ipv6(change->was.mtu)) continue;
        const auto* vlan = change->was.as<bridges::Vlan>();
        if (sized.contains(change->now.name) || (vlan && sized.contains(vlan->base))) step.stage.rank = rank(bridges::Phase::late);
    }
}

const topology::Create<bridges::Link>* made_by(const Step& step) {
    const auto* kernel = std::get_if<bridges::Op>(&step.op);
    return kernel ? std::get_if<topology::Create<bridges::Link>>(kernel) : nullptr;
}

// Open vSwitch's userspace datapath does not notice that a device of its port is another one of the same name: the port is made again.
ovs::State with_ports_to_plug_again(const Plan& steps, const HostState& want, const HostState& have, Plan& releases) {
    ovs::State told = have.ovs;
    for (const Step& step : steps) {
        const auto* made = made_by(step);
        const ovs::Port* port = made ? have.ovs.ports.find(made->now.name) : nullptr;
        if (!port || !want.ovs.ports.contains(port->name) || is_made_by_ovs(have, port->name)) continue;
        told.ports.erase(port->name);
        releases.push_back({ovs::Op(topology::Remove<ovs::Port>{*port}), {rank(ovs::Phase::release), 0}, {}});
    }
    return told;
}

// What a guest's NIC has open is the tap that is gone, not another one of its name: the NIC is taken out, and put in again.
guests::State with_nics_to_plug_again(const HostState& want, const HostState& have, Plan& steps) {
    guests::State told = have.guests;
    std::set<topology::IfName> made;
    for (const Step& step : steps)
        if (const auto* link = made_by(step)) made.insert(link->now.name);
    for (const guests::Nic& nic : made.empty() ? topology::Keyed<guests::Nic>() : want.guests.nics) {
        const guests::Nic* there = have.guests.nics.find(nic.key());
        if (!there || !there->facts.ours || there->device != nic.device || !nic.device || !made.contains(*nic.device)) continue;
        told.nics.erase(nic.key());
        steps.push_back({guests::Op(topology::Remove<guests::Nic>{*there}), {rank(guests::Phase::release), 0}, {}});
    }
    return told;
}

}  // namespace

bool is_made_by_ovs(const HostState& state, const topology::IfName& name) {
    const ovs::Port* port = state.ovs.ports.find(name);
    return port && port->internal == true;
}

Plan make(const HostState& want, const HostState& have) {
    Plan steps;
    for (bridges::Step& step : bridges::plan(with_room_for_ovs(want, have), with_devices_of_ovs(have)))
        steps.push_back({bridges::Op(std::move(step.op)), {rank(step.phase), step.level}, {}});
    Plan releases;
    const ovs::State told = with_ports_to_plug_again(steps, want, have, releases);
    std::ranges::move(releases, std::back_inserter(steps));
    for (ovs::Step& step : ovs::plan(want.ovs, told)) steps.push_back({ovs::Op(std::move(step.op)), {rank(step.phase), 0}, {}});
    const guests::State held = with_nics_to_plug_again(want, have, steps);
    for (guests::Step& step : guests::plan(want.guests, held))
        steps.push_back({guests::Op(std::move(step.op)), {rank(step.phase), 0}, {}});
    let_ovs_size_first(steps, have);
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.stage < b.stage; });
    for (Step& step : steps) step.because = reason(step.op);
    return steps;
}

namespace {

template <class R>
std::string owner_of(const R& resource) {
    if constexpr (requires { resource.owner; }) {
        if (topology::is_ours(resource.owner)) return *resource.owner->role;
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
    if constexpr (requires { op.now.owner; })
        if (op.now.owner == topology::Owner::foreign() && !owner_of(op.was).empty()) return owner_of(op.was) + " no longer wants it, and others have ports there";
    const std::string owner = owner_of(op.now).empty() ? owner_of(op.was) : owner_of(op.now);
    if (!owner.empty()) return owner + " wants it so";
    if constexpr (std::is_same_v<R, bridges::Link>)
        if (op.now.master && op.now.master->of) return op.now.master->of->text() + " has it as a port";
    return "differs from what is wanted";
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
