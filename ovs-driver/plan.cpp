// What goes comes first; what stays is changed in place, and only in what differs.
#include "ovs-driver/plan.hpp"

#include "topology/compare.hpp"

#include <algorithm>

namespace ovs {
namespace {

bool is_ours(const auto& row) { return row.owner && row.owner->is_ours(); }

// Only the attributes that differ, so that the step says and writes no more than it changes.
template <class R>
R changed_part(const R& want, const R& have) {
    R part{want.name};
    topology::for_each_field<R>([&](const auto& field) {
        std::vector<topology::Difference> found;
        topology::compare_wanted(field.name, want.*field.member, have.*field.member, found);
        if (!found.empty()) part.*field.member = want.*field.member;
    });
    return part;
}

// A port whose interface changes its type is another port.
bool is_another(const Bridge&, const Bridge&) { return false; }
bool is_another(const Port& want, const Port& have) { return want.internal && have.internal && want.internal != have.internal; }

// A port dies with its bridge, so only what stays is said to go by itself.
template <class R>
void plan_rows(const topology::Keyed<R>& want, const topology::Keyed<R>& have, std::vector<Step>& steps) {
    for (const R& there : have) {
        const R* wanted = want.find(there.name);
        if (wanted ? is_another(*wanted, there) : is_ours(there)) steps.push_back({Remove<R>{there}, Phase::release});
    }
    for (const R& wanted : want) {
        const R* there = have.find(wanted.name);
        if (!there || is_another(wanted, *there)) steps.push_back({Create<R>{wanted}, Phase::build});
        else if (!topology::differences(wanted, *there).empty()) steps.push_back({Update<R>{*there, changed_part(wanted, *there)}, Phase::build});
    }
}

}  // namespace

std::vector<Step> plan(const State& want, const State& have) {
    std::vector<Step> steps;
    plan_rows(want.ports, have.ports, steps);
    plan_rows(want.bridges, have.bridges, steps);
    // Ports leave before their bridge goes, and come after it is there.
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
        const auto order = [](const Step& step) {
            const bool of_bridge = std::holds_alternative<Create<Bridge>>(step.op) || std::holds_alternative<Update<Bridge>>(step.op);
            return std::pair{step.phase, !of_bridge};
        };
        return order(a) < order(b);
    });
    return steps;
}

}  // namespace ovs
