// See bystanders.hpp.
#include "netd/lower/bystanders.hpp"

#include "bridges/journey.hpp"
#include "bridges/stacking.hpp"
#include "netd/intent/links.hpp"
#include "topology/compare.hpp"

#include <algorithm>
#include <map>

namespace lower {
namespace {

using bridges::Link;
using intent::is_ours;

bool carries_foreign(const Link& lower, const bridges::State& kernel) {
    bool carries = false;
    kernel.links.each_notable([&](const Link& link) { carries = carries || bridges::stands_on(link, lower); });
    return carries;
}

// It has nothing of netd's any more, and what others have on it is all that it is there for.
Link left_to_others(const Link& renamed, const Link* old) {
    Link left{renamed.name};
    left.standing = topology::Standing();
    left.master = bridges::Master{};
    left.addresses = renamed.addresses;
    if (left.addresses && old && old->addresses)
        std::erase_if(*left.addresses, [&](const topology::Subnet& address) { return old->addresses->contains(address); });
    return left;
}

// What has the mark of one of these links and another name was renamed by somebody, and has its address, or its guest, still: it goes, or is
// left to what others have on it. While the link itself is there and stays, nobody looks for that.
void include_renamed(Goal& goal, const Host& host) {
    const HostState& wanted = goal.wanted;
    std::map<topology::Owner, const Link*> owners;
    for (const IfName& name : goal.scope.links) {
        const Link *there = host.kernel.links.find(name), *then = wanted.kernel.links.find(name), *marked = then ? then : there;
        const bool stays = there && then && there->owner == then->owner;
        if (!stays && marked && marked->owner && marked->owner->is_ours()) owners.emplace(*marked->owner, goal.was_wanted.kernel.links.find(name));
    }
    MarkedLinks marked_now;
    for (const auto& [owner, old] : owners)
        for (const Link* link : (host.marked ? *host.marked : marked_now).of(owner, host.kernel.links)) {
            const bool is_another = !goal.scope.links.contains(link->name);
            goal.scope.links.insert(link->name);
            if (is_another && carries_foreign(*link, host.kernel)) goal.wanted.kernel.links.put(left_to_others(*link, old));
        }
}

// VLANs go with what they stand on.
void add_what_stands_on(std::set<IfName>& going, const bridges::State& kernel) {
    for (std::size_t before = 0; before != going.size();) {
        before = going.size();
        for (const Link& link : kernel.links) {
            const auto* vlan = intent::vlan_of(link);
            if (vlan && going.contains(vlan->base)) going.insert(link.name);
        }
    }
}

// With a link's MTU falls that of the VLANs on it, and below what IPv6 needs that is gone, too. Nobody raises it again by itself.
void include_what_sinks(std::set<IfName> sinking, topology::Mtu lowest, const bridges::State& kernel, Scope& scope, std::set<IfName>& unsettled) {
    if (sinking.empty()) return;
    add_what_stands_on(sinking, kernel);
    for (const IfName& name : sinking) {
        const Link* link = kernel.links.find(name);
        if (is_ours(*link) || scope.links.contains(name) || !link->mtu || *link->mtu <= lowest) continue;
        scope.links.insert(name);
        unsettled.insert(name);
    }
}

// Whether it gives way to another thing of its name: one of Open vSwitch has no kind that is wanted.
bool gives_way(const Link& there, const Link& then, const HostState& wanted) {
    return !bridges::is_same_thing(then, there) || (bridges::is_bridge(&there) && wanted.ovs.ports.contains(there.name));
}

}  // namespace

void include_bystanders(Goal& goal, const Host& host) {
    const HostState& wanted = goal.wanted;
    Scope& scope = goal.scope;
    include_renamed(goal, host);
    std::set<IfName> unsettled, going, sinking;
    topology::Mtu lowest;
    for (const IfName& name : scope.links) {
        const Link* there = host.kernel.links.find(name);
        const Link* then = wanted.kernel.links.find(name);
        if (!there) continue;
        if (!then || gives_way(*there, *then, wanted)) going.insert(name);
        else if (!topology::differences(*then, *there).empty()) unsettled.insert(name);
        if (!then || !then->mtu || !there->mtu || *then->mtu >= *there->mtu) continue;
        lowest = sinking.empty() ? *then->mtu : std::min(lowest, *then->mtu);
        sinking.insert(name);
    }
    include_what_sinks(std::move(sinking), lowest, host.kernel, scope, unsettled);
    if (!going.empty()) {
        add_what_stands_on(going, host.kernel);
        scope.links.insert(going.begin(), going.end());
        for (const Link& link : host.kernel.links)
            if (link.master && link.master->of && going.contains(*link.master->of)) scope.links.insert(link.name);
    }
    unsettled.insert(going.begin(), going.end());
    if (!unsettled.empty())
        for (const bridges::Route& route : host.kernel.routes)
            if (unsettled.contains(route.device) && route.protocol != bridges::Route::announced) scope.routes.insert(route.key());
}

namespace {

// Ours, and removed or made anew. What Open vSwitch made for netd goes with its row, which alone has the mark.
bool goes(const Link& link, const Goal& goal, const Host& host) {
    const Link* then = goal.wanted.kernel.links.find(link.name);
    const auto is_gone = [&](const auto& rows, const std::set<IfName>& scope, const auto& wanted) {
        const auto* row = rows.find(link.name);
        return row && row->owner && row->owner->is_ours() && scope.contains(link.name) && !wanted.contains(link.name);
    };
    const bool is_device = !link.kind || std::holds_alternative<bridges::Device>(*link.kind);
    if (is_ours(link) && !is_device) return goal.scope.links.contains(link.name) && (!then || gives_way(link, *then, goal.wanted));
    if (!host.switched) return false;
    const ovs::Port* port = host.switched->ports.find(link.name);
    return (port && port->internal == true && is_gone(host.switched->ports, goal.scope.ports, goal.wanted.ovs.ports)) ||
           is_gone(host.switched->bridges, goal.scope.bridges, goal.wanted.ovs.bridges);
}

}  // namespace

std::vector<Stack> stacks(const Host& host) {
    std::vector<const Link*> uppers;
    host.kernel.links.each_notable([&](const Link& link) { uppers.push_back(&link); });
    if (uppers.empty()) return {};
    std::map<int, const Link*> by_index;
    for (const Link& link : host.kernel.links) by_index.emplace(link.facts.index, &link);
    std::vector<Stack> all;
    for (const Link* upper : uppers) {
        const auto* vlan = intent::vlan_of(*upper);
        const auto found = vlan ? by_index.end() : by_index.find(*upper->facts.peer_index);
        const Link* lower = vlan ? host.kernel.links.find(vlan->base) : found != by_index.end() ? found->second : nullptr;
        const bool is_switchs = lower && host.switched && (host.switched->ports.contains(lower->name) || host.switched->bridges.contains(lower->name));
        if (lower && (is_ours(*lower) || is_switchs)) all.push_back({lower, upper});
    }
    return all;
}

std::optional<Stack> carried_away(const Goal& goal, const Host& host, const std::vector<Stack>& stacks) {
    for (const Stack& stack : stacks) {
        const Link* then = goal.wanted.kernel.links.find(stack.upper->name);
        if (!(then && is_ours(*then)) && goes(*stack.lower, goal, host)) return stack;
    }
    return std::nullopt;
}

namespace {

// A way by addresses that the device loses in the change goes with these.
bool leads_then(const bridges::Route& route, const Link* then, const Link& there) {
    if (!then || !then->addresses || then->addresses == there.addresses) return true;
    const auto reaches = [&](const topology::Subnet& own) {
        return own.is_v6() == route.to.is_v6() && (!route.via || own.contains(*route.via) || (own.is_v6() && route.via->is_link_local()));
    };
    return route.manner.empty() && std::ranges::any_of(*then->addresses, reaches);
}

}  // namespace

void keep_what_bonds_bring_down(Goal& goal, const Host& host) {
    std::set<IfName> down;
    for (const Link& then : goal.wanted.kernel.links)
        if (bridges::must_be_down(&then, host.kernel.links.find(then.name))) down.insert(then.name);
    if (down.empty()) return;
    add_what_stands_on(down, host.kernel);
    for (const IfName& name : down) {
        const Link* then = goal.wanted.kernel.links.find(name);
        if (then ? then->addresses.has_value() : goal.scope.links.contains(name)) continue;  // netd's own, or going
        const Link& there = *host.kernel.links.find(name);
        Link kept = then ? *then : Link{name};
        kept.addresses = there.addresses;
        kept.odd_addresses = there.odd_addresses;
        goal.wanted.kernel.links.put(kept);
        goal.scope.links.insert(name);
    }
    for (const bridges::Route& route : host.kernel.routes) {
        if (!down.contains(route.device) || route.protocol == bridges::Route::announced || goal.was_wanted.kernel.routes.contains(route.key()) || goal.wanted.kernel.routes.contains(route.key())) continue;
        if (!leads_then(route, goal.wanted.kernel.links.find(route.device), *host.kernel.links.find(route.device))) continue;
        goal.wanted.kernel.routes.put(route);
        goal.scope.routes.insert(route.key());
    }
}

}  // namespace lower
