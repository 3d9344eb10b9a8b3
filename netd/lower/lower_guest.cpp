// A guest's NIC becomes a tap or a veth of netd's own, on the switch of its network, tagged before it is up.
#include "netd/intent/port_mac.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/vm_id.hpp"

#include <fmt/format.h>

namespace lower {
namespace {

intent::Mtu mtu_of(const intent::GuestNic& nic, const intent::Network* network) { return nic.mtu ? *nic.mtu : network ? network->mtu : intent::Mtu(); }

bridges::Kind kind_of(const intent::GuestNic& nic) {
    if (nic.kind != intent::GuestKind::netns) return bridges::Tap{.queues = nic.queues, .user = nic.user};
    return bridges::Veth{nic.vm, nic.name_inside(), nic.mac};
}

bridges::PortVlans vlans_of(const Draft& draft, const intent::Network& network, const intent::GuestNic& nic) {
    bridges::PortVlans vlans;
    const intent::Base* base = network.base() ? draft.intent.bases().find(*network.base()) : nullptr;
    if (nic.trunk) vlans.tagged = *nic.trunk;
    else vlans.untagged = nic.vlan ? *nic.vlan : tag_inside(draft, network);
    const auto taken = base ? base->number_inside() : std::nullopt;
    if (!taken) return vlans;
    // It is the untagged network's in there, whoever asks for it, or for all.
    vlans.tagged.erase(*taken);
    if (nic.vlan && vlans.untagged == taken) vlans.untagged.reset();
    return vlans;
}

topology::Filter filter_of(const intent::GuestNic& nic) {
    topology::Filter filter{nic.mac, nic.filter, nic.trunk.has_value()};
    if (nic.filter.value() != topology::FilterLevel::strict) return filter;
    const auto implied = filter.all_addresses();
    for (const auto& parameter : nic.filter_parameters)
        if (!implied.contains(parameter.address)) filter.addresses.insert(parameter.address);
    return filter;
}

// What is written into a frame behind the filters; whom nothing filters has no such thing.
bool is_guarded(const Draft& draft, const intent::GuestNic& nic) { return draft.host.checks_checksums && nic.filter.value() != topology::FilterLevel::trusted; }

// A NIC on no network hears what it mirrors on the bridge of a network `at` that it may not send into: Open vSwitch drops what a
// mirror's output sends only as long as the mirror is there.
ovs::Tagging tagging(const Draft& draft, const intent::Network& at, const intent::GuestNic& nic) {
    if (!draft.intent.network(nic.network)) return ovs::Nowhere{};
    if (nic.trunk) return ovs::Trunk{*nic.trunk, std::nullopt};
    return ovs::Access{nic.vlan ? *nic.vlan : tag_inside(draft, at)};
}

void ovs_port(Draft& draft, const intent::Network& network, const intent::GuestNic& nic, const IfName& name) {
    ovs::Port port = switch_port(name, guest_bridge(network), mark(nic));
    port.internal = false;
    port.tagging = tagging(draft, network, nic);
    port.isolated = nic.isolated || network.isolated;
    port.stp = false;
    port.mtu = intent::Mtu::observed(0);  // its device has it: Open vSwitch is asked for none
    port.attached_mac = nic.mac.text();
    port.vm_id = nic.vm;
    port.filter = filter_of(nic);
    port.qos = nic.spec_params.inbound ? ovs::hands_off : "";
    port.policing = draft.host.switches_itself ? policing(nic) : ovs::Policing{};  // elsewhere its device has it
    draft.wanted.ovs.ports.put(port);
}

// What its domain shall have of it, as long as that is there and can be asked.
void domain_nic(Draft& draft, const intent::GuestNic& nic) {
    if (nic.kind != intent::GuestKind::libvirt || nic.incoming || !draft.host.guests || !draft.host.guests->runs(domain_name(nic.vm, *draft.host.guests))) return;
    draft.wanted.guests.nics.put(guest_device(nic, draft.intent, draft.host));
}

void guard_and_limit(const Draft& draft, const intent::GuestNic& nic, bridges::Traffic& traffic) {
    traffic.in = limit_in(nic);
    traffic.checksums = is_guarded(draft, nic);
}

// Where Open vSwitch does not answer, nobody knows which datapath is at work, and what guards the port stays as it is.
void guard_and_limit_switched(const Draft& draft, const intent::GuestNic& nic, bridges::Link& link) {
    if (draft.host.switches_itself) return;
    bridges::Traffic& traffic = link.traffic.edit();
    guard_and_limit(draft, nic, traffic);
    const bridges::Link* there = draft.host.switched ? nullptr : draft.host.kernel.links.find(link.name);
    if (there && there->traffic) traffic.checksums = there->traffic->checksums;
}

// Open vSwitch's userspace datapath leaves the host's stack to hear a guest's port, too: that has no IPv6 there, answers no ARP
// and takes nothing.
bridges::Link apart_from_host(const IfName& port) {
    bridges::Link link{port};
    link.stack = bridges::HostStack{.ipv6 = false, .arp_strict = true};
    link.standing = topology::Standing::closed();
    return link;
}

// Whoever took it elsewhere has what is no port of ours any more, and can't be tagged or filtered there.
bool is_on(const IfName& bridge, const bridges::Link& port, const Host& host) {
    if (port.master && port.master->of == bridge) return true;
    const ovs::Port* row = host.switched ? host.switched->ports.find(port.name) : nullptr;
    return row && row->bridge == bridge;
}

// A port that the hypervisor made: it stays where that put it, and is tagged, filtered and kept apart as it shall be.
void adopted_nic(Draft& draft, const intent::GuestNic& nic, const intent::Network* network) {
    const bridges::Link* there = draft.host.kernel.links.find(*nic.adopted);
    if (!there || !network || !is_on(guest_bridge(*network), *there, draft.host)) return;
    // Said only where it is another one: what was given an MTU is taken off its bridge when it is let go, and this port is not netd's to take.
    const intent::Mtu due = mtu_of(nic, network);
    const std::optional<intent::Mtu> mtu = there->mtu == due ? std::nullopt : std::optional(due);
    if (network->switch_kind == intent::SwitchKind::ovs) {
        ovs::Port port{*nic.adopted};
        port.tagging = ovs::Access{tag_inside(draft, *network)};
        port.isolated = nic.isolated || network->isolated;
        port.stp = false;
        port.mtu = intent::Mtu::observed(0);  // its device has it: Open vSwitch is asked for none
        port.filter = filter_of(nic);
        draft.wanted.ovs.ports.put(port);
        bridges::Link apart = apart_from_host(*nic.adopted);
        apart.mtu = mtu;
        draft.put(apart);
        return;
    }
    bridges::Link link{*nic.adopted};
    link.mac = intent::mac_of_port(nic.mac);
    link.mtu = mtu;
    link.stack = bridges::HostStack{.arp_strict = true};
    link.isolated = nic.isolated || network->isolated;
    link.forwards = bridges::PortForwards{bridges::PortForwards::all};
    link.filter = filter_of(nic);
    link.traffic = bridges::Traffic{.copies_in = copies_of_sent(draft, *network, nic), .checksums = is_guarded(draft, nic)};
    if (network->switch_kind == intent::SwitchKind::vlan_aware && network->base()) link.vlans = vlans_of(draft, *network, nic);
    draft.put(link);
}

}  // namespace

topology::Owner mark(const intent::GuestNic& nic) { return topology::Owner::ours(fmt::format("nic {} of {}", nic.mac.text(), nic.vm)); }

guests::Nic guest_device(const intent::GuestNic& nic, const intent::Intent& intent, const Host& host) {
    const intent::Network* network = intent.network(nic.network);
    guests::Nic wanted{host.guests ? domain_name(nic.vm, *host.guests) : nic.vm, nic.mac};
    wanted.device = port_of(nic);
    wanted.alias = nic.alias;
    wanted.model = nic.model;
    wanted.queues = nic.queues;
    wanted.link = (network || !nic.port_mirroring.empty()) && nic.link_active;
    const intent::Mtu mtu = mtu_of(nic, network);
    if (!(mtu == intent::Mtu())) wanted.mtu = mtu;
    if (host.switched) wanted.offloads = !host.switches_itself;
    return wanted;
}

void guest_nic(Draft& draft, const intent::GuestNic& nic) {
    if (nic.adopted) return adopted_nic(draft, nic, draft.intent.network(nic.network));
    const intent::Network* network = draft.intent.network(nic.network);
    bridges::Link link{port_of(nic)};
    link.kind = kind_of(nic);
    link.owner = mark(nic);
    link.mac = intent::mac_of_port(nic.mac);
    link.mtu = mtu_of(nic, network);
    link.up = (network || !nic.port_mirroring.empty()) && nic.link_active;
    link.addresses.emplace();
    link.stack = bridges::HostStack{.ipv6 = false, .arp_strict = true};
    link.standing = topology::Standing::closed();
    link.master = bridges::Master{};
    link.traffic = bridges::Traffic{.out = limit_out(nic)};
    mirror_switched(draft, nic, mark(nic));
    // A NIC on no network hears what it mirrors where that is.
    if (!network && nic.link_active) network = switched_source(draft, nic);
    if (network && network->switch_kind == intent::SwitchKind::ovs) {
        ovs_port(draft, *network, nic, link.name);
        // ovs-vswitchd leaves a clsact qdisc alone, as long as it has no limit of its own to set.
        guard_and_limit_switched(draft, nic, link);
    } else if (network) {
        link.master = bridges::Master{guest_bridge(*network)};
        link.flags = bridges::PortFlags{};
        link.forwards = bridges::PortForwards{bridges::PortForwards::all};  // through the filter, which lets none of them pass
        bridges::Traffic& traffic = link.traffic.edit();
        guard_and_limit(draft, nic, traffic);
        traffic.copies_in = copies_of_sent(draft, *network, nic);
        link.isolated = nic.isolated || network->isolated;
        link.filter = filter_of(nic);
        if (network->switch_kind == intent::SwitchKind::vlan_aware && network->base()) link.vlans = vlans_of(draft, *network, nic);
    }
    draft.put(link);
    domain_nic(draft, nic);
}

}  // namespace lower
