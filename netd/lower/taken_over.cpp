// See taken_over.hpp.
#include "netd/lower/taken_over.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lower {

using bridges::Route;
using topology::Error;
using topology::Fault;
using topology::IfName;
using topology::IpAddress;
using topology::Result;
using topology::Subnet;

namespace {

// What the NIC has of one family.
struct Possession {
    const char* family;
    std::set<Subnet> addresses = {};
    std::optional<IpAddress> gateway = {};
    std::set<Subnet> seconds = {};  // the host does not speak from these
};

// Of several ways to everywhere the kernel takes the one of the lowest metric.
std::optional<IpAddress> gateway_by(const IfName& nic, const topology::Keyed<Route>& routes, bool v6) {
    const Route* best = nullptr;
    for (const Route& route : routes) {
        const bool leads_out = route.device == nic && route.table == Route::main_table && route.to.length() == 0 && route.to.is_v6() == v6 && route.via;
        if (leads_out && (!best || route.metric < best->metric)) best = &route;
    }
    return best ? best->via : std::nullopt;
}

bool reaches(const Subnet& address, const IpAddress& gateway) {
    return address.contains(gateway) || (address.is_v6() && gateway.is_v6() && gateway.is_link_local());
}

Error no_way_by(const Possession& had) {
    std::string all;
    for (const Subnet& one : had.addresses) all += (all.empty() ? "" : ", ") + one.text();
    return {Fault::invalid, "management", fmt::format("its {} default route is by {}, which is in no subnet of its addresses ({}): no network can have that", had.family,
                                                      had.gateway->text(), all.empty() ? "none" : all)};
}

// The one that comes first in a definition: that by which the gateway is reached, if there is one, and of several in its subnet the
// kernel's first. The others stay.
Result<std::optional<Subnet>> take_first(Possession& had) {
    const auto suits = [&](const Subnet& one) { return !had.gateway || reaches(one, *had.gateway); };
    auto first = std::ranges::find_if(had.addresses, [&](const Subnet& one) { return suits(one) && !had.seconds.contains(one); });
    if (first == had.addresses.end()) first = std::ranges::find_if(had.addresses, suits);
    if (first == had.addresses.end()) return had.gateway ? Result<std::optional<Subnet>>(no_way_by(had)) : std::optional<Subnet>();
    const Subnet taken = *first;
    had.addresses.erase(first);
    return std::optional(taken);
}

// Whether what routers announce is to count on the network. Addresses that they made are fixed ones from now on where none of
// them leads out and somebody's own route does: a network that hears routers has no gateway of its own.
bool goes_by_routers(const std::set<Subnet>& announced, const std::set<IpAddress>& routers, bool has_gateway) {
    if (has_gateway) return !announced.empty() && !routers.empty();
    return !announced.empty() || !routers.empty();
}

// A router may announce itself later, of which nothing is to be seen yet.
bool listens_to_routers(const bridges::Link& nic) {
    return nic.stack && nic.stack->ipv6 != false && nic.stack->hears_routers == true && nic.stack->autoconf == true;
}

struct Possessions {
    Possession v4{"IPv4"}, v6{"IPv6"};
    bool by_routers = false;        // IPv6 is what routers announce, and
    bool routers_lead_out = false;  // so is the way to everywhere
};

Possessions possessions_of(const IfName& nic, const bridges::Link* link, const topology::Keyed<Route>& routes) {
    Possessions had;
    had.v4.gateway = gateway_by(nic, routes, false);
    had.v6.gateway = gateway_by(nic, routes, true);
    if (!link) return had;
    const bridges::RareFacts& facts = link->facts.rare.get();
    std::set<Subnet> announced = facts.autoconf;
    // What somebody else makes of announcements has an end, as what the kernel makes. A router's prefix makes none of 128 bits: that
    // is one of DHCPv6, and kept as one of DHCP is.
    const auto is_announced = [&](const Subnet& one) { return one.is_v6() && one.length() < 128 && facts.expiring.contains(one); };
    if (link->addresses)
        for (const Subnet& one : *link->addresses) (is_announced(one) ? announced : one.is_v6() ? had.v6.addresses : had.v4.addresses).insert(one);
    if (link->odd_addresses)
        for (const bridges::OddAddress& one : *link->odd_addresses)
            if (one.is_second()) had.v4.seconds.insert(one.address);
    const bool has_own = !had.v6.addresses.empty() || had.v6.gateway;
    had.by_routers = goes_by_routers(announced, facts.routers, had.v6.gateway.has_value()) || (!has_own && listens_to_routers(*link));
    had.routers_lead_out = had.by_routers && !facts.routers.empty();
    if (had.by_routers) had.v6.gateway.reset();
    else had.v6.addresses.merge(announced);
    return had;
}

}  // namespace

SetUp how_set_up(const IfName& nic, const bridges::State& kernel) {
    const bridges::Link* link = kernel.links.find(nic);
    if (!link) return SetUp::bare;
    const bridges::RareFacts& facts = link->facts.rare.get();
    if (gateway_by(nic, kernel.routes, false) && facts.tentative.empty()) return SetUp::wholly;
    const bool has_address = (link->addresses && !link->addresses->empty()) || !facts.tentative.empty() || !facts.autoconf.empty();
    return has_address ? SetUp::partly : SetUp::bare;
}

Result<intent::Network> network_on(const IfName& nic, const bridges::State& kernel) {
    intent::Network network{*intent::NetworkName::parse("ovirtmgmt")};
    network.nic = nic;
    const bridges::Link* link = kernel.links.find(nic);
    if (link && link->mtu) network.mtu = *link->mtu;
    Possessions had = possessions_of(nic, link, kernel.routes);
    const auto first = take_first(had.v4);
    if (!first) return first.error();
    if (*first) {
        network.ipaddr = (*first)->address();
        network.prefix = (*first)->length();
    }
    network.gateway = had.v4.gateway;
    network.ipv6autoconf = had.by_routers;
    // Beside what routers make all others are further ones.
    if (!had.by_routers) {
        const auto first_v6 = take_first(had.v6);
        if (!first_v6) return first_v6.error();
        network.ipv6addr = *first_v6;
        network.ipv6gateway = had.v6.gateway;
    }
    for (const Possession* left : {&had.v4, &had.v6}) network.addresses.insert(network.addresses.end(), left->addresses.begin(), left->addresses.end());
    network.default_route = had.v4.gateway || had.v6.gateway || had.routers_lead_out;
    return network;
}

}  // namespace lower
