// See router_ways.hpp.
#include "netd/lower/router_ways.hpp"

#include "netd/lower/naming.hpp"

#include <algorithm>

namespace lower {
namespace {

using bridges::Route;
using bridges::Rule;
using bridges::State;
using topology::IpAddress;
using topology::Subnet;

constexpr std::uint32_t priority = 3201;  // behind the rules of definitions
constexpr std::uint32_t metric = 1025;    // and behind their routes
constexpr std::uint32_t second_metric = 1026;  // by which the kernel leaves while the neighbour of the first is silent

struct Ways {
    topology::Keyed<Rule> rules = {};
    topology::Keyed<Route> routes = {};
};

const Subnet everywhere = *Subnet::parse("::/0");

// With each of its routes a table has a rule: so none needs to be looked for elsewhere.
std::map<std::uint32_t, Ways> ways_in(const State& kernel) {
    std::map<std::uint32_t, Ways> ways;
    for (auto rule = kernel.rules.from({priority, true, {}, {}, {}, 0, false}); rule != kernel.rules.end() && rule->priority == priority; ++rule)
        if (rule->protocol == Route::announced) ways[rule->table].rules.put(*rule);
    for (auto& [table, found] : ways)
        for (auto route = kernel.routes.from({table, *Subnet::parse("0.0.0.0/0"), 0}); route != kernel.routes.end() && route->table == table; ++route)
            if (route->protocol == Route::announced) found.routes.put(*route);
    return ways;
}

std::set<IpAddress> announced_to(const IfName& device, const State& kernel) {
    std::set<IpAddress> addresses;
    if (const bridges::Link* link = kernel.links.find(device))
        for (const Subnet& address : link->facts.rare.get().autoconf) addresses.insert(address.address());
    return addresses;
}

// That the network has: as announced, as leased, and as defined beside these.
std::set<IpAddress> addresses_of(const intent::Network& network, const IfName& device, const Host& host) {
    std::set<IpAddress> addresses = announced_to(device, host.kernel);
    const bridges::Link* link = host.kernel.links.find(device);
    if (!link || !link->addresses) return addresses;
    std::set<Subnet> own = network.all_addresses();
    if (const Lease* lease = lease_of(network, Family::v6, host.leases)) own.insert(lease->addresses.begin(), lease->addresses.end());
    for (const Subnet& address : own)
        if (address.is_v6() && !address.address().is_link_local() && link->addresses->contains(address)) addresses.insert(address.address());
    return addresses;
}

// Devices of one NIC have one MAC, and make the same address of the same prefix.
bool is_anothers(const IpAddress& address, const intent::Network& network, const std::vector<Hearing>& networks, const intent::Intent& intent, const Host& host) {
    const Subnet alone = *Subnet::from(address, 128);
    const auto has_it = [&](const Subnet& one) { return one.address() == address; };
    for (const intent::NetworkName& name : intent.on_subnets({alone}))
        if (name != network.name && std::ranges::any_of(intent.networks().find(name)->all_addresses(), has_it)) return true;
    if (host.leases && is_leased_elsewhere(alone, network, *host.leases)) return true;
    return std::ranges::any_of(networks, [&](const Hearing& other) { return other.network != network.name && announced_to(other.device, host.kernel).contains(address); });
}

Ways ways_by(const Router& router, const Hearing& one, const std::vector<Hearing>& networks, const intent::Intent& intent, const Host& host) {
    Ways ways;
    const intent::Network& network = *intent.networks().find(one.network);
    const std::uint32_t table = table_of(network.name);
    for (const IpAddress& address : addresses_of(network, one.device, host))
        if (!is_anothers(address, network, networks, intent, host))
            ways.rules.put(Rule{.priority = priority, .v6 = true, .from = *Subnet::from(address, 128), .table = table, .protocol = Route::announced});
    if (ways.rules.empty()) return ways;
    const auto lead = [&](const Subnet& to, const std::optional<IpAddress>& via) { ways.routes.put(Route{table, to.network(), metric, via, one.device, Route::announced}); };
    lead(everywhere, router.address);
    if (router.otherwise) ways.routes.put(Route{table, everywhere, second_metric, router.otherwise, one.device, Route::announced});
    for (const Subnet& subnet : router.on_link) lead(subnet, std::nullopt);
    // What its definition says counts, too, and more.
    for (const Subnet& address : network.all_addresses())
        if (address.is_v6()) lead(address, std::nullopt);
    for (const intent::StaticRoute& way : network.routes)
        if (way.to->is_v6()) lead(*way.to, way.via);
    return ways;
}

// A route is there for no longer than a rule of its table.
std::vector<bridges::Op> steps_between(const Ways& have, const Ways& want) {
    std::vector<bridges::Op> steps;
    for (const Route& route : have.routes)
        if (!want.routes.contains(route.key())) steps.push_back(topology::Remove<Route>{route});
    for (const Rule& rule : want.rules)
        if (!have.rules.contains(rule.key())) steps.push_back(topology::Create<Rule>{rule});
    for (const Route& route : want.routes) {
        const Route* there = have.routes.find(route.key());
        if (!there) steps.push_back(topology::Create<Route>{route});
        else if (there->via != route.via || there->device != route.device) steps.push_back(topology::Update<Route>{*there, route});
    }
    for (const Rule& rule : have.rules)
        if (!want.rules.contains(rule.key())) steps.push_back(topology::Remove<Rule>{rule});
    return steps;
}

}  // namespace

bool hears_routers(const intent::Network& network) { return network.ipv6autoconf || network.dhcpv6; }

std::vector<Hearing> hearing(const intent::Intent& intent) {
    std::vector<Hearing> networks;
    for (const intent::Network& network : intent.networks())
        if (hears_routers(network)) networks.push_back({network.name, top_device(network), lease_key(network, Family::v6), network.default_route});
    return networks;
}

Routers routers_in(const State& kernel, const std::vector<Hearing>& networks) {
    Routers routers;
    const auto ways = ways_in(kernel);
    for (const Hearing& one : networks) {
        const auto found = ways.find(table_of(one.network));
        const Route* away = found == ways.end() ? nullptr : found->second.routes.find({found->first, everywhere, metric});
        if (!away || !away->via || away->device != one.device) continue;
        Router router{*away->via};
        if (const Route* second = found->second.routes.find({found->first, everywhere, second_metric})) router.otherwise = second->via;
        for (const Route& route : found->second.routes)
            if (!route.via && route.device == one.device) router.on_link.insert(route.to);
        routers.insert({one.device, std::move(router)});
    }
    return routers;
}

bool are_router_ways(const State& kernel) {
    const auto rule = kernel.rules.from({priority, true, {}, {}, {}, 0, false});
    return rule != kernel.rules.end() && rule->priority == priority;
}

std::map<std::uint32_t, std::vector<bridges::Op>> steps_to(const Routers& routers, const std::vector<Hearing>& networks, const intent::Intent& intent, const Host& host) {
    auto have = ways_in(host.kernel);
    std::map<std::uint32_t, std::vector<bridges::Op>> steps;
    for (const Hearing& one : networks) {
        const auto router = routers.find(one.device);
        if (one.has_default_route || router == routers.end()) continue;
        const std::uint32_t table = table_of(one.network);
        steps[table] = steps_between(have[table], ways_by(router->second, one, networks, intent, host));
        have.erase(table);
    }
    for (const auto& [table, stale] : have) steps[table] = steps_between(stale, {});
    std::erase_if(steps, [](const auto& entry) { return entry.second.empty(); });
    return steps;
}

}  // namespace lower
