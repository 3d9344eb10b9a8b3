// What the switch kinds have in common: the device with the address, bonds, MACs and routes.
#include "bridges/bond_options.hpp"
#include "bridges/journey.hpp"
#include "netd/lower/attainable.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/router_ways.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lower {

using bridges::Link;
using bridges::Route;
using bridges::Rule;

IfName top_device(const intent::Network& network) {
    if (network.bridged || network.switch_kind != intent::SwitchKind::legacy) return device_of(network.name);
    if (network.vlan) return vlan_device(*network.base(), *network.vlan);
    return *network.base();
}

IfName guest_bridge(const intent::Network& network) {
    switch (network.switch_kind) {
        case intent::SwitchKind::legacy: break;
        case intent::SwitchKind::vlan_aware: return network.base() ? filtering_bridge(*network.base()) : top_device(network);
        case intent::SwitchKind::ovs: return ovs_bridge(network.base() ? *network.base() : device_of(network.name));
    }
    return top_device(network);
}

namespace {

// Whether the host has, or may get, an address of the family there.
bool has(const intent::Network& network, Family family) {
    const bool is_v6 = family == Family::v6;
    const auto addresses = network.all_addresses();
    return asks(network, family) || (is_v6 && network.ipv6autoconf) || std::ranges::any_of(addresses, [is_v6](const auto& one) { return one.is_v6() == is_v6; });
}

// The kernel speaks from the first address that it is given of a subnet. Said also where all are there: the device may be made anew. But where
// another one is first by now, nothing that comes is before that.
void let_ipaddr_come_first(const Draft& draft, const intent::Network& network, Link& link) {
    const auto first = network.ipv4();
    const auto is_behind = [&](const topology::Subnet& address) { return !address.is_v6() && address != *first && address.network() == first->network(); };
    if (!first || std::ranges::none_of(*link.addresses, is_behind)) return;
    const Link* there = draft.host.kernel.links.find(link.name);
    std::set<bridges::OddAddress> odd = there ? there->odd_addresses.value_or({}) : std::set<bridges::OddAddress>();
    if (const auto own = odd.find(bridges::OddAddress{*first}); own != odd.end() && own->is_second()) return;
    for (const topology::Subnet& address : *link.addresses)
        if (is_behind(address)) odd.insert(bridges::OddAddress::as_second(address));
    link.odd_addresses = std::move(odd);
}

}  // namespace

bridges::Link top_link(const Draft& draft, const intent::Network& network) {
    auto addresses = network.all_addresses();
    for (const Family family : {Family::v4, Family::v6})
        if (const Lease* lease = lease_of(network, family, draft.host.leases)) addresses.insert(lease->addresses.begin(), lease->addresses.end());
    const bool has_v6 = has(network, Family::v6);
    Link link{top_device(network)};
    link.mtu = network.mtu;
    link.up = true;
    link.addresses = addresses;
    let_ipaddr_come_first(draft, network, link);
    if (!addresses.empty()) link.routed = true;
    link.stack = bridges::HostStack{.ipv6 = has_v6, .forwarding = false, .arp_strict = true};
    if (has_v6) link.stack->autoconf = network.ipv6autoconf;
    // DHCPv6 gives an address; which prefixes are on the wire, and who leads away from it, routers say.
    if (has_v6) link.stack->hears_routers = hears_routers(network);
    if (link.stack->hears_routers == true) link.stack->ra_gateway = network.default_route;
    link.standing = topology::Standing::in_network(network.roles);
    return link;
}

void become_uplink(bridges::Link& link, const IfName& bridge) {
    link.master = bridges::Master{bridge};
    link.isolated = false;
    link.flags = bridges::PortFlags{};
    link.stack = bridges::HostStack{.ipv6 = false, .arp_strict = true};
    // Frames to 01:80:c2:00:00:0X the host's stack hears from the port itself, whatever packet is in them.
    link.standing = topology::Standing::closed();
    link.addresses.emplace();
}

namespace {

const Link* observed(const Draft& draft, const IfName& name) { return draft.host.kernel.links.find(name); }

// A bond's port wears the bond's address; its own is the permanent one.
std::optional<topology::Mac> own_mac(const Draft& draft, const IfName& nic) {
    const Link* link = observed(draft, nic);
    if (!link) return std::nullopt;
    const bool in_bond = link->master && link->master->of && is_bond(observed(draft, *link->master->of));
    return in_bond && link->facts.permanent_mac ? link->facts.permanent_mac : link->mac;
}

// What a bond had when it was committed: who knows the host by it goes on doing so, whichever of its NICs come first after a boot. Not where
// no NIC of its is known by it any more, as one that was replaced, or those of a host that got another one's disk: the card of that MAC may be
// on the same wire. Nor where that is elsewhere by now, be it in another bond, whose address it wears.
std::optional<topology::Mac> mac_of_before(const Draft& draft, const intent::Bond& bond) {
    if (!draft.host.identities) return std::nullopt;
    const intent::Identities& known = *draft.host.identities;
    const auto before = known.find(bond.name);
    if (before == known.end() || !before->second.mac) return std::nullopt;
    const topology::Mac mac = *before->second.mac;
    const auto is_of = [&](const auto& card) {  // be it one that has not come yet
        const Link* there = observed(draft, card.first);
        const bool is_replaced = there && there->facts.permanent_mac && there->facts.permanent_mac != mac;
        return card.first != bond.name && card.second.mac == mac && !is_replaced;
    };
    const auto is_elsewhere = [&](const Link& link) {
        return (link.mac == mac || link.facts.permanent_mac == mac) && !bond.nics.contains(link.name) && intent::may_be_a_nic(link);
    };
    if (std::ranges::none_of(known, is_of) || std::ranges::any_of(draft.host.kernel.links, is_elsewhere)) return std::nullopt;
    return mac;
}

void port_of_bond(Draft& draft, const intent::Bond& bond, const IfName& nic, intent::Mtu mtu, const bridges::Traffic& shares) {
    Link port{nic};
    port.master = bridges::Master{bond.name};
    port.mtu = mtu;
    port.up = true;
    port.addresses.emplace();
    port.stack = bridges::HostStack{.ipv6 = false, .arp_strict = true};
    port.standing = topology::Standing::closed();  // it hands up such frames twice: as its own, and as the bond's
    port.traffic = shares;
    draft.put(port);
}

void route(Draft& draft, const Route& route) { draft.wanted.kernel.routes.put(route); }

// What the network's own packets come from: its subnet; but its addresses alone where another network has addresses in that subnet or
// around it, or may have: what a lease gave nobody else knows.
std::set<topology::Subnet> own_sources(const Draft& draft, const intent::Network& network, const topology::Subnet& address, bool is_leased) {
    const bool is_shared = draft.intent.is_shared(address) || (draft.host.leases && is_leased_elsewhere(address, network, *draft.host.leases));
    if (!is_leased && !is_shared) return {address.network()};
    std::set<topology::Subnet> own = network.all_addresses(), sources;
    own.insert(address);
    for (const topology::Subnet& one : own)
        if (one.network() == address.network()) sources.insert(*topology::Subnet::from(one.address(), one.is_v6() ? 128 : 32));
    return sources;
}

// A gateway that is not the host's serves what comes from, or in by, its own network only.
void source_routing(Draft& draft, const intent::Network& network, const topology::Subnet& subnet, const topology::IpAddress& gateway, const std::vector<intent::StaticRoute>& ways, bool is_leased = false) {
    const IfName device = top_device(network);
    const std::uint32_t table = table_of(network.name);
    const std::uint32_t metric = subnet.is_v6() ? 1024 : 0;
    const auto all = topology::Subnet::parse(subnet.is_v6() ? "::/0" : "0.0.0.0/0");
    route(draft, {table, *all, metric, gateway, device});
    route(draft, {table, subnet.network(), metric, std::nullopt, device});
    for (const topology::Subnet& source : own_sources(draft, network, subnet, is_leased))
        draft.wanted.kernel.rules.put(Rule{.v6 = subnet.is_v6(), .from = source, .table = table});
    draft.wanted.kernel.rules.put(Rule{.v6 = subnet.is_v6(), .to = subnet.network(), .in = device, .table = table});
    // Its own packets take its other ways, too: what they don't find here goes to the gateway.
    for (const topology::Subnet& other : network.all_addresses())
        if (other.is_v6() == subnet.is_v6()) route(draft, {table, other.network(), metric, std::nullopt, device});
    for (const intent::StaticRoute& way : ways)
        if (way.to->is_v6() == subnet.is_v6()) route(draft, {table, way.to->network(), metric, way.via, device});
}

}  // namespace

std::optional<topology::Mac> mac_of(const Draft& draft, const IfName& base) {
    const intent::Bond* bond = draft.intent.bonds().find(base);
    if (!bond) return own_mac(draft, base);
    if (bond->hwaddr) return bond->hwaddr;
    const Link* there = observed(draft, base);
    if (is_bond(there)) return there->mac;
    if (auto mac = mac_of_before(draft, *bond)) return mac;
    for (const IfName& nic : bond->nics)
        if (auto mac = own_mac(draft, nic)) return mac;
    return std::nullopt;
}

bridges::HostStack apart(const Draft& draft, const IfName& device) {
    bridges::HostStack stack{.arp_strict = true};
    const Link* there = observed(draft, device);
    const bool is_led = there && (!there->facts.rare.get().autoconf.empty() || !there->facts.rare.get().routers.empty());
    if (!is_led) stack.hears_routers = false;
    return stack;
}

namespace {

// The kernel gives a bond that lost all its ports, as for another mode, the MAC of the next that comes.
bool would_lose_its_mac(const Draft& draft, const intent::Bond& bond, const Link& there) {
    bool has_port = false, keeps_port = false;
    for (const Link& link : draft.host.kernel.links) {
        if (!link.master || link.master->of != bond.name) continue;
        has_port = true;
        keeps_port |= bond.nics.contains(link.name);
    }
    const auto& options = std::get<bridges::Bond>(*there.kind).options;
    const auto mode = options.find("mode"), wanted = bond.options.find("mode");
    const bool has_other_mode = mode != options.end() && wanted != bond.options.end() && mode->second != wanted->second;
    return has_port && (!keeps_port || has_other_mode);
}

// Such as those of IPoIB, as whoever has no MAC of Ethernet's is given none, and those whose driver can't.
bool has_port_of_its_own_mac(const Draft& draft, const intent::Bond& bond) {
    return std::ranges::any_of(bond.nics, [&](const IfName& nic) {
        const Link* link = observed(draft, nic);
        return link && (!link->mac || link->facts.rare.get().fixed_mac);
    });
}

// A bond is what its definition says, and nothing besides: what is set on it and not named goes back to its default.
void end_unnamed_options(const Link& there, bridges::Options& options) {
    if (!is_bond(&there)) return;
    const auto defaults = bridges::default_bond_options(options.at("mode"));
    for (const auto& [key, value] : std::get<bridges::Bond>(*there.kind).options)
        if (const auto standard = defaults.find(key); standard != defaults.end()) options.edit().insert(*standard);
}

}  // namespace

void bond(Draft& draft, const intent::Bond& bond) {
    const intent::Base* base = draft.intent.bases().find(bond.name);
    Link link{bond.name};
    const Link* there = observed(draft, bond.name);
    bridges::Options options = without_absent_primary(bond.options, draft.host.kernel);
    // The kernel does so by itself where such a port is the first one, and takes none after another (bond_enslave).
    if (options.at("mode") == "active-backup" && has_port_of_its_own_mac(draft, bond)) options.edit().emplace("fail_over_mac", "active");
    if (there) end_unnamed_options(*there, options);
    link.kind = bridges::Bond{std::move(options)};
    link.owner = topology::Owner::ours(fmt::format("bond {}", bond.name.text()));
    link.mtu = base ? base->mtu() : intent::Mtu();
    link.up = true;
    const bool keeps_it = is_bond(there) && !would_lose_its_mac(draft, bond, *there);
    if (bond.hwaddr || !(keeps_it || bridges::has_mac_of_ports(link))) link.mac = mac_of(draft, bond.name);
    if (!base) link.master = bridges::Master{};
    if (!base) link.traffic = bridges::Traffic{};
    if (!base) link.standing = topology::Standing::in_network({});
    if (!base) link.stack = apart(draft, bond.name);
    draft.put(link);
    const bridges::Traffic shares = base ? shares_of_ports(draft, *base) : bridges::Traffic{};
    // One that is not there can't be told anything; it is taken in when it comes.
    for (const IfName& nic : bond.nics)
        if (observed(draft, nic)) port_of_bond(draft, bond, nic, *link.mtu, shares);
}

void routing(Draft& draft, const intent::Network& network) {
    const IfName device = top_device(network);
    // Whatever somebody says of the whole host, it does not route what comes in by a network.
    for (const Family family : {Family::v4, Family::v6})
        if (has(network, family)) draft.wanted.kernel.rules.put(Rule{.priority = Rule::refusals, .v6 = family == Family::v6, .in = device, .drops = true});
    auto v4 = network.ipv4();
    auto gateway = network.gateway;
    auto routes = network.routes;
    const Lease* lease = lease_of(network, Family::v4, draft.host.leases);
    const bool is_leased = lease && !lease->addresses.empty();
    if (is_leased) {
        const Ways ways = ways_of(*lease, network, draft.intent, *draft.host.leases);
        v4 = *lease->addresses.begin();
        gateway = ways.gateway;
        routes.insert(routes.end(), ways.routes.begin(), ways.routes.end());
        for (const auto& to : ways.on_link) {
            route(draft, {Route::main_table, to.network(), 0, std::nullopt, device});
            if (gateway && !network.default_route) route(draft, {table_of(network.name), to.network(), 0, std::nullopt, device});
        }
    }
    if (gateway && network.default_route)
        route(draft, {Route::main_table, *topology::Subnet::parse("0.0.0.0/0"), 0, gateway, device});
    else if (gateway && v4)
        source_routing(draft, network, *v4, *gateway, routes, is_leased);
    if (network.ipv6gateway && network.default_route)
        route(draft, {Route::main_table, *topology::Subnet::parse("::/0"), 1024, network.ipv6gateway, device});
    else if (network.ipv6gateway && network.ipv6addr)
        source_routing(draft, network, *network.ipv6addr, *network.ipv6gateway, routes);
    for (const intent::StaticRoute& fixed : routes)
        route(draft, {Route::main_table, fixed.to->network(), fixed.to->is_v6() ? 1024u : 0u, fixed.via, device});
}

}  // namespace lower
