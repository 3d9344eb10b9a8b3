// Each deviation has one beginning and one end, whatever becomes of it between them.
#include "netd/observe/drift_news.hpp"

#include <algorithm>

namespace observe {
namespace {

using Deviations = std::vector<Deviation>;

constexpr std::string_view presence = "presence";

bool is_over(const Deviation& open, const Deviations& now) {
    return std::ranges::none_of(now, [&](const Deviation& one) {
        return one.subject == open.subject && (one.attribute == open.attribute || one.attribute == presence || open.attribute == presence);
    });
}

void put(Drift::Deviations& into, const std::string& network, Deviations deviations) {
    if (!deviations.empty()) into[network] = std::move(deviations);
}

}  // namespace

DriftNews::Told DriftNews::hear(const Drift::Deviations& now) {
    Told told;
    Drift::Deviations open;
    for (const auto& [network, deviations] : now) {
        Deviations fresh;
        for (const Deviation& one : deviations)
            if (std::ranges::find(open_[network], one) == open_[network].end()) fresh.push_back(one);
        put(told.found, network, std::move(fresh));
        open[network] = deviations;
    }
    for (const auto& [network, deviations] : open_) {
        const auto there = now.find(network);
        const Deviations none, &still = there == now.end() ? none : there->second;
        Deviations over;
        for (const Deviation& one : deviations) {
            if (is_over(one, still)) over.push_back(one);
            else if (std::ranges::none_of(still, [&](const Deviation& other) { return one.is_about_the_same_as(other); })) open[network].push_back(one);
        }
        put(told.repaired, network, std::move(over));
    }
    open_ = std::move(open);
    return told;
}

}  // namespace observe
