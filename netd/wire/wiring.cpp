// See wiring.hpp.
#include "netd/wire/wiring.hpp"

#include "netd/lower/naming.hpp"

#include <algorithm>

namespace wire {

using bridges::Link;

bool has_stp(const bridges::Bridge& bridge) {
    const auto stp = bridge.options.find("stp_state");
    return stp != bridge.options.end() && stp->second == "1";
}

std::vector<std::string> names_of(const std::vector<const Link*>& links) {
    std::vector<std::string> names;
    for (const Link* link : links) names.push_back(link->name.text());
    return names;
}

// A bridge that many networks share would be looked through for each of them: so all ports are asked once.
Wirings::Wirings(const observe::Snapshot& snapshot, const observe::Devices& devices) : snapshot_(snapshot), devices_(devices) {
    for (const Link& link : snapshot.observed.kernel.links) take_member(link);
    for (const ovs::Port& port : snapshot.observed.ovs.ports) take_member(port);
}

template <class Port>
void Wirings::take_member(const Port& port) {
    for (const auto& one : devices_.networks_of(port)) members_[one.network].push_back(port.name.text());
}

std::vector<std::string> Wirings::members_of(const intent::Network& network) const {
    const auto found = members_.find(&network);
    return found == members_.end() ? std::vector<std::string>() : found->second;
}

Wiring Wirings::of(const intent::Network& network, const observe::Realisation& how, const Link& device) const {
    switch (network.switch_kind) {
        case intent::SwitchKind::vlan_aware: return network.base() ? vlan_aware(network, how) : bridged(network, *devices_.link(how.device));
        case intent::SwitchKind::ovs: return switched(network, how);
        case intent::SwitchKind::legacy: break;
    }
    return bridged(network, device);
}

// To the wire leads the port that the definition means, if it is one.
Wiring Wirings::bridged(const intent::Network& network, const Link& device) const {
    Wiring wiring;
    if (const auto* bridge = device.as<bridges::Bridge>()) {
        wiring.ports = names_of(devices_.ports_of(device.name));
        wiring.stp = has_stp(*bridge);
    }
    if (!network.base()) return wiring;
    const auto meant = network.vlan ? lower::vlan_device(*network.base(), *network.vlan) : *network.base();
    const Link* southbound = devices_.link(meant);
    const bool is_it = southbound && (meant == device.name || (southbound->master && southbound->master->of == device.name));
    if (!is_it) return wiring;
    wiring.southbound = meant.text();
    if (const auto* vlan = southbound->as<bridges::Vlan>()) wiring.vlan = vlan->id;
    return wiring;
}

Wiring Wirings::vlan_aware(const intent::Network& network, const observe::Realisation& how) const {
    Wiring wiring;
    wiring.vlan = network.vlan;
    const Link* bridge = devices_.link(how.bridge);
    // What it shares has the largest MTU of all that do.
    if (bridge && !how.has_device) wiring.mtu = std::min(bridge->mtu.value_or(network.mtu), network.mtu);
    if (bridge && bridge->as<bridges::Bridge>()) wiring.stp = has_stp(*bridge->as<bridges::Bridge>());
    const Link* uplink = devices_.link(*network.base());
    if (uplink && uplink->master && uplink->master->of == how.bridge) wiring.southbound = uplink->name.text();
    wiring.ports = members_of(network);
    return wiring;
}

// The uplink is told as its VLAN, before all others, and the network's foot in the host is the network itself.
Wiring Wirings::switched(const intent::Network& network, const observe::Realisation& how) const {
    Wiring wiring;
    const ovs::Bridge* bridge = snapshot_.observed.ovs.bridges.find(how.bridge);
    wiring.stp = bridge && bridge->stp.value_or(false);
    wiring.vlan = network.vlan;
    const ovs::Port* uplink = network.base() ? snapshot_.observed.ovs.ports.find(*network.base()) : nullptr;
    if (uplink && uplink->bridge == how.bridge) wiring.southbound = uplink->name.text();
    if (!wiring.southbound.empty()) wiring.ports.push_back(network.vlan ? lower::vlan_device(*network.base(), *network.vlan).text() : wiring.southbound);
    for (const std::string& name : members_of(network))
        if (name != wiring.southbound && name != how.device.text()) wiring.ports.push_back(name);
    return wiring;
}

}  // namespace wire
