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

// A port whose interface changes its type is another port, and so is one that has an interface beside its own. A mirror of somebody else's
// has more than is known of it, and moves as it is.
bool is_another(const Bridge&, const Bridge&) { return false; }
bool is_another(const PortMirror& want, const PortMirror& have) { return want.bridge && want.bridge != have.bridge && is_ours(have); }
bool is_another(const Port& want, const Port& have) {
    return (want.internal && have.internal && want.internal != have.internal) || (want.others && have.others && want.others != have.others);
}

// What others put on a bridge, and what stays there, would go with it.
bool holds_foreign(const Bridge& bridge, const State& want, const State& have) {
    const auto stays = [&](const auto& rows, const auto& wanted) {
        return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
            const auto* then = wanted.find(row.name);
            return !is_ours(row) && row.bridge == bridge.name && !(then && then->bridge && then->bridge != bridge.name);
        });
    };
    return stays(have.ports, want.ports) || stays(have.mirrors, want.mirrors);
}

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

// A bridge takes its ports with it, so one whose port moves elsewhere goes only after the move.
bool loses_a_wanted_port(const Bridge& bridge, const State& want, const State& have) {
    return std::any_of(have.ports.begin(), have.ports.end(), [&](const Port& port) {
        const Port* wanted = want.ports.find(port.name);
        return port.bridge == bridge.name && wanted && !is_another(*wanted, port);
    });
}

bool is_about_mirror(const Op& op) {
    return std::holds_alternative<Create<PortMirror>>(op) || std::holds_alternative<Update<PortMirror>>(op) || std::holds_alternative<Remove<PortMirror>>(op);
}

// Within a phase: bridges come, then ports change, then what copies from one to the other, then bridges go.
int order(const Op& op) {
    if (is_about_mirror(op)) return 2;
    if (std::holds_alternative<Create<Bridge>>(op) || std::holds_alternative<Update<Bridge>>(op)) return 0;
    return std::holds_alternative<Remove<Bridge>>(op) ? 3 : 1;
}

}  // namespace

std::vector<Step> plan(const State& want, const State& have) {
    std::vector<Step> steps;
    plan_rows(want.ports, have.ports, steps);
    plan_rows(want.mirrors, have.mirrors, steps);
    plan_rows(want.bridges, have.bridges, steps);
    for (Step& step : steps) {
        const auto* gone = std::get_if<Remove<Bridge>>(&step.op);
        if (!gone) continue;
        if (loses_a_wanted_port(gone->was, want, have)) step.phase = Phase::build;
        // It is left to them, as somebody else's.
        if (holds_foreign(gone->was, want, have)) step = {Update<Bridge>{gone->was, Bridge{.name = gone->was.name, .owner = Owner::foreign()}}, Phase::build};
    }
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
        return std::pair{a.phase, order(a.op)} < std::pair{b.phase, order(b.op)};
    });
    return steps;
}

}  // namespace ovs
