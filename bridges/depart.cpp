// What links must let go first, and what the kernel does to them, and to those above them, when they do.
#include "bridges/depart.hpp"

#include <algorithm>

namespace bridges {
namespace {

// From one bridge to another is one step that comes when the other is there. All else leaves first: what goes must be
// empty, a bond gives back MAC and MTU and takes only what is down, and Open vSwitch takes only what is free.
bool leaves_first(const Journey& journey) {
    const Journey* now = journey.master_now;
    const Journey* then = journey.master_then;
    if (!journey.have->master || !journey.have->master->of) return false;
    if (now && now->emptied) return true;
    if (!journey.want || !journey.want->master) return false;
    if (now && now->goes) return true;
    if (journey.want->master->of == journey.have->master->of) return false;
    return !then || becomes_bond(*then) || !now || !is_bridge(now->have);
}

bool is_detached(const Journey& journey) {
    return leaves_first(journey) || (journey.master_now && journey.master_now->goes);
}

// A bond takes only a port that is down, and the kernel seam takes it down for that.
bool joins_bond(const Journey& journey) {
    if (!journey.master_then || !becomes_bond(*journey.master_then)) return false;
    return journey.master_then != journey.master_now || is_detached(journey);
}

std::set<Subnet> intersection(const std::set<Subnet>& want, const std::set<Subnet>& have) {
    std::set<Subnet> kept;
    std::ranges::set_intersection(want, have, std::inserter(kept, kept.end()));
    return kept;
}

// What is wanted in no form any more; what is wanted otherwise is changed in place later.
Traffic without_unwanted(const Traffic& want, Traffic have) {
    std::erase_if(have.shares, [&](const Share& share) { return !want.shares.contains(share); });
    std::erase_if(have.intakes, [&](const Intake& intake) { return !want.intakes.contains(intake); });
    std::erase_if(have.copies, [&](const IfName& copy) { return !want.copies.contains(copy); });
    std::erase_if(have.copies_in, [&](const IfName& copy) { return !want.copies_in.contains(copy); });
    if (!want.out) have.out = {};
    if (!want.in) have.in = {};
    return have;
}

bool is_v4(const Subnet& address) { return !address.is_v6(); }

// With the first address of an IPv4 subnet the kernel takes the others. They are said again at once; routes are not.
bool loses_v4(const std::set<Subnet>& before, const std::set<Subnet>& kept) {
    const auto survives = [&](const Subnet& address) {
        return is_v4(address) && std::ranges::none_of(before, [&](const Subnet& other) {
            return is_v4(other) && !kept.contains(other) && other.network() == address.network();
        });
    };
    return std::ranges::any_of(before, is_v4) && std::ranges::none_of(kept, survives);
}

std::optional<Link> release_of(const Journey& journey) {
    Link now{journey.name()};
    if (leaves_first(journey) && !journey.lingers) now.master = Master{};
    const Link *want = journey.want, *have = journey.have;
    if (want && want->addresses && have->addresses) {
        auto kept = intersection(*want->addresses, *have->addresses);
        if (kept != *have->addresses) now.addresses = std::move(kept);
    }
    if (want && want->traffic && have->traffic) {
        auto kept = without_unwanted(*want->traffic, *have->traffic);
        if (kept != *have->traffic) now.traffic = std::move(kept);
    }
    if (now == Link{journey.name()}) return std::nullopt;
    return now;
}

bool resets_vlans(const Journey* bridge) {
    if (!bridge || !bridge->want || !is_bridge(bridge->want) || !is_bridge(bridge->have)) return false;
    const Options& want = std::get<Bridge>(*bridge->want->kind).options;
    const Options& have = std::get<Bridge>(*bridge->have->kind).options;
    return std::ranges::any_of(want, [&](const auto& option) {
        const auto found = have.find(option.first);
        return option.first.starts_with("vlan_") && (found == have.end() || found->second != option.second);
    });
}

// A bond takes a random MAC when its last port leaves.
bool loses_all_ports(const Journey& bond) {
    if (!is_bond(bond.have) || bond.ports_now.empty()) return false;
    return std::ranges::all_of(bond.ports_now, [](const Journey* port) { return port->goes || (is_detached(*port) && !port->lingers); });
}

// A bridge that was never told its MTU has that of its narrowest port; whether it was told the kernel doesn't say.
bool may_lose_mtu(const Journey& bridge) {
    if (!is_bridge(bridge.have) || !bridge.have->mtu) return false;
    std::optional<Mtu> narrowest_now, narrowest_left;
    for (const Journey* port : bridge.ports_now) {
        const auto& mtu = port->have->mtu;
        if (!mtu) return true;
        if (!narrowest_now || *mtu < *narrowest_now) narrowest_now = mtu;
        if (port->goes || is_detached(*port)) continue;
        if (!narrowest_left || *mtu < *narrowest_left) narrowest_left = mtu;
    }
    return narrowest_now == bridge.have->mtu && narrowest_left.value_or(Mtu{}) != *bridge.have->mtu;
}

void forget_what_membership_gave(const Journey& journey, Link& left) {
    if (journey.master_now != journey.master_then || is_detached(journey)) left.isolated = {}, left.flags = {}, left.forwards = {}, left.vlans = {};
    if (resets_vlans(&journey) || resets_vlans(journey.master_now)) left.vlans = {};
    if (!is_detached(journey)) return;
    left.master = Master{};
    if (!journey.master_now || !is_bond(journey.master_now->have)) return;
    // The bond closes its port, and gives it the MAC and the MTU back that it came with.
    left.up = false;
    left.mtu = {};
    left.mac = journey.have->facts.permanent_mac;
}

Link what_is_left(const Journey& journey, const std::optional<Link>& release) {
    Link left = *journey.have;
    forget_what_membership_gave(journey, left);
    if (loses_all_ports(journey)) left.mac = {};
    if (may_lose_mtu(journey)) left.mtu = {};
    if (release && release->addresses) left.addresses = release->addresses;
    if (release && release->traffic) left.traffic = release->traffic;
    return left;
}

bool follows_mac(const Journey& vlan, const Journey& base) {
    if (!base.have->mac || vlan.have->mac != base.have->mac) return false;
    if (!base.left || !base.left->mac) return true;
    return base.want && base.want->mac && base.want->mac != base.left->mac && vlan.want && base.want->mac != vlan.want->mac;
}

// What happens to a base happens to the VLANs on it: they go down and up with it, and never have a larger MTU.
void stir(Journey& journey) {
    Link& left = *journey.left;
    const bool goes_down = left.up == false || joins_bond(journey) || journey.bounced;
    journey.stirred = journey.have->up.value_or(true) && goes_down;
    journey.loses_v4 = journey.have->addresses && left.addresses && loses_v4(*journey.have->addresses, *left.addresses);
    if (const Journey* base = journey.base_now; base && base->left) {
        const bool base_comes_up = base->want && base->want->up && base->want->up != base->left->up;
        if (base->stirred || base_comes_up) journey.stirred = true, left.up = {};
        if (!base->left->mtu) left.mtu = {};
        if (follows_mac(journey, *base)) left.mac = {};
    }
    if (journey.stirred && left.addresses) std::erase_if(*left.addresses, [](const Subnet& address) { return address.is_v6(); });
}

}  // namespace

std::vector<Step> departures(Journeys& journeys) {
    std::vector<Step> steps;
    for (Journey* journey : journeys.from_below()) {
        if (!journey->have) continue;
        if (!journey->goes) {
            const auto release = release_of(*journey);
            journey->left = what_is_left(*journey, release);
            stir(*journey);
            if (release) steps.push_back({Update<Link>{*journey->have, *release}, Phase::release, 1});
            continue;
        }
        // What others made goes when they take it away; a VLAN nobody spoke of dies with its base.
        const bool is_made = !journey->have->is_device();
        const bool dies_unsaid = !journey->want && !journey->have->owner.value_or(Owner{}).is_ours();
        if (is_made && !dies_unsaid) steps.push_back({Remove<Link>{*journey->have}, Phase::remove, 0});
    }
    return steps;
}

}  // namespace bridges
