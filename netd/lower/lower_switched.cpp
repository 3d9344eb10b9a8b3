// Switch kind ovs: one Open vSwitch bridge a NIC or bond; a network is an internal port with its tag, the host's foot in it.
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <fmt/format.h>

namespace lower {

using bridges::Link;

namespace {

ovs::Bridge bridge(const Draft& draft, const IfName& name, std::string_view role, bool stp) {
    ovs::Bridge made{name};
    made.owner = topology::Owner::ours(role);
    made.datapath = draft.host.datapath;
    made.stp = stp;
    made.rstp = false;
    // By OpenFlow netd tells it who may send what. Who has a controller, or waits for one (fail_mode), forwards nothing by itself.
    made.protocols = made.fail_mode = made.controllers = "";
    made.flood_vlans.emplace();
    return made;
}

}  // namespace

ovs::Port switch_port(const IfName& name, const IfName& bridge, const topology::Owner& owner) {
    ovs::Port port{name};
    port.bridge = bridge;
    port.owner = owner;
    port.isolated = false;
    port.others = port.priority_tags = "";
    port.cvlans.emplace();
    return port;
}

void network_switched(Draft& draft, const intent::Network& network) {
    const IfName device = device_of(network.name);
    if (!network.base())
        draft.wanted.ovs.bridges.put(bridge(draft, guest_bridge(network), fmt::format("network {}", network.name.text()), network.stp));
    ovs::Port port = switch_port(device, guest_bridge(network), topology::Owner::ours(fmt::format("network {}", network.name.text())));
    port.internal = true;
    port.tagging = ovs::Access{tag_inside(draft, network)};
    port.mtu = network.mtu;
    if (const auto base = network.base()) port.mac = mac_of(draft, *base);
    draft.wanted.ovs.ports.put(port);
    draft.put(top_link(draft, network));
}

void base_switched(Draft& draft, const intent::Base& base) {
    bool stp = false;
    ovs::Trunk trunk;
    for (const intent::Rider& rider : base.riders) {
        stp = stp || rider.stp;
        trunk.tags.insert(rider.vlan ? *rider.vlan : *intent::VlanId::from(0));
    }
    ovs::Bridge made = bridge(draft, ovs_bridge(base.device), fmt::format("base {}", base.device.text()), stp);
    made.mac = mac_of(draft, base.device);
    draft.wanted.ovs.bridges.put(made);
    ovs::Port uplink = switch_port(base.device, made.name, *made.owner);
    uplink.internal = false;
    uplink.tagging = trunk;
    const bridges::Traffic traffic = shares_of(draft, base);
    uplink.qos = traffic.shares.empty() ? "" : ovs::hands_off;
    draft.wanted.ovs.ports.put(uplink);

    const Link* drafted = draft.wanted.kernel.links.find(base.device);
    Link link = drafted ? *drafted : Link{base.device};
    link.mtu = base.mtu();
    link.up = true;
    link.master = bridges::Master{};
    // The userspace datapath leaves the host's stack to hear it, too: that answers no ARP there, and takes nothing.
    link.stack = bridges::HostStack{.ipv6 = false, .arp_strict = true};
    link.standing = topology::Standing::closed();
    link.addresses.emplace();
    link.traffic = traffic;
    draft.put(link);
}

}  // namespace lower
