// What DHCP servers gave, as values: lowering reads an address from here as it reads a static one from a definition.
//
// A lease belongs to a stretch of wire (base and tag) and not to a device: so a network that becomes bridged keeps it.
#pragma once

#include "netd/intent/request.hpp"

#include <map>
#include <string>

namespace lower {

enum class Family { v4, v6 };

struct Lease {
    std::set<topology::Subnet> addresses = {};
    std::optional<topology::IpAddress> gateway = {};
    std::vector<intent::StaticRoute> routes = {};  // beside the one by the gateway
    std::set<topology::Subnet> on_link = {};       // on the wire itself, though outside the addresses' subnets: routers, as a rule
    std::vector<topology::IpAddress> nameservers = {};
    std::vector<std::string> search = {};
    bool operator==(const Lease&) const = default;
};
using Leases = std::map<std::string, Lease>;  // by lease_key()

// The network asks a server for its address of that family.
bool asks(const intent::Network& network, Family family);

// "<base>[.<tag>]-4", or of a network without a base "<device>-4". Lawful as a file's name.
std::string lease_key(const intent::Network& network, Family family);

// The lease that the network has by its definition and its server; null: it asks for none, or was given none yet.
const Lease* lease_of(const intent::Network& network, Family family, const Leases* leases);

// The networks that ask a server, of either family, and were given none by it.
std::set<intent::NetworkName> without_lease(const intent::Intent& intent, const Leases* leases);

// Which ways of a lease count. A server says nothing about where a network is at home, its own or another, or where a definition leads
// elsewhere; and, to a network without the default route, nothing about more than a /8. Each that doesn't count, in words.
struct Ways {
    std::optional<topology::IpAddress> gateway = {};
    std::vector<intent::StaticRoute> routes = {};
    std::set<topology::Subnet> on_link = {};
    std::vector<std::string> refused = {};
    bool operator==(const Ways&) const = default;
};
Ways ways_of(const Lease& lease, const intent::Network& network, const intent::Intent& intent, const Leases& leases);

// Networks of which other ways count by the one intent than by the other.
std::set<intent::NetworkName> with_other_ways(const intent::Intent& was, const intent::Intent& now, const Leases& leases);

// Why a lease is none for this network, in words; empty: it is one. What is another network's address is no server's to give, nor, to
// a network without the default route, a subnet wider than a /8.
std::string unfit(const Lease& lease, const intent::Network& network, const intent::Intent& intent, const Leases& held);

// The other way round: addresses (22) that the request newly gives a network, while another one would keep them by its lease. Pure.
intent::Complaints leased_to_others(const intent::Request& request, const intent::Intent& running, const intent::Intent& wanted, const Leases& leases);

// Whether a lease of another network than this one has the subnet.
bool is_leased_elsewhere(const topology::Subnet& subnet, const intent::Network& network, const Leases& leases);

// A client that runs for a network: on which device it asks, and what its lease is called.
struct Client {
    std::string key;
    topology::IfName device;
    Family family = Family::v4;
    bool operator==(const Client&) const = default;
};
using Clients = std::map<std::string, Client>;  // by lease_key()
Clients clients_of(const intent::Intent& intent);

// Networks to which the one means something else than the other: their own leases, or who shares their subnet.
std::set<intent::NetworkName> differing(const intent::Intent& intent, const Leases& was, const Leases& now);

// The host's resolver, by the network with the default route: its own list, else its server's. Empty: what the host had.
struct Resolver {
    std::vector<std::string> nameservers = {}, search = {};
    std::optional<topology::IfName> link = {};  // the network's, by which they are reached
    bool empty() const { return nameservers.empty() && search.empty(); }
    bool operator==(const Resolver&) const = default;
};
Resolver resolver_of(const intent::Intent& intent, const Leases& leases);

}  // namespace lower
