// Switch kind vlan-aware: one filtering bridge a NIC or bond that carries all its networks; the host takes part in a
// network only where that has an address, through a VLAN device on the bridge.
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <fmt/format.h>

namespace lower {

using bridges::Link;

namespace {

intent::VlanId tag_of(const intent::Base& base, const intent::Rider& rider) {
    return rider.vlan ? *rider.vlan : base.inner_tag();
}

Link filtering(const Draft& draft, const intent::Base& base) {
    Link link{filtering_bridge(base.device)};
    bridges::Bridge kind{{{"vlan_filtering", "1"}, {"vlan_protocol", "0x8100"}, {"vlan_default_pvid", "0"}}};
    bridges::PortVlans self;
    bool stp = false;
    for (const intent::Rider& rider : base.riders) {
        stp = stp || rider.stp;
        if (rider.on_host || !draft.intent.watching(rider.network).empty()) self.tagged.insert(tag_of(base, rider));
        const intent::Network* network = draft.intent.networks().find(rider.network);
        if (network) kind.options.edit().insert(network->custom.bridge_opts.begin(), network->custom.bridge_opts.end());
    }
    kind.options.edit().insert({"stp_state", stp ? "1" : "0"});
    kind.options.edit().insert({"no_linklocal_learn", "1"});  // of frames that no rule sees
    if (!stp) kind.options.edit().insert({"forward_delay", "0"});
    link.kind = kind;
    link.gate = draft.host.gates;
    link.owner = topology::Owner::ours(fmt::format("base {}", base.device.text()));
    link.mtu = base.mtu();
    link.mac = mac_of(draft, base.device);
    link.up = true;
    link.vlans = self;
    link.addresses.emplace();
    link.stack = bridges::HostStack{.ipv6 = false, .forwarding = false, .arp_strict = true};
    return link;
}

}  // namespace

intent::VlanId tag_inside(const Draft& draft, const intent::Network& network) {
    if (network.vlan) return *network.vlan;
    if (network.switch_kind == intent::SwitchKind::ovs) return *intent::VlanId::from(0);
    const intent::Base* base = draft.intent.bases().find(*network.base());
    return base ? base->inner_tag() : intent::Base{*network.base()}.inner_tag();
}

void network_vlan_aware(Draft& draft, const intent::Network& network) {
    if (!network.base()) return network_bridged(draft, network);
    Link link = top_link(draft, network);
    copy_traffic(draft, network, link);
    if (!network.is_on_host() && !link.traffic) return;
    link.kind = bridges::Vlan{filtering_bridge(*network.base()), tag_inside(draft, network)};
    link.owner = topology::Owner::ours(fmt::format("network {}", network.name.text()));
    draft.put(link);
}

void base_vlan_aware(Draft& draft, const intent::Base& base) {
    draft.put(filtering(draft, base));
    const Link* drafted = draft.wanted.kernel.links.find(base.device);
    Link uplink = drafted ? *drafted : Link{base.device};
    uplink.mtu = base.mtu();
    uplink.up = true;
    become_uplink(uplink, filtering_bridge(base.device));
    uplink.traffic = shares_of(draft, base);
    bridges::PortVlans vlans;
    for (const intent::Rider& rider : base.riders) {
        if (rider.vlan) vlans.tagged.insert(*rider.vlan);
        else vlans.untagged = base.inner_tag();
    }
    uplink.vlans = vlans;
    draft.put(uplink);
}

}  // namespace lower
