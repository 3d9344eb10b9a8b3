// Switch kind legacy: one Linux bridge a network, over its NIC, its bond or a VLAN device on one of them.
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <fmt/format.h>

namespace lower {

using bridges::Link;

namespace {

topology::Owner mark_of(const intent::Network& network) {
    return topology::Owner::ours(fmt::format("network {}", network.name.text()));
}

Link bridge(const Draft& draft, const intent::Network& network) {
    Link link = top_link(draft, network);
    bridges::Bridge kind{network.custom.bridge_opts};
    kind.options.edit().insert({"stp_state", network.stp ? "1" : "0"});
    // Without STP nothing can loop that a wait would help against; with it the usual 15 s stand unless asked otherwise.
    if (!network.has_stp()) kind.options.edit().insert({"forward_delay", "0"});
    // The network is what comes without a tag: a filtering bridge, its ports in its own VLAN 1 only, lets no other frame in,
    // neither a guest's own tags nor VLANs of the wire that nobody asked for.
    kind.options.edit().insert({"no_linklocal_learn", "1"});  // of frames that no rule sees
    if (draft.host.filters_vlans) kind.options.edit().insert({"vlan_filtering", "1"});
    link.kind = kind;
    link.gate = draft.host.gates;
    link.owner = mark_of(network);
    if (const auto base = network.base()) link.mac = mac_of(draft, *base);
    copy_traffic(draft, network, link);
    return link;
}

void vlan(Draft& draft, const intent::Network& network) {
    const IfName base = *network.base();
    Link link = network.bridged ? Link{vlan_device(base, *network.vlan)} : top_link(draft, network);
    link.kind = bridges::Vlan{base, *network.vlan};
    link.owner = mark_of(network);
    link.mtu = network.mtu;
    link.up = true;
    link.master = bridges::Master{};
    if (network.bridged) {
        become_uplink(link, top_device(network));
    }
    draft.put(link);
}

}  // namespace

void network_bridged(Draft& draft, const intent::Network& network) {
    if (network.bridged) draft.put(bridge(draft, network));
    if (network.vlan) vlan(draft, network);
}

void base_bridged(Draft& draft, const intent::Base& base) {
    const intent::Rider* untagged = base.with_tag(std::nullopt);
    const intent::Network* network = untagged ? draft.intent.networks().find(untagged->network) : nullptr;
    const Link* drafted = draft.wanted.kernel.links.find(base.device);
    Link link = drafted ? *drafted : Link{base.device};
    link.mtu = base.mtu();
    link.up = true;
    link.master = bridges::Master{};
    link.traffic = shares_of(draft, base);
    // What comes without a tag where it carries only tagged networks, or in a moment in which it is in none, reaches no address
    // on another device, and no router there leads the host away.
    link.stack = apart(draft, base.device);
    link.standing = topology::Standing::in_network({});
    if (network && network->bridged) {
        become_uplink(link, top_device(*network));
    } else if (network) {
        const Link top = top_link(draft, *network);
        link.stack = top.stack;
        link.standing = top.standing;
        link.addresses = top.addresses;
        link.routed = top.routed;
    }
    draft.put(link);
}

}  // namespace lower
