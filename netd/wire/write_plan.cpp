// Each step with what it does and why.
#include "netd/wire/write_plan.hpp"

#include <fmt/format.h>

namespace wire {

nlohmann::json write_plan(const plan::Plan& plan) {
    nlohmann::json steps = nlohmann::json::array();
    for (const plan::Step& step : plan)
        steps.push_back({{"do", plan::describe(step.op)}, {"because", step.because}, {"subject", plan::subject(step.op)}, {"stage", step.stage.rank}});
    return {{"steps", steps}};
}

std::string summary(const intent::Complaints& complaints) {
    const auto& first = complaints.front();
    std::string text = first.path.empty() ? first.what : fmt::format("{} ({})", first.what, first.path);
    if (complaints.size() > 1) text += fmt::format("; and {} more", complaints.size() - 1);
    return text;
}

}  // namespace wire
