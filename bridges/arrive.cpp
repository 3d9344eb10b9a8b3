// Links that come, and what differs of those that are there, attribute by attribute.
#include "bridges/arrive.hpp"

#include "bridges/settle.hpp"
#include "bridges/small_mtu.hpp"
#include "topology/compare.hpp"

#include <algorithm>
#include <utility>

namespace bridges {
namespace {

template <class Attribute>
bool differs(const Attribute& want, const Attribute& have) {
    std::vector<topology::Difference> found;
    topology::compare_wanted("", want, have, found);
    return !found.empty();
}

// Of the options only those that differ; of a thing that is made in one piece, nothing.
std::optional<Kind> kind_change(const Kind& want, const Kind& have) {
    const auto changed = []<class K>(const K& wanted, const K& found) -> std::optional<Kind> {
        K change;
        for (const auto& [name, value] : wanted.options) {
            const auto there = found.options.find(name);
            if (there == found.options.end() || there->second != value) change.options.edit().emplace(name, value);
        }
        if (change.options.empty()) return std::nullopt;
        return change;
    };
    if (const auto* bridge = std::get_if<Bridge>(&want)) return changed(*bridge, std::get<Bridge>(have));
    if (const auto* bond = std::get_if<Bond>(&want)) return changed(*bond, std::get<Bond>(have));
    return std::nullopt;
}

HostStack stack_change(const HostStack& want, const HostStack& have) {
    HostStack change;
    topology::for_each_field<HostStack>([&](const auto& field) {
        if (differs(want.*field.member, have.*field.member)) change.*field.member = want.*field.member;
    });
    return change;
}

// IPv6 comes with the MTU that it needs, as the kernel's defaults say: what is wanted of it is to be said whatever is there now.
bool gains_ipv6(const Journey& journey) {
    return is_too_small_for_ipv6(journey.left->mtu) && journey.mtu_then && !is_too_small_for_ipv6(journey.mtu_then);
}

bool joins_bond(const Journey& journey) {
    if (!journey.master_then || !becomes_bond(*journey.master_then)) return false;
    return !journey.left || !journey.left->master || journey.left->master->of != journey.master_then->name();
}

// The kernel remembers the name of a primary that has left, and tells it of none: where no primary is wanted, that is said before a port
// comes, since one of that name would take over what is sent until the bond is told once more.
void forget_primary(const Journey& bond, Link& change) {
    const Bond* want = bond.want->as<Bond>();
    if (!want || bond.emptied || !std::ranges::any_of(bond.ports_then, [](const Journey* port) { return joins_bond(*port); })) return;
    const auto primary = want->options.find("primary");
    if (primary == want->options.end() || !primary->second.empty()) return;
    if (!change.kind) change.kind = Bond{};
    change.as<Bond>()->options.edit().insert(*primary);
}

// Everything in which the link isn't as wanted, but MTU and addresses, which have phases of their own.
Link change_of(const Journey& journey) {
    const Link &want = *journey.want, &left = *journey.left;
    Link change{want.name};
    topology::for_each_field<Link>([&](const auto& field) {
        if (differs(want.*field.member, left.*field.member)) change.*field.member = want.*field.member;
    });
    change.mtu = {};
    change.addresses = {};
    change.odd_addresses = {};
    change.traffic = {};
    if (gains_ipv6(journey)) change.stack = want.stack;
    else if (change.stack && left.stack) change.stack = stack_change(*want.stack, *left.stack);
    // A new mode makes the bond forget some of its other options: all are said again.
    if (change.kind && left.kind && !journey.emptied) change.kind = kind_change(*want.kind, *left.kind);
    forget_primary(journey, change);
    return change;
}

// A VLAN without a MAC of its own has its base's for good; one that was told the same MAC doesn't follow.
bool has_mac_of_base(const Journey& journey) {
    const Journey* base = journey.base_then;
    return base && base->want && base->want->mac && journey.want->mac == base->want->mac;
}

// Who gets a copy of what passes must be there before.
bool comes_with_its_traffic(const Journey& journey) {
    const auto& traffic = journey.want->traffic;
    return !journey.left && !journey.want->is_device() && traffic && traffic->copies.empty() && traffic->copies_in.empty();
}

Link newcomer(const Journey& journey) {
    Link now = *journey.want;
    now.facts = {};
    now.addresses = {};
    now.odd_addresses = {};
    if (!comes_with_its_traffic(journey)) now.traffic = {};
    if (has_mac_of_base(journey)) now.mac = {};
    return now;
}

// What guards the others from it stands when its frames can pass.
void guard(const Journey& journey, Link& now) {
    const auto& traffic = journey.want->traffic;
    if (!traffic || !traffic->checksums || !(now.master || now.up == true)) return;
    Traffic guarded = journey.left->traffic.value_or(Traffic{});
    if (std::exchange(guarded.checksums, true)) return;
    now.traffic = guarded;
}

void come(const Journey& journey, Phase phase, int level, std::vector<Step>& steps) {
    Link now = journey.left ? change_of(journey) : newcomer(journey);
    if (journey.left) guard(journey, now);
    if (!journey.left && journey.want->is_device()) {
        now.kind = {};
        if (!(now == Link{now.name})) steps.push_back({Update<Link>{Link{now.name}, now}, phase, level});
    } else if (!journey.left) {
        steps.push_back({Create<Link>{now}, phase, level});
    } else if (!(now == Link{now.name})) {
        steps.push_back({Update<Link>{*journey.have, now}, phase, level});
    }
    // A bond takes its port up by itself.
    if (!joins_bond(journey) || journey.want->up != false) return;
    Link down{now.name};
    down.up = false;
    steps.push_back({Update<Link>{before(journey), down}, phase, level + 1});
}

Step leave(const Journey& journey, Phase phase, int level) {
    Link now{journey.name()};
    now.master = Master{};
    return {Update<Link>{*journey.have, now}, phase, level};
}

// With what is changed of the link a wanted address becomes its for good. By itself that is no difference: a client of others that goes
// on would give it a term again and again.
bool ends_by_itself(const Journey& journey) {
    const auto& expiring = journey.left->facts.rare.get().expiring;
    const bool is_wanted = std::ranges::any_of(expiring, [&](const Subnet& address) { return journey.want->addresses->contains(address); });
    return is_wanted && !(change_of(journey) == Link{journey.want->name});
}

void take_addresses(const Journey& journey, std::vector<Step>& steps) {
    const auto& want = journey.want->addresses;
    if (!want) return;
    if (journey.left ? journey.left->addresses == want && !ends_by_itself(journey) : want->empty()) return;
    Link now{journey.want->name};
    now.addresses = want;
    now.odd_addresses = journey.want->odd_addresses;
    steps.push_back({Update<Link>{before(journey), now}, Phase::address, 0});
}

void take_traffic(const Journey& journey, std::vector<Step>& steps) {
    const auto& want = journey.want->traffic;
    if (!want || comes_with_its_traffic(journey) || want == (journey.left ? journey.left->traffic : Traffic{})) return;
    Link now{journey.want->name};
    now.traffic = want;
    steps.push_back({Update<Link>{before(journey), now}, Phase::traffic, 0});
}

}  // namespace

std::vector<Step> arrivals(Journeys& journeys) {
    std::vector<Step> steps = settling_steps(journeys);
    // What is there rises before anything stands on it.
    int risen = 0;
    for (const Step& step : steps)
        if (step.phase == Phase::build) risen = std::max(risen, step.level + 1);
    for (const Journey* journey : journeys.all()) {
        if (!journey->want) continue;
        const Phase phase = journey->late ? Phase::late : Phase::build;
        const int level = risen + 2 * journey->place;
        if (journey->lingers) steps.push_back(leave(*journey, phase, level));
        come(*journey, phase, level + journey->lingers, steps);
        if (auto step = before_it_carries(*journey, phase, risen + 2 * journey->complete + 1)) steps.push_back(std::move(*step));
        take_addresses(*journey, steps);
        take_traffic(*journey, steps);
    }
    return steps;
}

}  // namespace bridges
