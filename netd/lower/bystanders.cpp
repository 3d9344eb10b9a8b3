// See bystanders.hpp.
#include "netd/lower/bystanders.hpp"

#include "bridges/journey.hpp"
#include "topology/compare.hpp"

namespace lower {
namespace {

using bridges::Link;

// What has the mark of one of these links and another name was renamed by somebody, and has its address, or its guest, still: it goes. While
// the link itself is there and stays, nobody looks for that.
void include_renamed(const HostState& wanted, const Host& host, Scope& scope) {
    std::set<topology::Owner> owners;
    for (const IfName& name : scope.links) {
        const Link *there = host.kernel.links.find(name), *then = wanted.kernel.links.find(name), *marked = then ? then : there;
        const bool stays = there && then && there->owner == then->owner;
        if (!stays && marked && marked->owner && marked->owner->is_ours()) owners.insert(*marked->owner);
    }
    if (owners.empty()) return;
    for (const Link& link : host.kernel.links)
        if (link.owner && owners.contains(*link.owner)) scope.links.insert(link.name);
}

// VLANs go with what they stand on.
void add_what_stands_on(std::set<IfName>& going, const bridges::State& kernel) {
    for (std::size_t before = 0; before != going.size();) {
        before = going.size();
        for (const Link& link : kernel.links) {
            const auto* vlan = link.kind ? std::get_if<bridges::Vlan>(&*link.kind) : nullptr;
            if (vlan && going.contains(vlan->base)) going.insert(link.name);
        }
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
    include_renamed(wanted, host, scope);
    std::set<IfName> unsettled, going;
    for (const IfName& name : scope.links) {
        const Link* there = host.kernel.links.find(name);
        const Link* then = wanted.kernel.links.find(name);
        if (!there) continue;
        if (!then || gives_way(*there, *then, wanted)) going.insert(name);
        else if (!topology::differences(*then, *there).empty()) unsettled.insert(name);
    }
    if (!going.empty()) {
        add_what_stands_on(going, host.kernel);
        scope.links.insert(going.begin(), going.end());
        for (const Link& link : host.kernel.links)
            if (link.master && link.master->of && going.contains(*link.master->of)) scope.links.insert(link.name);
    }
    unsettled.insert(going.begin(), going.end());
    if (!unsettled.empty())
        for (const bridges::Route& route : host.kernel.routes)
            if (unsettled.contains(route.device)) scope.routes.insert(route.key());
}

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
        if (!down.contains(route.device) || goal.was_wanted.kernel.routes.contains(route.key()) || goal.wanted.kernel.routes.contains(route.key())) continue;
        goal.wanted.kernel.routes.put(route);
        goal.scope.routes.insert(route.key());
    }
}

}  // namespace lower
