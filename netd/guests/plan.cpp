// The cable of a NIC can be drawn where it is; everything else about it is another NIC.
#include "netd/guests/plan.hpp"

#include <algorithm>

namespace guests {
namespace {

bool is_another(const std::vector<topology::Difference>& deviations) {
    return std::any_of(deviations.begin(), deviations.end(), [](const auto& difference) { return difference.attribute != "link"; });
}

void plan_wanted(const Nic& wanted, const Nic* there, std::vector<Step>& steps) {
    if (!there) {
        steps.push_back({Create<Nic>{wanted}, Phase::build});
        return;
    }
    const auto differ = deviations(wanted, *there);
    if (differ.empty()) return;
    if (is_another(differ)) {
        if (there->facts.ours) steps.push_back({Remove<Nic>{*there}, Phase::release});
        steps.push_back({Create<Nic>{wanted}, Phase::build});
        return;
    }
    Nic part{wanted.domain, wanted.mac};
    part.link = wanted.link;
    steps.push_back({Update<Nic>{*there, part}, *wanted.link ? Phase::build : Phase::release});
}

}  // namespace

std::vector<topology::Difference> deviations(const Nic& want, const Nic& have) {
    Nic lasting = want;
    lasting.mtu.reset();
    lasting.offloads.reset();
    return topology::differences(lasting, have);
}

std::vector<Step> plan(const State& want, const State& have) {
    std::vector<Step> steps;
    for (const Nic& there : have.nics)
        if (there.facts.ours && !want.nics.contains(there.key())) steps.push_back({Remove<Nic>{there}, Phase::release});
    for (const Nic& wanted : want.nics) plan_wanted(wanted, have.nics.find(wanted.key()), steps);
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.phase < b.phase; });
    return steps;
}

}  // namespace guests
