// See wrong_wire.hpp.
#include "netd/lower/wrong_wire.hpp"

#include "netd/intent/links.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <algorithm>
#include <set>

namespace lower {
namespace {

using bridges::Link;
using intent::GuestNic;
using intent::Network;
using intent::SwitchKind;

bool is_ours(const auto& resource) { return topology::is_ours(resource.owner); }

// The one that is called after its NIC. None: it has another, or none at all.
std::optional<IfName> shared_bridge(const Network& network, const IfName& nic) {
    switch (network.switch_kind) {
        case SwitchKind::legacy: return std::nullopt;
        case SwitchKind::vlan_aware: return filtering_bridge(nic);
        case SwitchKind::ovs: return ovs_bridge(nic);
    }
    return std::nullopt;
}

std::set<IfName> shared_bridges(const intent::Intent& all) {
    std::set<IfName> bridges;
    for (const Network& network : all.networks())
        if (const auto base = network.base())
            if (const auto bridge = shared_bridge(network, *base)) bridges.insert(*bridge);
    return bridges;
}

class Separation {
public:
    Separation(Goal& goal, const intent::Intent& all, const Host& host) : goal_(goal), draft_{all, host}, host_(host), bridges_(shared_bridges(all)) {}

    void look_at(const Network& network) {
        const IfName home = *shared_bridge(network, *network.base());
        look_at_device(network, home);
        for (const GuestNic& nic : draft_.intent.plugged_into(network.name)) look_at_port(nic, network, home);
    }

private:
    bool is_wrong(const std::optional<IfName>& bridge, const IfName& home) const { return bridge && bridge != home && bridges_.contains(*bridge); }

    // As it is there, unless the goal takes it away.
    template <class R>
    static const R* left(const R* there, const R* then, const std::set<IfName>& scope) {
        const bool goes = there && !then && is_ours(*there) && scope.contains(there->name);
        return goes ? nullptr : there;
    }

    // The row that the port has in the end, if any.
    const ovs::Port* row(const IfName& port) const {
        const ovs::Port *there = host_.switched ? host_.switched->ports.find(port) : nullptr, *then = goal_.wanted.ovs.ports.find(port);
        return then && then->bridge ? then : left(there, then, goal_.scope.ports);
    }

    void want(const Link& link) {
        goal_.wanted.kernel.links.put(link);
        goal_.scope.links.insert(link.name);
    }

    void look_at_device(const Network& network, const IfName& home) {
        const IfName name = top_device(network);
        const Link* then = goal_.wanted.kernel.links.find(name);
        const Link* link = then ? then : left(host_.kernel.links.find(name), then, goal_.scope.links);
        const ovs::Port* port = row(name);
        const auto* vlan = link && is_ours(*link) ? intent::vlan_of(*link) : nullptr;
        if (!(vlan && is_wrong(vlan->base, home)) && !(link && port && is_ours(*port) && is_wrong(port->bridge, home))) return;
        Link down = then ? *then : Link{name};
        down.up = false;
        down.routed.reset();
        const auto routes = goal_.wanted.kernel.routes;
        for (const bridges::Route& route : routes)
            if (route.device == name) goal_.wanted.kernel.routes.erase(route.key());
        want(down);
    }

    void look_at_port(const GuestNic& nic, const Network& network, const IfName& home) {
        const IfName port = port_of(nic);
        if (const ovs::Port* found = row(port)) {
            if (is_wrong(found->bridge, home)) look_at_row(nic, network, home);
            return;
        }
        const Link* then = goal_.wanted.kernel.links.find(port);
        const bool is_said = then && then->master;
        const Link* link = is_said ? then : left(host_.kernel.links.find(port), then, goal_.scope.links);
        if (!link) return;
        const std::optional<IfName> bridge = link->master ? link->master->of : std::nullopt;
        // One of the hypervisor's that was taken off is nobody else's to bring home.
        if (is_wrong(bridge, home) || (nic.adopted && !bridge && !is_said)) look_at_link(nic, network, home);
    }

    void look_at_link(const GuestNic& nic, const Network& network, const IfName& home) {
        Link off{port_of(nic)};
        if (const Link* wanted = goal_.wanted.kernel.links.find(off.name)) off = *wanted;
        off.master = bridges::Master{};
        off.isolated = {}, off.flags = {}, off.forwards = {}, off.vlans = {};
        const Link *own = host_.kernel.links.find(home), *then = goal_.wanted.kernel.links.find(home);
        const bool has_home = then || (own && is_ours(*own) && !goal_.scope.links.contains(home));
        if (nic.adopted && has_home && network.switch_kind == SwitchKind::vlan_aware) {
            off.master = bridges::Master{home};
            off.vlans = bridges::PortVlans{.untagged = tag_inside(draft_, network)};
        }
        want(off);
    }

    // Who is netd's has its row taken away; another one's stays, on a tag that nobody has.
    void look_at_row(const GuestNic& nic, const Network& network, const IfName& home) {
        const IfName port = port_of(nic);
        if (host_.switch_waits && !goal_.scope.ports.contains(port)) return;  // what it has kept waits for it
        goal_.scope.ports.insert(port);
        if (!nic.adopted) {
            goal_.wanted.ovs.ports.erase(port);
            goal_.wanted.ovs.mirrors.erase(port);
            return;
        }
        const ovs::Port* wanted = goal_.wanted.ovs.ports.find(port);
        ovs::Port apart = wanted ? *wanted : ovs::Port{port};
        apart.tagging = ovs::Nowhere{};
        const ovs::Bridge* own = host_.switched ? host_.switched->bridges.find(home) : nullptr;
        if (goal_.wanted.ovs.bridges.contains(home) || (own && !goal_.scope.bridges.contains(home))) {
            apart.bridge = home;
            apart.tagging = ovs::Access{tag_inside(draft_, network)};
        }
        goal_.wanted.ovs.ports.put(apart);
    }

    Goal& goal_;
    Draft draft_;
    const Host& host_;
    const std::set<IfName> bridges_;  // of all networks
};

}  // namespace

void keep_off_wrong_wires(Goal& goal, const intent::Intent& all, const Host& host) {
    if (!host.renames || host.renames->empty()) return;
    std::set<IfName> renamed;
    for (const auto& [name, device] : *host.renames) renamed.insert(device);
    Separation separation(goal, all, host);
    for (const Network& network : all.networks())
        if (network.base() && renamed.contains(*network.base()) && network.switch_kind != SwitchKind::legacy) separation.look_at(network);
}

bool was_on_bridge(const Network& network, std::string_view bridge, const intent::Renames& renames) {
    return std::ranges::any_of(renames, [&](const auto& one) {
        const auto before = network.base() == one.second ? shared_bridge(network, one.first) : std::nullopt;
        return before && before->text() == bridge;
    });
}

}  // namespace lower
