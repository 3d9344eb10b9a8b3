// Finds the sign of a step in its first word; what it does stands in netd's own words.
#include "netctl/plan_view.hpp"

#include "netctl/answer.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;

enum class Sign { create, change, remove };

Sign sign_of(std::string_view what) {
    if (what.starts_with("create") || what.starts_with("add")) return Sign::create;
    if (what.starts_with("remove") || what.starts_with("delete")) return Sign::remove;
    return Sign::change;
}

struct Look {
    const char* sign;
    Tone tone;
};

Look look_of(Sign sign) {
    switch (sign) {
        case Sign::create: return {"+", Tone::good};
        case Sign::change: return {"~", Tone::warning};
        case Sign::remove: return {"-", Tone::bad};
    }
    return {"~", Tone::warning};
}

}  // namespace

Table plan_table(const json& answer) {
    Table table{.wraps = true};
    for (const auto& step : array_at(answer, "steps")) {
        const auto what = text_at(step, "do");
        const auto [sign, tone] = look_of(sign_of(what));
        table.rows.push_back({{fmt::format("{} {}", sign, what), tone}, {text_at(step, "because"), Tone::dim}});
    }
    return table;
}

std::string plan_summary(const json& answer) {
    std::size_t counts[3] = {};
    const auto& steps = array_at(answer, "steps");
    for (const auto& step : steps) ++counts[static_cast<int>(sign_of(text_at(step, "do")))];
    if (steps.empty()) return "nothing to do: the host is as it shall be";
    auto text = fmt::format("{} step{}:", steps.size(), steps.size() == 1 ? "" : "s");
    const char* const words[] = {"create", "change", "remove"};
    const char* separator = " ";
    for (int at = 0; at < 3; ++at) {
        if (counts[at] == 0) continue;
        text += fmt::format("{}{} to {}", separator, counts[at], words[at]);
        separator = ", ";
    }
    return text;
}

}  // namespace netctl
