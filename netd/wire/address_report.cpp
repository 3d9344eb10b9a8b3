// Routes are looked through once; each device then finds its own.
#include "netd/wire/address_report.hpp"

#include <array>
#include <set>
#include <vector>

namespace wire {

using bridges::Route;
using topology::Subnet;

namespace {

std::string netmask_of(std::uint8_t length) {
    std::array<std::uint8_t, 4> bytes = {};
    for (unsigned bit = 0; bit < length && bit < 32; ++bit) bytes[bit / 8] |= static_cast<std::uint8_t>(0x80u >> (bit % 8));
    return topology::IpAddress::v4(bytes).text();
}

bool is_default(const Route& route) { return route.to.length() == 0; }

bool is_better(const Route& route, const Route* than) {
    if (!than) return true;
    const bool is_main = route.table == Route::main_table;
    if (is_main != (than->table == Route::main_table)) return is_main;
    return route.metric < than->metric;
}

// Of one device: what its definition says is told before what others have beside it.
bool is_rather_its_own(const Route& route, const Route* than) {
    if (!than || (route.protocol == Route::ours) == (than->protocol == Route::ours)) return is_better(route, than);
    return route.protocol == Route::ours;
}

// The one that the definition names, else the one that reaches the gateway, else the first.
const Subnet* first_of(const std::set<Subnet>& addresses, const intent::Network* network, const Route* way) {
    const auto defined = network ? network->ipv4() : std::nullopt;
    const Subnet *first = nullptr, *reaching = nullptr;
    for (const Subnet& address : addresses) {
        if (address.is_v6()) continue;
        if (defined && address == *defined) return &address;
        if (!first) first = &address;
        if (!reaching && way && way->via && address.contains(*way->via)) reaching = &address;
    }
    return reaching ? reaching : first;
}

struct Addresses {
    std::string first = {}, netmask = {}, gateway = {}, gateway_v6 = "::";
    std::vector<std::string> v4 = {}, v6 = {};
    bool is_default = false, is_default_v6 = false, dhcpv4 = false, dhcpv6 = false, autoconf = false;
};

Entry written(const Addresses& told) {
    Entry entry;
    entry.put("addr", told.first);
    entry.put("netmask", told.netmask);
    entry.put("ipv4addrs", told.v4);
    entry.put("ipv6addrs", told.v6);
    entry.put("gateway", told.gateway);
    entry.put("ipv6gateway", told.gateway_v6);
    entry.put("ipv4defaultroute", told.is_default);
    entry.put("ipv6defaultroute", told.is_default_v6);
    entry.put("dhcpv4", told.dhcpv4);
    entry.put("dhcpv6", told.dhcpv6);
    entry.put("ipv6autoconf", told.autoconf);
    return entry;
}

}  // namespace

AddressReport::AddressReport(const observe::Snapshot& snapshot) {
    for (const Route& route : snapshot.observed.kernel.routes)
        if (is_default(route)) take(route);
}

void AddressReport::take(const Route& route) {
    Ways& ways = ways_[route.device.text()];
    const bool v6 = route.to.is_v6();
    const Route*& of_device = v6 ? ways.v6 : ways.v4;
    const Route*& best = v6 ? best_v6_ : best_v4_;
    if (is_rather_its_own(route, of_device)) of_device = &route;
    if (route.table == Route::main_table && is_better(route, best)) best = &route;
}

Entry AddressReport::none() { return written({}); }

Entry AddressReport::of(const bridges::Link& link, const intent::Network* network) const {
    Addresses told;
    const auto found = ways_.find(link.name.text());
    const Ways ways = found == ways_.end() ? Ways() : found->second;
    if (link.addresses) {
        for (const Subnet& address : *link.addresses)
            if (!address.address().is_link_local() || !address.is_v6()) (address.is_v6() ? told.v6 : told.v4).push_back(address.text());
        if (const Subnet* first = first_of(*link.addresses, network, ways.v4)) {
            told.first = first->address().text();
            told.netmask = netmask_of(first->length());
        }
    }
    const bridges::RareFacts& rare = link.facts.rare.get();
    for (const Subnet& address : rare.autoconf) told.v6.push_back(address.text());
    if (ways.v4 && ways.v4->via) told.gateway = ways.v4->via->text();
    if (ways.v6 && ways.v6->via) told.gateway_v6 = ways.v6->via->text();
    else if (!rare.routers.empty()) told.gateway_v6 = rare.routers.begin()->text();
    told.is_default = best_v4_ && best_v4_->device == link.name;
    told.is_default_v6 = best_v6_ ? best_v6_->device == link.name : !rare.routers.empty();
    if (link.stack && link.stack->ipv6.value_or(false)) told.autoconf = link.stack->autoconf.value_or(false) && link.stack->hears_routers.value_or(false);
    if (network) {
        told.dhcpv4 = network->bootproto == intent::BootProto::dhcp;
        told.dhcpv6 = network->dhcpv6;
    }
    return written(told);
}

}  // namespace wire
