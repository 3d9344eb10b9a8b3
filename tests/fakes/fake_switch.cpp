// What OVSDB refuses it refuses as a whole; what ovs-vswitchd can not do stands in the row and is told all the same.
#include "tests/fakes/fake_switch.hpp"

#include "topology/fields.hpp"

namespace fakes {

using ovs::Bridge;
using ovs::Create;
using ovs::Port;
using ovs::PortMirror;
using ovs::Remove;
using ovs::Update;
using topology::Error;
using topology::Fault;
using topology::IfName;
using topology::Owner;
using topology::Result;

namespace {

// As rows tell what they do not have.
const topology::Mac no_mac = topology::Mac::of({});
const topology::Mtu no_mtu = topology::Mtu::observed(0);

template <class R>
R laid_over(R have, const R& now) {
    topology::for_each_field<R>([&](const auto& field) {
        if (now.*field.member) have.*field.member = now.*field.member;
    });
    return have;
}

// One transaction on its way into the database; it is dropped at the first "no".
struct Writer {
    ovs::State& state;

    void take_away(const ovs::Op& op) {
        if (const auto* port = std::get_if<Remove<Port>>(&op)) state.ports.erase(port->was.name);
        if (const auto* mirror = std::get_if<Remove<PortMirror>>(&op)) state.mirrors.erase(mirror->was.name);
        const auto* bridge = std::get_if<Remove<Bridge>>(&op);
        if (bridge) state.bridges.erase(bridge->was.name);
    }
    Result<> operator()(const Remove<Port>&) { return {}; }
    Result<> operator()(const Remove<Bridge>&) { return {}; }
    Result<> operator()(const Create<Bridge>&) { return {}; }

    Result<> create(const Bridge& now) {
        if (state.bridges.contains(now.name))
            return Error{Fault::conflict, now.name.text(), "somebody else has made a bridge of this name"};
        state.bridges.put(laid_over(Bridge{.name = now.name, .owner = Owner::foreign(), .datapath = "system", .mac = no_mac, .stp = false, .rstp = false, .protocols = "", .fail_mode = "", .controllers = "", .flood_vlans = topology::VlanSet{}}, now));
        return {};
    }
    Result<> operator()(const Update<Bridge>& op) {
        const Bridge* there = state.bridges.find(op.now.name);
        if (!there) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this bridge"};
        state.bridges.put(laid_over(*there, op.now));
        return {};
    }
    Result<> operator()(const Create<Port>& op) {
        const IfName& name = op.now.name;
        if (state.ports.contains(name)) return Error{Fault::conflict, name.text(), "somebody else has made a port of this name"};
        const Port plain{.name = name, .owner = Owner::foreign(), .internal = false, .others = "", .tagging = ovs::Trunk{}, .cvlans = topology::VlanSet{}, .priority_tags = "", .mtu = no_mtu, .mac = no_mac,
                         .isolated = false, .stp = true, .qos = "", .policing = ovs::Policing{}, .attached_mac = "", .iface_id = "", .vm_id = ""};
        return put(laid_over(plain, op.now));
    }
    Result<> operator()(const Update<Port>& op) {
        const Port* there = state.ports.find(op.now.name);
        if (!there) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this port"};
        return put(laid_over(*there, op.now));
    }
    Result<> operator()(const Remove<PortMirror>&) { return {}; }
    Result<> operator()(const Create<PortMirror>& op) {
        return put(laid_over(PortMirror{.name = op.now.name, .owner = Owner::foreign(), .tags = topology::VlanSet{}}, op.now));
    }
    Result<> operator()(const Update<PortMirror>& op) {
        const PortMirror* there = state.mirrors.find(op.now.name);
        if (!there) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this mirror"};
        return put(laid_over(*there, op.now));
    }
    Result<> put(const PortMirror& mirror) {
        if (mirror.output && !state.ports.contains(*mirror.output))
            return Error{Fault::not_found, mirror.output->text(), "Open vSwitch has no such port to send copies to"};
        if (!mirror.bridge || !state.bridges.contains(*mirror.bridge)) return Error{Fault::not_found, mirror.name.text(), "Open vSwitch has no such bridge"};
        state.mirrors.put(mirror);
        return {};
    }
    Result<> put(const Port& port) {
        if (!port.bridge) return Error{Fault::invalid, port.name.text(), "a port needs a bridge"};
        if (!state.bridges.contains(*port.bridge)) return Error{Fault::not_found, port.bridge->text(), "Open vSwitch has no such bridge"};
        state.ports.put(port);
        return {};
    }
    void drop_orphans() {
        const auto ports = state.ports;
        for (const Port& port : ports)
            if (!state.bridges.contains(*port.bridge)) state.ports.erase(port.name);
        const auto mirrors = state.mirrors;
        for (PortMirror mirror : mirrors) {
            if (mirror.output && !state.ports.contains(*mirror.output)) mirror.output.reset();
            if (state.bridges.contains(*mirror.bridge)) state.mirrors.put(mirror);
            else state.mirrors.erase(mirror.name);
        }
    }
};

}  // namespace

// As the real one: what goes, then bridges that come, then everything else; a bridge's ports go with it at the end.
Result<> FakeSwitch::write(ovs::State& state, std::span<const ovs::Op> ops) const {
    Writer writer{state};
    for (const ovs::Op& op : ops) writer.take_away(op);
    for (const ovs::Op& op : ops)
        if (const auto* bridge = std::get_if<Create<Bridge>>(&op))
            if (auto made = writer.create(bridge->now); !made) return made;
    for (const ovs::Op& op : ops)
        if (auto written = std::visit(writer, op); !written) return written;
    writer.drop_orphans();
    return {};
}

// Bridges and internal ports have a device as long as they are there.
void FakeSwitch::follow_devices(const ovs::State& before) {
    if (!kernel_) return;
    topology::Keyed<Bridge>::each_difference(before.bridges, truth_.bridges, [&](const Bridge* was, const Bridge* now) {
        if (!now) kernel_->pull_out(was->name.text());
        else if (!was && !kernel_->truth().links.contains(now->name)) kernel_->plug_in(now->name.text(), "openvswitch");
    });
    const auto is_internal = [](const Port* port) { return port && port->internal == true; };
    topology::Keyed<Port>::each_difference(before.ports, truth_.ports, [&](const Port* was, const Port* now) {
        if (is_internal(was) && !is_internal(now) && was->facts.ofport > 0) kernel_->pull_out(was->name.text());
        if (is_internal(now) && !is_internal(was) && !kernel_->truth().links.contains(now->name)) kernel_->plug_in(now->name.text(), "openvswitch");
    });
}

// What the datapath makes of a port: a number, or a reason why not.
ovs::PortFacts FakeSwitch::plug(const Port& port) {
    ovs::PortFacts facts = port.facts;
    const bridges::Link* device = kernel_ ? kernel_->truth().links.find(port.name) : nullptr;
    facts.ifindex = device ? device->facts.index : 0;
    facts.error.clear();
    if (kernel_ && !device) facts.error = "could not open network device " + port.name.text() + " (No such device)";
    const Bridge& bridge = *truth_.bridges.find(*port.bridge);
    if (device && device->master->of && bridge.datapath == "system")
        facts.error = "could not add network device " + port.name.text() + " to ofproto (Device or resource busy)";
    if (!facts.error.empty()) facts.ofport = -1;
    else if (facts.ofport <= 0) facts.ofport = next_ofport_++;
    return facts;
}

void FakeSwitch::act() {
    if (!has_vswitchd || stands_still) return;
    follow_devices(done_);
    const auto ports = truth_.ports;
    for (Port port : ports) {
        port.facts = plug(port);
        truth_.ports.put(port);
        if (!kernel_ || port.internal != true || port.facts.ofport <= 0 || (port.mtu == no_mtu && port.mac == no_mac)) continue;
        bridges::Link shaped{port.name};
        if (port.mtu != no_mtu) shaped.mtu = port.mtu;
        if (port.mac != no_mac) shaped.mac = port.mac;
        (void)kernel_->meddle(bridges::Update<bridges::Link>{bridges::Link{port.name}, shaped});  // it tries no more than that
    }
    done_ = truth_;
}

Result<> FakeSwitch::judge(const ovs::Op& op) const {
    const auto verdict = [&](const IfName& name) -> Result<> {
        const Port* port = truth_.ports.find(name);
        if (!port || port->facts.error.empty()) return {};
        return Error{Fault::backend, name.text(), port->facts.error};
    };
    if (const auto* port = std::get_if<Create<Port>>(&op)) return verdict(port->now.name);
    if (const auto* port = std::get_if<Update<Port>>(&op); port && port->now.bridge) return verdict(port->now.name);
    const auto* bridge = std::get_if<Create<Bridge>>(&op);
    if (!bridge || !bridge->now.datapath || *bridge->now.datapath == "system" || *bridge->now.datapath == "netdev") return {};
    return Error{Fault::backend, bridge->now.name.text(), "could not create bridge: unknown datapath type " + *bridge->now.datapath};
}

ovs::Progress FakeSwitch::apply(std::span<const ovs::Op> ops, std::chrono::steady_clock::time_point) {
    if (ops.empty()) return {};
    hear();
    if (!connected_) return {.stopped = Error{Fault::backend, "Open vSwitch", "no answer at fake: is openvswitch-switch running?"}};
    const ovs::State before = truth_;
    ovs::State after = truth_;
    if (auto written = write(after, ops); !written) return {.stopped = written.error()};
    writes_ += !(after == before);
    truth_ = after;
    stands_still |= stops_in == transactions_;
    act();
    const bool loses = loses_connection == transactions_++;
    if (loses) {
        connect(false);
        return {.stopped = Error{Fault::lost_sync, "Open vSwitch", "the connection to fake was lost"}};
    }
    mirror_ = truth_;
    changed_ = true;
    if (!has_vswitchd || stands_still)
        return {.stopped = Error{Fault::timeout, "Open vSwitch", "ovs-vswitchd did not apply the change in time: is it running?"}};
    ovs::Progress progress;
    for (const ovs::Op& op : ops) {
        if (auto said = judge(op); said) ++progress.done;
        else if (!progress.stopped) progress.stopped = said.error();
    }
    return progress;
}

bool FakeSwitch::hear() {
    if (connected_ && !(mirror_ == truth_)) mirror_ = truth_, changed_ = true;
    return std::exchange(changed_, false);
}

void FakeSwitch::connect(bool connected) {
    changed_ = changed_ || connected != connected_;
    connected_ = connected;
}

void FakeSwitch::go_on() {
    stands_still = false;
    stops_in.reset();
    act();
}

Result<> FakeSwitch::meddle(const ovs::Op& op) {
    ovs::State after = truth_;
    if (auto written = write(after, {&op, 1}); !written) return written;
    truth_ = after;
    act();
    return {};
}

}  // namespace fakes
