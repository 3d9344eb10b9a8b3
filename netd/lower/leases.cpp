// Which clients there shall be, and what is made of what they bring.
#include "netd/lower/leases.hpp"

#include "netd/lower/lower.hpp"

#include <fmt/format.h>

namespace lower {
namespace {

constexpr Family families[] = {Family::v4, Family::v6};

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
    for (const intent::Network& network : intent.networks())
        for (const Family family : families)
            if (!is_same(lease_of(network, family, &was), lease_of(network, family, &now))) names.insert(network.name);
    return names;
}

}  // namespace lower
