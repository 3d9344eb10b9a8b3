// Which clients there shall be, and what is made of what they bring.
#include "netd/lower/leases.hpp"

#include "netd/intent/rules.hpp"
#include "netd/lower/lower.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lower {
namespace {

constexpr Family families[] = {Family::v4, Family::v6};

bool lies_in(const topology::Subnet& inner, const topology::Subnet& outer) {
    return inner.is_v6() == outer.is_v6() && inner.length() >= outer.length() && outer.contains(inner.address());
}

// Subnets of the host's own, where definitions lead, and who is on the wire of another lease.
std::vector<topology::Subnet> spoken_for(const intent::Intent& intent, const Leases& leases, const Lease& own) {
    std::vector<topology::Subnet> all;
    for (const intent::Network& network : intent.networks()) {
        for (const auto& address : network.all_addresses()) all.push_back(address.network());
        for (const auto& route : network.routes) all.push_back(route.to->network());
    }
    for (const auto& [key, lease] : leases) {
        for (const auto& address : lease.addresses) all.push_back(address.network());
        if (!(lease == own)) all.insert(all.end(), lease.on_link.begin(), lease.on_link.end());
    }
    return all;
}

// Whose lease each address is, once the definitions are these.
std::map<topology::IpAddress, intent::NetworkName> leased_addresses(const intent::Intent& intent, const Leases& leases) {
    std::map<topology::IpAddress, intent::NetworkName> holders;
    const auto add = [&](const intent::Network& network, Family family) {
        const Lease* lease = lease_of(network, family, &leases);
        for (const topology::Subnet& subnet : lease ? lease->addresses : std::set<topology::Subnet>()) holders.emplace(subnet.address(), network.name);
    };
    for (const intent::Network& network : intent.networks())
        for (const Family family : families) add(network, family);
    return holders;
}

bool is_same(const Lease* one, const Lease* other) { return one && other ? *one == *other : one == other; }

}  // namespace

bool asks(const intent::Network& network, Family family) {
    return family == Family::v4 ? network.bootproto == intent::BootProto::dhcp : network.dhcpv6;
}

std::string lease_key(const intent::Network& network, Family family) {
    const char* ending = family == Family::v4 ? "-4" : "-6";
    if (!network.base()) return top_device(network).text() + ending;
    const std::string tag = network.vlan ? fmt::format(".{}", network.vlan->number()) : "";
    return network.base()->text() + tag + ending;
}

const Lease* lease_of(const intent::Network& network, Family family, const Leases* leases) {
    if (!leases || !asks(network, family)) return nullptr;
    const auto found = leases->find(lease_key(network, family));
    return found == leases->end() ? nullptr : &found->second;
}

std::set<intent::NetworkName> without_lease(const intent::Intent& intent, const Leases* leases) {
    std::set<intent::NetworkName> names;
    for (const intent::Network& network : intent.networks())
        for (const Family family : families)
            if (asks(network, family) && !lease_of(network, family, leases)) names.insert(network.name);
    return names;
}

Ways ways_of(const Lease& lease, const intent::Network& network, const intent::Intent& intent, const Leases& leases) {
    Ways ways;
    if (lease.routes.empty() && lease.on_link.empty()) {
        ways.gateway = lease.gateway;
        return ways;
    }
    const auto spoken = spoken_for(intent, leases, lease);
    const auto counts = [&](const topology::Subnet& to) {
        return (network.default_route || to.length() >= 8) && std::ranges::none_of(spoken, [&](const auto& subnet) { return lies_in(to, subnet); });
    };
    const auto is_near = [&](const topology::IpAddress& router) {
        const auto has = [&](const topology::Subnet& subnet) { return subnet.contains(router); };
        return std::ranges::any_of(lease.addresses, has) || std::ranges::any_of(ways.on_link, has);
    };
    for (const auto& to : lease.on_link)
        if (counts(to)) ways.on_link.insert(to);
        else ways.refused.push_back(to.text());
    for (const auto& route : lease.routes)
        if (counts(*route.to) && is_near(*route.via)) ways.routes.push_back(route);
        else ways.refused.push_back(fmt::format("{} via {}", route.to->text(), route.via->text()));
    if (lease.gateway && is_near(*lease.gateway)) ways.gateway = lease.gateway;
    return ways;
}

std::string unfit(const Lease& lease, const intent::Network& network, const intent::Intent& intent, const Leases& held) {
    constexpr unsigned widest = 8;
    for (const topology::Subnet& subnet : lease.addresses) {
        const topology::IpAddress address = subnet.address();
        if (subnet.length() < widest && !network.default_route) return fmt::format("the subnet of {} is wider than a /{}", subnet.text(), widest);
        const auto has_it = [&](const topology::Subnet& one) { return one.address() == address; };
        for (const intent::NetworkName& name : intent.on_subnets({subnet}))
            if (name != network.name && std::ranges::any_of(intent.networks().find(name)->all_addresses(), has_it)) return fmt::format("{} is the address of network {}", address.text(), name.text());
        for (const auto& [key, other] : held) {
            if (std::ranges::none_of(other.addresses, has_it)) continue;
            // Not what the network itself had on another wire.
            const auto is_of = [&, &other = other](const intent::Network& one) { return one.name != network.name && (lease_of(one, Family::v4, &held) == &other || lease_of(one, Family::v6, &held) == &other); };
            const auto whose = std::ranges::find_if(intent.networks(), is_of);
            if (whose != intent.networks().end()) return fmt::format("{} is the address of network {}", address.text(), whose->name.text());
        }
    }
    return "";
}

intent::Complaints leased_to_others(const intent::Request& request, const intent::Intent& running, const intent::Intent& wanted, const Leases& leases) {
    intent::Complaints complaints;
    if (leases.empty() || request.networks.empty()) return complaints;
    const auto holders = leased_addresses(wanted, leases);
    for (const intent::Network& asked : request.networks) {
        const intent::Network *was = running.networks().find(asked.name), *now = wanted.networks().find(asked.name);
        const auto had = was ? was->all_addresses() : std::set<topology::Subnet>(), has = now ? now->all_addresses() : std::set<topology::Subnet>();
        for (const topology::Subnet& own : has) {
            const auto holder = holders.find(own.address());
            if (holder == holders.end() || holder->second == asked.name || had.contains(own)) continue;
            complaints.push_back({intent::code::bad_address, intent::place_of(*now, own), topology::Fault::conflict,
                                  fmt::format("network '{}' has the address {} by DHCP", holder->second.text(), own.address().text())});
        }
    }
    return complaints;
}

bool is_leased_elsewhere(const topology::Subnet& subnet, const intent::Network& network, const Leases& leases) {
    return std::ranges::any_of(leases, [&](const auto& entry) {
        const auto& [key, lease] = entry;
        const bool is_own = key == lease_key(network, Family::v4) || key == lease_key(network, Family::v6);
        return !is_own && std::ranges::any_of(lease.addresses, [&](const auto& address) { return address.contains(subnet.address()) || subnet.contains(address.address()); });
    });
}

std::set<intent::NetworkName> with_other_ways(const intent::Intent& was, const intent::Intent& now, const Leases& leases) {
    std::set<intent::NetworkName> names;
    if (leases.empty()) return names;
    for (const intent::Network& network : now.networks()) {
        const Lease* lease = lease_of(network, Family::v4, &leases);
        if (lease && !(ways_of(*lease, network, was, leases) == ways_of(*lease, network, now, leases))) names.insert(network.name);
    }
    return names;
}

Clients clients_of(const intent::Intent& intent) {
    Clients clients;
    for (const intent::Network& network : intent.networks())
        for (const Family family : families)
            if (asks(network, family)) {
                const std::string key = lease_key(network, family);
                clients.insert({key, {key, top_device(network), family}});
            }
    return clients;
}

Resolver resolver_of(const intent::Intent& intent, const Leases& leases) {
    Resolver resolver;
    const intent::Network* network = intent.default_route();
    if (!network) return resolver;
    resolver.link = top_device(*network);
    for (const auto& server : network->nameservers) resolver.nameservers.push_back(server.text());
    resolver.search = network->search;
    const bool has_own = !resolver.nameservers.empty(), has_search = !resolver.search.empty();
    for (const Family family : families) {
        const Lease* lease = lease_of(*network, family, &leases);
        if (lease && !has_own)
            for (const auto& server : lease->nameservers) resolver.nameservers.push_back(server.text());
        if (lease && !has_search) resolver.search.insert(resolver.search.end(), lease->search.begin(), lease->search.end());
    }
    return resolver;
}

std::set<intent::NetworkName> differing(const intent::Intent& intent, const Leases& was, const Leases& now) {
    std::set<intent::NetworkName> names;
    const auto add_neighbours = [&](const Lease* lease) {
        if (lease) names.merge(intent.on_subnets(lease->addresses));
    };
    for (const intent::Network& network : intent.networks())
        for (const Family family : families) {
            const Lease *had = lease_of(network, family, &was), *has = lease_of(network, family, &now);
            if (is_same(had, has) && (!has || ways_of(*has, network, intent, was) == ways_of(*has, network, intent, now))) continue;
            names.insert(network.name);
            add_neighbours(had);
            add_neighbours(has);
        }
    return names;
}

}  // namespace lower
