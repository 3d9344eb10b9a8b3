// How the links of two states are tied together, and which of them can't stay what they are.
#include "bridges/journey.hpp"

#include "bridges/bond_options.hpp"
#include "bridges/small_mtu.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

namespace bridges {
namespace {

template <class K>
const K* kind_of(const Link* link) {
    return link ? link->as<K>() : nullptr;
}

// Whether an option of the bond shall change that the kernel changes only under that condition.
bool changes_option(const Link* want, const Link* have, bool (*needs)(std::string_view option)) {
    const Bond* wanted = kind_of<Bond>(want);
    const Bond* found = kind_of<Bond>(have);
    if (!wanted || !found) return false;
    return std::ranges::any_of(wanted->options, [&](const auto& option) {
        const auto there = found->options.find(option.first);
        return needs(option.first) && (there == found->options.end() || there->second != option.second);
    });
}

bool must_be_emptied(const Link* want, const Link* have) { return changes_option(want, have, bond_option_needs_empty); }

std::optional<IfName> master_of(const Link* link) {
    return link && link->master ? link->master->of : std::nullopt;
}

bool is_zero(const Mac& mac) { return mac.bytes() == Mac::Bytes{}; }

}  // namespace

bool must_be_down(const Link* want, const Link* have) {
    return have && have->up.value_or(true) && changes_option(want, have, bond_option_needs_down);
}

bool is_bond(const Link* link) { return kind_of<Bond>(link); }
bool is_bridge(const Link* link) { return kind_of<Bridge>(link); }

bool becomes_bond(const Journey& journey) {
    if (journey.want && journey.want->kind) return is_bond(journey.want);
    return !journey.goes && is_bond(journey.have);
}

bool becomes_bridge(const Journey& journey) {
    if (journey.want && journey.want->kind) return is_bridge(journey.want);
    return !journey.goes && is_bridge(journey.have);
}

bool is_same_thing(const Link& want, const Link& have) {
    if (!want.kind || !have.kind) return true;
    if (want.kind->index() != have.kind->index()) return false;
    if (const Vlan* vlan = kind_of<Vlan>(&want)) return *vlan == *kind_of<Vlan>(&have);
    if (const Tap* tap = kind_of<Tap>(&want)) return tap->queues == kind_of<Tap>(&have)->queues;
    return true;
}

Journeys::Journeys(const State& want, const State& have) : want_(want), have_(have) {
    complete();
    leave_out_ipv6();
    tie();
    decide_what_goes();
    decide_who_lingers();
    find_places();
    find_heights();
}

const Journey* Journeys::find(const IfName& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second;
}

void Journeys::complete() {
    std::vector<Link> completed;
    for (const Link& have : have_.links) {
        const auto master = master_of(&have);
        const Link* want = want_.links.find(have.name);
        const bool has_a_say = want && want->master;
        if (master && !has_a_say && must_be_emptied(want_.links.find(*master), have_.links.find(*master))) {
            completed.push_back(want ? *want : Link{have.name});
            completed.back().master = Master{*master};
        }
    }
    for (Link& link : completed) want_.links.put(std::move(link));
    completed.clear();
    for (const Link& want : want_.links) {
        if (!want.mac) continue;
        const Link* have = have_.links.find(want.name);
        const auto master = master_of(want.master ? &want : have);
        const Link* above = !master ? nullptr : want_.links.contains(*master) ? want_.links.find(*master) : have_.links.find(*master);
        const Link* above_now = master ? have_.links.find(*master) : nullptr;
        if (!is_bond(above) && !(above && !above->kind && is_bond(above_now)) && !is_zero(*want.mac)) continue;
        completed.push_back(want);
        completed.back().mac = {};
    }
    for (Link& link : completed) want_.links.put(std::move(link));
}

// A way back may want what was there before the MTU fell. What shall be off is off.
void Journeys::leave_out_ipv6() {
    std::map<IfName, Link> without;
    for (const Link& want : want_.links) {
        const Link* have = have_.links.find(want.name);
        if (!is_too_small_for_ipv6(want.mtu || !have ? want.mtu : have->mtu)) continue;
        Link& link = without.emplace(want.name, want).first->second;
        for (const auto setting : {&HostStack::ipv6, &HostStack::hears_routers, &HostStack::autoconf, &HostStack::ra_gateway})
            if (link.stack && (*link.stack).*setting == true) ((*link.stack).*setting).reset();
        if (link.addresses) std::erase_if(*link.addresses, [](const Subnet& address) { return address.is_v6(); });
    }
    std::vector<Route::Key> lost;
    for (const Route& route : want_.routes)
        if (route.to.is_v6() && without.contains(route.device)) lost.push_back(route.key());
    for (const Route::Key& route : lost) want_.routes.erase(route);
    for (auto& [name, link] : without) want_.links.put(std::move(link));
}

void Journeys::tie() {
    for (const Link& link : want_.links) by_name_[link.name].want = &link;
    for (const Link& link : have_.links) by_name_[link.name].have = &link;
    for (auto& [name, journey] : by_name_) all_.push_back(&journey);
    const auto at = [&](const std::optional<IfName>& name) -> Journey* {
        if (!name) return nullptr;
        const auto found = by_name_.find(*name);
        return found == by_name_.end() ? nullptr : &found->second;
    };
    for (Journey* journey : all_) {
        const Link *want = journey->want, *have = journey->have;
        if (const Vlan* vlan = kind_of<Vlan>(have)) journey->base_now = at(vlan->base);
        if (const Vlan* vlan = kind_of<Vlan>(want && want->kind ? want : have)) journey->base_then = at(vlan->base);
        journey->master_now = at(master_of(have));
        journey->master_then = at(master_of(want && want->master ? want : have));
        if (journey->master_now) journey->master_now->ports_now.push_back(journey);
        if (journey->master_then) journey->master_then->ports_then.push_back(journey);
    }
}

void Journeys::decide_what_goes() {
    for (Journey* journey : all_) {
        const Link *want = journey->want, *have = journey->have;
        if (!have) continue;
        // A NIC or an OVS port isn't ours to remove, whatever is written on it.
        const bool is_made = !have->is_device();
        journey->goes = want ? !is_same_thing(*want, *have) : is_made && topology::is_ours(have->owner);
        journey->emptied = must_be_emptied(want, have);
        journey->bounced = must_be_down(want, have);
    }
    for (bool spreads = true; spreads;) {
        spreads = false;
        for (Journey* journey : all_) {
            if (journey->goes || !journey->base_now || !journey->base_now->goes) continue;
            journey->goes = spreads = true;
        }
    }
    // Whoever has no opinion of its own loses the master that goes.
    for (Journey* journey : all_) {
        Journey* master = journey->master_then;
        const bool has_a_say = journey->want && journey->want->master;
        if (!master || has_a_say || !master->goes) continue;
        std::erase(master->ports_then, journey);
        journey->master_then = nullptr;
    }
}

// One that is let go for good: what becomes a port of something else, or carries something, does so with its own MAC and at once.
void Journeys::decide_who_lingers() {
    const auto is_free = [&](const Journey* port) {
        const auto is_on_it = [&](const Journey* journey) { return journey->base_then == port; };
        return !port->goes && port->want && port->want->master && !port->want->master->of && std::ranges::none_of(all_, is_on_it);
    };
    for (Journey* bond : all_) {
        if (bond->goes || bond->emptied || !is_bond(bond->have) || !is_bond(bond->want) || bond->ports_then.empty()) continue;
        const auto stays = [&](const Journey* port) { return port->master_then == bond; };
        const auto is_there = [](const Journey* port) { return port->have && !port->goes; };
        if (std::ranges::any_of(bond->ports_now, stays) || !std::ranges::all_of(bond->ports_then, is_there)) continue;
        const auto last = std::ranges::find_if(bond->ports_now, is_free);
        if (last != bond->ports_now.end()) (*last)->lingers = true;
    }
}

void Journeys::find_places() {
    std::set<const Journey*> open, closed;  // a circle is the caller's mistake: it is cut where it closes
    const std::function<void(Journey&)> place = [&](Journey& journey) {
        if (closed.contains(&journey) || !open.insert(&journey).second) return;
        const bool made_here = !journey.want || !journey.want->is_device();
        journey.late = !made_here && (!journey.have || journey.goes);
        auto below = std::vector{journey.base_then, journey.master_then};
        // The ports of a bridge may move its MTU, and so come and go before something stands on it.
        if (const Journey* bridge = journey.base_then; bridge && becomes_bridge(*bridge))
            for (const auto& ports : {bridge->ports_now, bridge->ports_then}) below.insert(below.end(), ports.begin(), ports.end());
        if (journey.lingers) below.insert(below.end(), journey.master_now->ports_then.begin(), journey.master_now->ports_then.end());
        for (Journey* other : below) {
            if (!other) continue;
            place(*other);
            journey.place = std::max(journey.place, other->place + 1);
            journey.late = journey.late || other->late;
        }
        closed.insert(&journey);
    };
    for (Journey* journey : all_) {
        place(*journey);
        if (journey->want && journey->base_then) journey->base_then->carries = true;
        for (Journey* master : {journey->master_now, journey->master_then})
            if (master) master->complete = std::max(master->complete, journey->place);
    }
}

void Journeys::find_heights() {
    std::set<const Journey*> open, closed;
    const std::function<void(Journey&)> raise = [&](Journey& journey) {
        if (closed.contains(&journey) || !open.insert(&journey).second) return;
        auto below = std::vector{journey.base_then};
        if (becomes_bridge(journey)) below.insert(below.end(), journey.ports_then.begin(), journey.ports_then.end());
        for (Journey* other : below) {
            if (!other) continue;
            raise(*other);
            journey.height = std::max(journey.height, other->height + 1);
        }
        closed.insert(&journey);
    };
    for (Journey* journey : all_) raise(*journey);
    from_below_ = all_;
    std::ranges::stable_sort(from_below_, {}, &Journey::height);
}

}  // namespace bridges
