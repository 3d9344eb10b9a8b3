// A VLAN is never wider than its base, a bond's ports are what the bond is, and a bridge is as its ports are until somebody
// has said otherwise: so MTUs change in an order, and some things must be said again at the end.
#include "bridges/settle.hpp"

#include <algorithm>
#include <set>

namespace bridges {
namespace {

std::optional<Mac> mac_then(const Journey& journey) {
    if (journey.want && journey.want->mac) return journey.want->mac;
    return journey.left ? journey.left->mac : std::nullopt;
}

// No VLAN has a larger MTU than its base.
std::optional<Mtu> mtu_in_the_end(const Journey& journey) {
    auto mtu = journey.left ? journey.left->mtu : std::nullopt;
    if (journey.want && journey.want->mtu) mtu = journey.want->mtu;
    if (!mtu || !journey.base_then) return mtu;
    const auto& base = journey.base_then->mtu_then;
    return base ? std::optional(std::min(*mtu, *base)) : std::nullopt;
}

std::optional<Mtu> mtu_then(const Journey& journey) { return journey.mtu_then; }

bool changes_mtu(const Journey& journey) {
    return !journey.left || !journey.left->mtu || mtu_then(journey) != journey.left->mtu;
}

bool changes_master(const Journey& port) {
    return port.master_now != port.master_then || !port.left || port.left->master != port.have->master;
}

bool is_bond_port(const Journey& journey) { return journey.master_then && becomes_bond(*journey.master_then); }

bool bond_moves_mtu(const Journey& port) {
    const Journey& bond = *port.master_then;
    if (!changes_master(port) && !changes_mtu(bond)) return port.want->mtu != port.left->mtu;
    return port.want->mtu != mtu_then(bond);
}

template <class Value>
struct Least {
    std::optional<Value> value = {};
    bool is_known = true;
};

template <class Value, class Counts>
Least<Value> least_of(const std::vector<Journey*>& ports, std::optional<Value> (*then)(const Journey&), Counts&& counts) {
    Least<Value> least;
    for (const Journey* port : ports) {
        if (!counts(*port)) continue;
        const auto value = then(*port);
        if (!value) return {{}, false};
        if (!least.value || *value < *least.value) least.value = value;
    }
    return least;
}

bool any_port(const Journey&) { return true; }
bool stays(const Journey& port) { return !changes_master(port); }

// Whether the bridge was ever told its MTU or MAC the kernel doesn't say; if so, to say it once more costs little.
bool ports_move_mtu(const Journey& bridge) {
    const auto moves_it = [](const Journey* port) { return changes_master(*port) || changes_mtu(*port); };
    if (bridge.left && std::ranges::none_of(bridge.ports_now, moves_it) && std::ranges::none_of(bridge.ports_then, moves_it))
        return false;
    const auto is_wrong = [&](const Least<Mtu>& least) { return !least.is_known || least.value.value_or(Mtu{}) != bridge.want->mtu; };
    // What stands on it is hurt even if some ports leave only a moment before others come.
    return is_wrong(least_of(bridge.ports_then, mtu_then, any_port)) ||
           (bridge.carries && is_wrong(least_of(bridge.ports_then, mtu_then, stays)));
}

bool ports_move_mac(const Journey& bridge) {
    if (!bridge.left) return false;  // made with it
    const auto moves = [](const Journey* port) { return changes_master(*port); };
    if (std::ranges::none_of(bridge.ports_now, moves) && std::ranges::none_of(bridge.ports_then, moves)) return false;
    std::optional<Mac> lowest;
    for (const Journey* port : bridge.ports_now)
        if (!lowest || port->have->mac < lowest) lowest = port->have->mac;
    if (lowest && lowest != bridge.have->mac && bridge.have->mac == bridge.want->mac) return false;  // it was told
    const auto least = least_of(bridge.ports_then, mac_then, any_port);
    return !least.is_known || least.value != bridge.want->mac;
}

// What is to be said again of it; only the name if nothing.
Link repeated(const Journey& journey, const std::set<const Journey*>& moved) {
    Link now{journey.name()};
    const Link& want = *journey.want;
    const auto is_moved = [&](const Journey* below) { return moved.contains(below); };
    if (want.mtu) {
        bool moves = is_bond_port(journey) ? bond_moves_mtu(journey) : becomes_bridge(journey) && ports_move_mtu(journey);
        moves = moves || is_moved(journey.base_then) || (becomes_bridge(journey) && std::ranges::any_of(journey.ports_then, is_moved));
        if (moves) now.mtu = want.mtu;
    }
    if (want.mac && becomes_bridge(journey) && ports_move_mac(journey)) now.mac = want.mac;
    return now;
}

Step set_mtu(const Journey& journey, Phase phase, int level) {
    Link now{journey.name()};
    now.mtu = journey.want->mtu;
    return {Update<Link>{before(journey), now}, phase, level};
}

}  // namespace

Link before(const Journey& journey) { return journey.left ? *journey.have : Link{journey.name()}; }

std::vector<Step> settling_steps(Journeys& journeys) {
    for (Journey* journey : journeys.from_below()) journey->mtu_then = mtu_in_the_end(*journey);
    int top = 0;
    for (const Journey* journey : journeys.all()) top = std::max(top, journey->height);
    std::vector<Step> steps;
    for (const Journey* journey : journeys.all()) {
        if (!journey->want || !journey->want->mtu || !journey->left || is_bond_port(*journey)) continue;
        const auto& found = journey->left->mtu;
        if (journey->lingers) steps.push_back(set_mtu(*journey, Phase::shrink, top - journey->height));  // the bond gives it back another when it leaves
        else if (!found || *journey->want->mtu > *found) steps.push_back(set_mtu(*journey, Phase::build, journey->height));
        else if (*journey->want->mtu < *found) steps.push_back(set_mtu(*journey, Phase::shrink, top - journey->height));
    }
    std::set<const Journey*> moved;
    for (const Journey* journey : journeys.from_below()) {
        if (!journey->want) continue;
        const Link now = repeated(*journey, moved);
        if (now == Link{now.name}) continue;
        if (now.mtu) moved.insert(journey);
        steps.push_back({Update<Link>{before(*journey), now}, Phase::shrink, top + 1 + journey->height});
    }
    return steps;
}

std::optional<Step> before_it_carries(const Journey& bridge, Phase phase, int level) {
    const bool is_moved = bridge.want->mtu && bridge.carries && becomes_bridge(bridge) && ports_move_mtu(bridge);
    return is_moved ? std::optional(set_mtu(bridge, phase, level)) : std::nullopt;
}

}  // namespace bridges
