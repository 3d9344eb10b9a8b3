// Routes and rules: what leads nowhere is refused.
#include "tests/fakes/fake_host.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/rtnetlink.h>

namespace fakes {

using namespace bridges;

// A gateway is on a network of its device, or a route without a gateway leads to it.
bool FakeHost::is_reachable(const Route& route) const {
    if (!route.via || (route.via->is_v6() && route.via->is_link_local())) return true;
    const auto& addresses = *at(route.device).addresses;
    if (std::ranges::any_of(addresses, [&](const Subnet& address) { return address.contains(*route.via); })) return true;
    return std::ranges::any_of(state_.routes, [&](const Route& other) {
        return other.device == route.device && !other.via && other.table == Route::main_table && other.to.contains(*route.via);
    });
}

// A route of the same key is replaced.
Result<> FakeHost::put_route(const Route& route) {
    const Link* device = state_.links.find(route.device);
    if (!device) return Error{Fault::lost_sync, describe(route), "there is no \"" + route.device.text() + "\""};
    if (!*device->up) return refused(ENETDOWN, describe(route));
    if (route.to.is_v6() && device->stack->ipv6 == false) return refused(EACCES, describe(route));
    if (!is_reachable(route)) return refused(route.to.is_v6() ? EHOSTUNREACH : ENETUNREACH, describe(route));
    state_.routes.put(route);
    return {};
}

// The kernel's own, to the subnet of an address; every link that is up has them until somebody takes them.
Result<> FakeHost::remove_subnet_route(const Route& route) {
    edit(route.device, [&](Link& link) {
        for (const Subnet& address : *link.addresses)
            if (address.network() == route.to) link.facts.rare.edit().unrouted.insert(address);
        if (!link.facts.rare.get().unrouted.empty()) link.routed.reset();
    });
    return {};
}

// What is gone already is as it should be.
Result<> FakeHost::remove_route(const Route& route) {
    if (route.protocol == RTPROT_KERNEL) return remove_subnet_route(route);
    const Route* there = state_.routes.find(route.key());
    if (there && there->device == route.device) state_.routes.erase(route.key());
    return {};
}

Result<> FakeHost::create_rule(const Rule& rule) {
    if (!state_.rules.contains(rule.key())) state_.rules.put(rule);
    return {};
}

Result<> FakeHost::remove_rule(const Rule& rule) {
    state_.rules.erase(rule.key());
    return {};
}

}  // namespace fakes
