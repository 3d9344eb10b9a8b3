// The planner: what goes, then what comes, and every step in its place in the order.
#include "bridges/plan.hpp"

#include "bridges/arrive.hpp"
#include "bridges/depart.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>

namespace bridges {
namespace {

// The kernel drops the routes of a device that goes or is down for a moment, and the IPv4 ones with its last address.
bool is_lost(const Route& route, const Journeys& journeys) {
    const Journey* device = journeys.find(route.device);
    if (!device || !device->have) return false;
    if (!device->left || device->stirred) return true;
    return !route.to.is_v6() && device->loses_v4;
}

// A network's own way is there until the other one is: whoever is behind its gateway waits for nothing that comes in between.
void plan_routes(const State& want, const State& have, const Journeys& journeys, std::vector<Step>& steps) {
    for (const Route& route : have.routes) {
        if (route.protocol != Route::ours || want.routes.contains(route.key())) continue;
        const bool stays_until_then = route.table != Route::main_table && !is_lost(route, journeys);
        steps.push_back(stays_until_then ? Step{Remove<Route>{route}, Phase::route, 2} : Step{Remove<Route>{route}, Phase::release, 0});
    }
    for (const Route& route : want.routes) {
        // What a gateway is reached by comes before the gateway.
        const int level = route.via ? 1 : 0;
        const Route* found = have.routes.find(route.key());
        if (!found) steps.push_back({Create<Route>{route}, Phase::route, level});
        else if (!(*found == route) || is_lost(route, journeys)) steps.push_back({Update<Route>{*found, route}, Phase::route, level});
    }
}

// One that lets nothing through is there before what it guards. All are there as long as that, and as the ways that they lead to; the kernel
// takes them without the device.
void plan_rules(const State& want, const State& have, std::vector<Step>& steps) {
    for (const Rule& rule : have.rules) {
        const Rule* wanted = want.rules.find(rule.key());
        const bool goes = wanted ? !(*wanted == rule) : rule.protocol == Route::ours;
        if (goes) steps.push_back(wanted ? Step{Remove<Rule>{rule}, Phase::release, 0} : Step{Remove<Rule>{rule}, Phase::route, 2});
    }
    for (const Rule& rule : want.rules) {
        const Rule* found = have.rules.find(rule.key());
        if (found && *found == rule) continue;
        if (rule.drops) steps.push_back({Create<Rule>{rule}, Phase::release, 1});
        else steps.push_back({Create<Rule>{rule}, Phase::route, 1});
    }
}

// Within a level: what goes before what changes before what comes, links before routes before rules, by name.
struct Place {
    int kind;
    bool stands;  // a VLAN goes before its base, so that no removal finds nothing to remove
    std::string key;
    auto operator<=>(const Place&) const = default;
};

Place place_of(const Op& op) {
    constexpr std::array<int, std::variant_size_v<Op>> rank = {4, 3, 2, 6, 5, 1, 7, 0};
    Place place{rank[op.index()], true, {}};
    const auto key = [](const auto& change) {
        if constexpr (requires { change.now; }) return change.now.key().text();
        else return change.was.key().text();
    };
    place.key = std::visit(key, op);
    if (const auto* removal = std::get_if<Remove<Link>>(&op))
        place.stands = !removal->was.as<Vlan>();
    return place;
}

// In the order in which they are to be carried out; levels are counted from 0 in each phase.
std::vector<Step> in_order(std::vector<Step> steps) {
    using Sorted = std::tuple<Phase, int, Place>;
    std::multimap<Sorted, Step*> sorted;
    for (Step& step : steps) sorted.emplace(Sorted{step.phase, step.level, place_of(step.op)}, &step);
    std::vector<Step> ordered;
    ordered.reserve(steps.size());
    int level = 0, told = 0;
    for (auto& [place, step] : sorted) {
        const int here = step->level;
        if (ordered.empty() || ordered.back().phase != step->phase) level = 0;
        else if (here != told) ++level;
        told = here;
        step->level = level;
        ordered.push_back(std::move(*step));
    }
    return ordered;
}

}  // namespace

std::vector<Step> plan(const State& want, const State& have) {
    Journeys journeys(want, have);
    std::vector<Step> steps = departures(journeys);
    std::ranges::move(arrivals(journeys), std::back_inserter(steps));
    plan_routes(want, have, journeys, steps);
    plan_rules(want, have, steps);
    return in_order(std::move(steps));
}

}  // namespace bridges
