// Finds what a change touches, draws up what is wanted of it, and what becomes of that which is let go.
#include "netd/lower/lower.hpp"

#include "bridges/bridge_options.hpp"
#include "netd/lower/attainable.hpp"
#include "netd/lower/bystanders.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/lower/leftovers.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/plugged.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/wrong_wire.hpp"
#include "topology/compare.hpp"

#include <algorithm>

namespace lower {
namespace {

using bridges::Link;
using intent::Intent;
using intent::SwitchKind;

template <class R, class Visit>
void each_side(const std::vector<topology::Change<R>>& changes, Visit&& visit) {
    for (const auto& change : changes) {
        if (const auto* create = std::get_if<topology::Create<R>>(&change)) visit(create->now);
        else if (const auto* remove = std::get_if<topology::Remove<R>>(&change)) visit(remove->was);
        else {
            visit(std::get<topology::Update<R>>(change).was);
            visit(std::get<topology::Update<R>>(change).now);
        }
    }
}

void touch_guests_of(const intent::NetworkName& network, const Intent& intent, Touched& touched) {
    for (const intent::GuestNic& nic : intent.plugged_into(network)) touched.nics.insert(nic.key());
    for (const intent::GuestNic& nic : intent.watching(network)) touched.nics.insert(nic.key());
}

// On a filtering bridge a guest of another network may have its tag as its own, and then sends to who mirrors it.
void touch_guests_with_tag_of(const intent::Network& network, const Intent& now, Touched& touched) {
    if (!network.vlan || !network.base() || network.switch_kind != SwitchKind::vlan_aware) return;
    const intent::Base* base = now.bases().find(*network.base());
    for (const intent::Rider& rider : base ? base->riders : topology::Keyed<intent::Rider>())
        for (const intent::GuestNic& nic : now.plugged_into(rider.network))
            if (nic.vlan == network.vlan) touched.nics.insert(nic.key());
}

// A network sends its copies by itself, and on a filtering bridge its base lets it.
void touch_mirrored(const intent::NetworkName& name, const Intent& now, Touched& touched) {
    const intent::Network* network = now.networks().find(name);
    if (!network || network->switch_kind == SwitchKind::ovs) return;
    touched.networks.insert(name);
    for (const intent::GuestNic& nic : now.plugged_into(name)) touched.nics.insert(nic.key());
    touch_guests_with_tag_of(*network, now, touched);
    if (const auto base = network->base(); base && network->switch_kind == SwitchKind::vlan_aware) touched.bases.insert(*base);
}

// The inner tag of an untagged network comes and goes with it, and moves when another network takes its number; no guest of that bridge
// has it beside.
void touch_moved_inner_tags(const Intent& was, const Intent& now, Touched& touched) {
    for (const IfName& device : touched.bases) {
        const intent::Base* before = was.bases().find(device);
        const intent::Base* after = now.bases().find(device);
        if (!before || !after || before->number_inside() == after->number_inside()) continue;
        if (const intent::Rider* untagged = after->with_tag(std::nullopt)) touched.networks.insert(untagged->network);
        for (const intent::Rider& rider : after->riders) touch_guests_of(rider.network, now, touched);
    }
}

// Networks have the MAC of their bond, and one that lost all its ports for a moment may have another one then.
void touch_networks_of(const intent::Bond& bond, const Intent& now, Touched& touched) {
    const intent::Base* base = now.bases().find(bond.name);
    if (!base) return;
    for (const intent::Rider& rider : base->riders) touched.networks.insert(rider.network);
}

void network(Draft& draft, const intent::Network& network) {
    switch (network.switch_kind) {
        case SwitchKind::legacy: network_bridged(draft, network); break;
        case SwitchKind::vlan_aware: network_vlan_aware(draft, network); break;
        case SwitchKind::ovs: network_switched(draft, network); break;
    }
    routing(draft, network);
}

void base(Draft& draft, const intent::Base& base) {
    switch (base.riders.begin()->switch_kind) {
        case SwitchKind::legacy: return base_bridged(draft, base);
        case SwitchKind::vlan_aware: return base_vlan_aware(draft, base);
        case SwitchKind::ovs: return base_switched(draft, base);
    }
}

// Addresses that others put on a device of ours stay there, unless it becomes a port, or has no IPv6 any more: whatever the old
// definition did not want, netd did not make.
void keep_foreign_addresses(const Link& old, Link& now, const Host& host) {
    const Link* there = host.kernel.links.find(old.name);
    if (!there || !there->addresses || !old.addresses || !now.addresses) return;
    const bool becomes_port = now.master && now.master->of && there->master != now.master;
    if (becomes_port) return;
    const bool has_v6 = !now.stack || now.stack->ipv6 != false;
    for (const topology::Subnet& address : *there->addresses)
        if (!old.addresses->contains(address) && (has_v6 || !address.is_v6())) now.addresses->insert(address);
}

// What the old definition set of the host's stack and the new one leaves open goes back to the kernel's default.
std::optional<bridges::HostStack> stack_after(const Link& old, const Link& now) {
    using bridges::HostStack;
    auto stack = now.stack;
    const auto reset = [&](std::optional<bool> HostStack::*setting, bool usual) {
        if (!old.stack || (*old.stack).*setting != !usual || (stack && (*stack).*setting)) return;
        if (!stack) stack.emplace();
        (*stack).*setting = usual;
    };
    for (const auto setting : {&HostStack::ipv6, &HostStack::hears_routers, &HostStack::autoconf, &HostStack::ra_gateway}) reset(setting, true);
    reset(&HostStack::arp_strict, false);
    return stack;
}

// Routers that are heard there look like others' (apart()), and were the network's that goes.
void end_routers(const Link& old, const Link& wanted, Link& now) {
    const bool were_networks = old.addresses && old.stack && old.stack->hears_routers == true;
    if (were_networks && !wanted.addresses && now.stack && !now.stack->hears_routers) now.stack->hears_routers = false;
}

// A link that was there before netd and is not netd's: it is left without a master, at the usual MTU, as found.
void let_go(const Link& old, const Host& host, HostState& wanted) {
    const Link* there = host.kernel.links.find(old.name);
    // A port that somebody else made is his to let go.
    if (old.kind || !there || !old.mtu) return;
    Link released{old.name};
    released.mtu = intent::Mtu();
    released.master = bridges::Master{};
    released.up = old.up;  // a bond leaves its ports down
    if (old.addresses) released.addresses.emplace();
    keep_foreign_addresses(old, released, host);
    if (old.traffic) released.traffic.emplace();
    if (old.promiscuous == true) released.promiscuous = false;
    released.stack = stack_after(old, released);
    // It is up, and on a wire that was another network's: it stays an island, where only its own addresses are answered.
    if (old.standing) released.standing = topology::Standing::in_network({});
    if (old.standing && released.stack) released.stack->arp_strict = true;
    wanted.kernel.links.put(released);
}

// What the old definition set and the new one does not mention goes back to its default.
void go_back(const Link& old, Link& now) {
    if (old.addresses && !now.addresses) now.addresses.emplace();
    if (old.traffic && !now.traffic) now.traffic.emplace();
    if (old.promiscuous == true && !now.promiscuous) now.promiscuous = false;
    if (old.standing && !now.standing) now.standing = topology::Standing::in_network({});
    now.stack = stack_after(old, now);
    const auto* old_bridge = old.as<bridges::Bridge>();
    auto* bridge = now.as<bridges::Bridge>();
    if (!old_bridge || !bridge) return;
    for (const auto& [key, value] : old_bridge->options)
        if (auto standard = bridges::bridge_option_default(key)) bridge->options.edit().emplace(key, *standard);
}

// Wherever the hypervisor has taken it: nothing of what passes there is for anybody here.
void end_copies_of_unadopted(const Intent& was, const Intent& now, const Host& host, HostState& wanted) {
    for (const IfName& port : unadopted(was, now)) {
        const Link* there = host.kernel.links.find(port);
        if (!there || !there->traffic || wanted.kernel.links.contains(port)) continue;
        bridges::Traffic left;
        // On a bridge of netd's it keeps its filter, and what guards that.
        if (!is_on_bridge_of_others(port, host.kernel)) left.checksums = there->traffic->checksums;
        if (left == *there->traffic) continue;
        Link released{port};
        released.traffic = left;
        wanted.kernel.links.put(released);
    }
}

}  // namespace

Touched touched_by(const intent::Delta& delta, const Intent& was, const Intent& now) {
    Touched touched;
    std::set<topology::Subnet> subnets;
    each_side<intent::Network>(delta.networks, [&](const intent::Network& network) {
        touched.networks.insert(network.name);
        for (const topology::Subnet& address : network.all_addresses()) subnets.insert(address.network());
        if (const auto base = network.base()) touched.bases.insert(*base);
        touch_guests_of(network.name, was, touched);
        touch_guests_of(network.name, now, touched);
        if (!now.watching(network.name).empty()) touch_guests_with_tag_of(network, now, touched);
    });
    // Who has a subnet alone routes by it, and who has neighbours there by its own address.
    touched.networks.merge(now.on_subnets(subnets));
    each_side<intent::Bond>(delta.bonds, [&](const intent::Bond& bond) {
        touched.bases.insert(bond.name);
        touch_networks_of(bond, now, touched);
    });
    each_side<intent::GuestNic>(delta.nics, [&](const intent::GuestNic& nic) {
        touched.nics.insert(nic.key());
        for (const intent::NetworkName& name : nic.port_mirroring) touch_mirrored(name, now, touched);
    });
    touch_moved_inner_tags(was, now, touched);
    return touched;
}

Touched everything(const Intent& intent) {
    Touched touched;
    for (const auto& network : intent.networks()) touched.networks.insert(network.name);
    for (const auto& base : intent.bases()) touched.bases.insert(base.device);
    for (const auto& bond : intent.bonds()) touched.bases.insert(bond.name);
    for (const auto& nic : intent.nics()) touched.nics.insert(nic.key());
    return touched;
}

HostState lower(const Intent& intent, const Touched& touched, const Host& host) {
    Draft draft{intent, host};
    for (const IfName& name : touched.bases) {
        if (const intent::Bond* found = intent.bonds().find(name)) bond(draft, *found);
        if (const intent::Base* found = intent.bases().find(name)) base(draft, *found);
    }
    for (const auto& name : touched.networks)
        if (const intent::Network* found = intent.networks().find(name)) network(draft, *found);
    for (const auto& key : touched.nics)
        if (const intent::GuestNic* found = intent.nics().find(key)) guest_nic(draft, *found);
    return draft.wanted;
}

HostState beside_foreign_addresses(HostState wanted, const Host& host) {
    const auto links = wanted.kernel.links;
    for (const Link& link : links) {
        Link now = link;
        keep_foreign_addresses(link, now, host);
        if (!(now == link)) wanted.kernel.links.put(now);
    }
    return wanted;
}

Goal goal(const Intent& was, const Intent& now, const Touched& touched, const Host& host) {
    Host then = host;
    if (host.held) then.leases = host.held;
    const HostState before = lower(was, touched, then);
    const Intent there = without_lost_guests(now, touched, host);
    Goal goal{lower(there, touched, host), {}};
    goal.lacks_guests = there.nics().size() != now.nics().size();
    for (const Link& link : before.kernel.links) {
        const Link* stays = goal.wanted.kernel.links.find(link.name);
        if (!stays) {
            // An OVS port that is internal is OVS's to remove; everything else that has no kind was there before.
            const ovs::Port* port = before.ovs.ports.find(link.name);
            if (!port || port->internal == false) let_go(link, host, goal.wanted);
        } else {
            Link changed = *stays;
            go_back(link, changed);
            keep_foreign_addresses(link, changed, host);
            end_routers(link, *stays, changed);
            if (!(changed == *stays)) goal.wanted.kernel.links.put(changed);
        }
    }
    end_copies_of_unadopted(was, now, host, goal.wanted);
    goal.scope.include(before);
    goal.scope.include(goal.wanted);
    goal.wanted = without(std::move(goal.wanted), vanished(now, touched, host));
    goal.was_wanted = before;
    keep_what_bonds_bring_down(goal, host);
    include_bystanders(goal, host);
    keep_ports_of_others(goal, was, now, host);
    keep_what_others_plugged(goal, host);
    keep_off_wrong_wires(goal, host.defined ? *host.defined : now, host);
    return goal;
}

}  // namespace lower
