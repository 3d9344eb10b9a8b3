// Compares numbers, and nothing else.
#include "netctl/missed.hpp"

#include "netctl/answer.hpp"

#include <fmt/format.h>

namespace netctl {

std::string Missed::before(const nlohmann::json& event) {
    const auto seq = number_at(event, "seq");
    if (!seq) return {};
    const auto boot = text_at(event, "boot");
    const auto last = std::exchange(last_, seq);
    const auto before = std::exchange(boot_, boot);
    if (!last) return {};
    if (boot != before || *seq <= *last) return "netd was started anew; what happened in between is not known · try: netctl status";
    const auto missing = *seq - *last - 1;
    if (missing == 0) return {};
    return fmt::format("{} event{} missed before number {} · try: netctl status", missing, missing == 1 ? " was" : "s were", *seq);
}

}  // namespace netctl
