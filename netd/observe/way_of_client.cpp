// The kernel's own order: what is connected, then routes by the length of their prefix.
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

const bridges::Route* route_to(const IpAddress& client, const bridges::State& kernel) {
    const bridges::Route* best = nullptr;
    for (const bridges::Route& route : kernel.routes) {
        if (route.table != bridges::Route::main_table || !route.to.contains(client)) continue;
        const bool is_better = !best || route.to.length() > best->to.length() || (route.to.length() == best->to.length() && route.metric < best->metric);
        if (is_better) best = &route;
    }
    return best;
}

}  // namespace

const Network* network_toward(const IpAddress& client, const Intent& running, const bridges::State& kernel) {
    if (const Network* network = connected_to(client, running, kernel)) return network;
    const bridges::Route* route = route_to(client, kernel);
    if (!route) return running.default_route();
    for (const Network& network : running.networks())
        if (lower::top_device(network) == route->device) return &network;
    return nullptr;
}

std::optional<intent::Complaint> cut_off(const std::string& client, const intent::Request& request, const Intent& running,
                                         const Intent& wanted, const bridges::State& kernel) {
    if (client.empty() || request.options.allow_disconnect) return std::nullopt;
    const auto address = IpAddress::parse(client);
    if (!address) return std::nullopt;
    const Network* way = network_toward(*address, running, kernel);
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
