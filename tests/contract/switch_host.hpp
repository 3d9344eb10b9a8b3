// The words that the tests of ovs::Switch are told in, and the host they happen on.
#pragma once

#include "ovs-driver/ovsdb_switch.hpp"
#include "ovs-driver/plan.hpp"
#include "tests/contract/private_ovs.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace switch_host {

using namespace std::chrono_literals;
using namespace ovs;
using contract::PrivateOvs;

using Clock = std::chrono::steady_clock;

inline IfName name(const std::string& text) { return *IfName::parse(text); }
inline VlanId vlan(int number) { return *VlanId::from(number); }
inline VlanSet vlans(const std::string& text) { return *VlanSet::parse(text); }
inline const Mac no_mac = Mac::of({});
inline const Mtu no_mtu = Mtu::observed(0);
inline Owner ours(const std::string& role) { return Owner::ours(role); }

// As it is reported, so that whole states can be compared.
inline Bridge bridge(const std::string& called) {
    return Bridge{.name = name(called), .owner = ours("network " + called), .datapath = "netdev", .mac = no_mac, .stp = false, .rstp = false, .protocols = "", .fail_mode = "", .controllers = "", .flood_vlans = VlanSet{}};
}
inline Port port(const std::string& called, const std::string& on, Tagging tagging, bool internal = true) {
    return Port{.name = name(called), .bridge = name(on), .owner = ours("nic " + called), .internal = internal, .others = "",
                .tagging = tagging, .cvlans = VlanSet{}, .priority_tags = "", .mtu = no_mtu, .mac = no_mac, .isolated = false, .stp = true, .qos = "", .policing = Policing{}, .attached_mac = "", .iface_id = "", .vm_id = ""};
}

inline State without_facts(const State& state) {
    State bare{.bridges = state.bridges};
    for (Port port : state.ports) {
        port.facts = {};
        port.ofport_request.reset();
        bare.ports.put(port);
    }
    return bare;
}

inline Progress apply(Switch& ovs, std::vector<Op> ops) { return ovs.apply(ops, Clock::now() + 60s); }

inline Progress bring_about(Switch& ovs, const State& want) {
    std::vector<Op> ops;
    for (const auto& step : plan(want, ovs.state())) ops.push_back(step.op);
    return apply(ovs, ops);
}

// In words, so that a test that fails says why.
inline std::string refusal(const Progress& progress) {
    return progress.stopped ? progress.stopped->subject + ": " + progress.stopped->what : "";
}

inline bool until(Switch& ovs, const std::function<bool()>& so, std::chrono::seconds limit = 60s) {
    const auto deadline = Clock::now() + limit;
    for (;;) {
        ovs.hear();
        if (so()) return true;
        if (Clock::now() >= deadline) return false;
        ovs.wait({}, deadline);
    }
}

struct Host {
    PrivateOvs machine;
    std::unique_ptr<Switch> ovs;

    Host() {
        machine.start_both();
        machine.run({"ip", "link", "add", "up0", "type", "veth", "peer", "name", "wire0"});
        ovs = open_switch(machine.socket());
        if (!until(*ovs, [&] { return ovs->connected(); })) throw std::runtime_error("no Open vSwitch");
    }
};

inline State blue() {
    return State{.bridges = {bridge("blue")},
                 .ports = {port("b1", "blue", Access{vlan(10)}), port("b2", "blue", Trunk{.tags = vlans("0,10-12")}),
                           port("b3", "blue", Trunk{.tags = vlans("10,20"), .native = vlan(20)}),
                           port("up0", "blue", Trunk{}, false)}};
}

}  // namespace switch_host
