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

    const ovs::Port* row(const IfName& port) const { return host_.switched ? host_.switched->ports.find(port) : nullptr; }

    void want(const Link& link) {
        goal_.wanted.kernel.links.put(link);
        goal_.scope.links.insert(link.name);
    }

    void look_at_device(const Network& network, const IfName& home) {
        const IfName name = top_device(network);
        const Link* there = host_.kernel.links.find(name);
        const ovs::Port* port = row(name);
        const auto* vlan = there && intent::is_ours(*there) ? intent::vlan_of(*there) : nullptr;
        const bool is_ours_there = port && port->owner && port->owner->is_ours();
        const bool is_there = (vlan && is_wrong(vlan->base, home)) || (there && is_ours_there && is_wrong(port->bridge, home));
        if (!is_there || goal_.wanted.kernel.links.contains(name)) return;
        Link down{name};
        down.up = false;
        want(down);
    }

    void look_at_port(const GuestNic& nic, const Network& network, const IfName& home) {
        const IfName port = port_of(nic);
        const Link *there = host_.kernel.links.find(port), *then = goal_.wanted.kernel.links.find(port);
        const std::optional<IfName> bridge = there && there->master ? there->master->of : std::nullopt;
        if (const ovs::Port* found = row(port); found && is_wrong(found->bridge, home)) look_at_row(nic, network, home);
        // One of the hypervisor's that was taken off is nobody else's to bring home.
        else if (there && !found && !(then && then->master) && (is_wrong(bridge, home) || (nic.adopted && !bridge))) look_at_link(nic, network, home);
    }

    void look_at_link(const GuestNic& nic, const Network& network, const IfName& home) {
        Link off{port_of(nic)};
        if (const Link* wanted = goal_.wanted.kernel.links.find(off.name)) off = *wanted;
        off.master = bridges::Master{};
        const Link *own = host_.kernel.links.find(home), *then = goal_.wanted.kernel.links.find(home);
        const bool has_home = then || (own && intent::is_ours(*own) && !goal_.scope.links.contains(home));
        if (nic.adopted && has_home && network.switch_kind == SwitchKind::vlan_aware) {
            off.master = bridges::Master{home};
            off.vlans = bridges::PortVlans{.untagged = tag_inside(draft_, network)};
        }
        want(off);
    }

    // Who is netd's has its row taken away; another one's stays, on a tag that nobody has.
    void look_at_row(const GuestNic& nic, const Network& network, const IfName& home) {
        const IfName port = port_of(nic);
        const ovs::Port* wanted = goal_.wanted.ovs.ports.find(port);
        if (wanted && wanted->bridge) return;
        goal_.scope.ports.insert(port);
        if (!nic.adopted) return;
        ovs::Port apart = wanted ? *wanted : ovs::Port{port};
        apart.tagging = ovs::Nowhere{};
        const ovs::Bridge* own = host_.switched->bridges.find(home);
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

void keep_off_wrong_wires(Goal& goal, const intent::Intent& all, const intent::Renames& renames, const Host& host) {
    if (renames.empty()) return;
    std::set<IfName> renamed;
    for (const auto& [name, device] : renames) renamed.insert(device);
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
