// The kernel's own order: rules before the main table, then what is connected, then routes by the length of their prefix.
#include "netd/observe/way_of_client.hpp"

#include "netd/lower/lower.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace observe {
namespace {

using intent::Intent;
using intent::Network;
using topology::IpAddress;
using topology::Subnet;

// As defined, and as the device has them: a lease is in no definition.
std::set<Subnet> addresses_of(const Network& network, const bridges::State& kernel) {
    std::set<Subnet> all = network.all_addresses();
    const bridges::Link* device = kernel.links.find(lower::top_device(network));
    if (device && device->addresses) all.insert(device->addresses->begin(), device->addresses->end());
    return all;
}

const Network* connected_to(const IpAddress& client, const Intent& running, const bridges::State& kernel) {
    const Network* best = nullptr;
    int longest = -1;
    for (const Network& network : running.networks())
        for (const Subnet& subnet : addresses_of(network, kernel)) {
            if (subnet.length() <= longest || !subnet.contains(client)) continue;
            longest = subnet.length();
            best = &network;
        }
    return best;
}

const bridges::Route* route_to(const IpAddress& client, std::uint32_t table, const bridges::State& kernel) {
    const bridges::Route* best = nullptr;
    for (auto at = kernel.routes.from({table, *Subnet::parse("0.0.0.0/0"), 0}); at != kernel.routes.end() && at->table == table; ++at) {
        const bridges::Route& route = *at;
        if (!route.to.contains(client)) continue;
        const bool is_better = !best || route.to.length() > best->to.length() || (route.to.length() == best->to.length() && route.metric < best->metric);
        if (is_better) best = &route;
    }
    return best;
}

// What leaves from that address goes by these before the main table is asked. Where a table has no way, the next rule counts.
const bridges::Route* route_by_rules(const IpAddress& client, const IpAddress& door, const bridges::State& kernel) {
    constexpr std::uint32_t main_rule = 32766;
    for (const bridges::Rule& rule : kernel.rules) {
        if (rule.priority >= main_rule) break;
        if (rule.drops || rule.in || rule.v6 != door.is_v6() || (rule.from && !rule.from->contains(door)) || (rule.to && !rule.to->contains(client))) continue;
        if (const bridges::Route* route = route_to(client, rule.table, kernel)) return route;
    }
    return nullptr;
}

const Network* network_at(const bridges::Route& route, const Intent& running) {
    const auto& networks = running.networks();
    const auto found = std::ranges::find_if(networks, [&](const Network& network) { return lower::top_device(network) == route.device; });
    return found == networks.end() ? nullptr : &*found;
}

}  // namespace

const Network* network_toward(const IpAddress& client, const std::optional<IpAddress>& door, const Intent& running, const bridges::State& kernel) {
    const bool has_source = door && door->is_v6() == client.is_v6();
    if (const bridges::Route* route = has_source ? route_by_rules(client, *door, kernel) : nullptr) return network_at(*route, running);
    if (const Network* network = connected_to(client, running, kernel)) return network;
    const bridges::Route* route = route_to(client, bridges::Route::main_table, kernel);
    return route ? network_at(*route, running) : running.default_route();
}

std::optional<intent::Complaint> cut_off(const Connection& connection, const intent::Request& request, const Intent& running,
                                         const Intent& wanted, const bridges::State& kernel) {
    const std::string& client = connection.client;
    if (client.empty() || request.options.allow_disconnect) return std::nullopt;
    const auto address = IpAddress::parse(client), door = IpAddress::parse(connection.door);
    if (!address) return std::nullopt;
    const Network* way = network_toward(*address, door ? std::optional(*door) : std::nullopt, running, kernel);
    if (!way || wanted.networks().contains(way->name)) return std::nullopt;
    const auto leaving = way->all_addresses();
    for (const Network& network : wanted.networks()) {
        const auto there = network.all_addresses();
        const bool takes_over = std::ranges::any_of(leaving, [&](const Subnet& one) { return there.contains(one); });
        if (takes_over) return std::nullopt;
    }
    const std::string& name = way->name.text();
    return intent::Complaint{intent::code::lost_connection, intent::pointer({"networks", name}), topology::Fault::denied,
                             fmt::format("your own connection from {} comes over network {}: to take it away all the same, set options.allowDisconnect", client, name)};
}

}  // namespace observe
