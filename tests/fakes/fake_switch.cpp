// What OVSDB refuses it refuses as a whole; what ovs-vswitchd can not do stands in the row and is told all the same.
#include "tests/fakes/fake_switch.hpp"

namespace fakes {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

template <class R>
R laid_over(R have, const R& now) {
    topology::for_each_field<R>([&](const auto& field) {
        if (now.*field.member) have.*field.member = now.*field.member;
    });
    return have;
}

}  // namespace

void FakeSwitch::connect(bool connected) {
    changed_ = changed_ || connected != connected_;
    connected_ = connected;
}

Result<> FakeSwitch::carry_out(ovs::State& state, const ovs::Op& op) const {
    using ovs::Bridge, ovs::Port;
    if (const auto* made = std::get_if<ovs::Create<Bridge>>(&op)) {
        Bridge bridge = made->now;
        if (!bridge.datapath) bridge.datapath = "system";
        if (!bridge.stp) bridge.stp = false;
        if (!bridge.owner) bridge.owner = topology::Owner::foreign();
        state.bridges.put(bridge);
    } else if (const auto* changed = std::get_if<ovs::Update<Bridge>>(&op)) {
        const Bridge* there = state.bridges.find(changed->now.name);
        if (!there) return Error{Fault::lost_sync, changed->now.name.text(), "it is gone"};
        state.bridges.put(laid_over(*there, changed->now));
    } else if (const auto* removed = std::get_if<ovs::Remove<Bridge>>(&op)) {
        const ovs::State before = state;
        for (const Port& port : before.ports)
            if (port.bridge == removed->was.name) state.ports.erase(port.name);
        state.bridges.erase(removed->was.name);
    } else if (const auto* gone = std::get_if<ovs::Remove<Port>>(&op)) {
        state.ports.erase(gone->was.name);
    } else {
        const auto* created = std::get_if<ovs::Create<Port>>(&op);
        const Port& now = created ? created->now : std::get<ovs::Update<Port>>(op).now;
        const Port* there = state.ports.find(now.name);
        if (!created && !there) return Error{Fault::lost_sync, now.name.text(), "it is gone"};
        Port port = laid_over(there ? *there : Port{.name = now.name, .owner = topology::Owner::foreign(), .internal = false, .isolated = false}, now);
        if (!port.bridge || !state.bridges.contains(*port.bridge)) return Error{Fault::backend, now.name.text(), "referential integrity violation: there is no such bridge"};
        port.facts.ofport = 1;
        state.ports.put(port);
    }
    return {};
}

Result<> FakeSwitch::check_devices() const {
    if (!kernel_) return {};
    for (const ovs::Port& port : state_.ports)
        if (!kernel_->truth().links.contains(port.name)) return Error{Fault::backend, port.name.text(), "could not open network device " + port.name.text() + " (No such device)"};
    return {};
}

void FakeSwitch::follow(const ovs::State& before) {
    if (!kernel_) return;
    const auto is_internal = [](const ovs::Port* port) { return port && port->internal == true; };
    topology::Keyed<ovs::Port>::each_difference(before.ports, state_.ports, [&](const ovs::Port* was, const ovs::Port* now) {
        if (is_internal(was) && !is_internal(now)) kernel_->pull_out(was->name.text());
        if (is_internal(now) && !is_internal(was)) kernel_->plug_in(now->name.text());
    });
}

ovs::Progress FakeSwitch::apply(std::span<const ovs::Op> ops, std::chrono::steady_clock::time_point) {
    if (!connected_) return {0, Error{Fault::backend, "Open vSwitch", "no answer at fake: is openvswitch-switch running?"}};
    const ovs::State before = state_;
    ovs::State after = state_;
    for (const ovs::Op& op : ops)
        if (auto done = carry_out(after, op); !done) return {0, done.error()};
    state_ = after;
    ++transactions_;
    changed_ = true;
    follow(before);
    if (auto checked = check_devices(); !checked) return {ops.size(), checked.error()};
    return {ops.size(), std::nullopt};
}

}  // namespace fakes
