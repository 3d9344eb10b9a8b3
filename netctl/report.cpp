// See report.hpp.
#include "netctl/report.hpp"

#include "netctl/answer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace netctl {

namespace {

using nlohmann::json;

// "3 networks down", "1 bond not well"; nothing of none.
void count(std::vector<std::string>& parts, std::size_t many, std::string_view one, std::string_view what) {
    if (many > 0) parts.push_back(fmt::format("{} {}{} {}", many, one, many == 1 ? "" : "s", what));
}

const json& node_called(const json& topology, std::string_view id) {
    static const json nothing;
    const auto& nodes = array_at(topology, "nodes");
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const json& node) { return text_at(node, "id") == id; });
    return found == nodes.end() ? nothing : *found;
}

// What has become of the NIC or bond that a network is on.
std::string fate_of(const std::string& base, const json& topology) {
    for (const auto* kind : {"nic:", "bond:"}) {
        const auto state = text_at(node_called(topology, kind + base), "state");
        if (state == "no-carrier") return base + " has no carrier";
        if (state == "down") return base + " is set down";
        if (state == "missing") return base + " is missing";
    }
    return "without carrier, set down or missing";
}

}  // namespace

bool Report::is_dirty() const { return flag_at(status, "netConfigDirty"); }
bool Report::has_trouble() const { return !member(status, "trouble").is_null(); }
const json& Report::bonds() const { return object_at(status, "bonds"); }

Cell verdict_of(const Report& report) {
    std::vector<std::string> parts;
    if (report.has_trouble()) parts.push_back("TROUBLE");
    count(parts, member(report.status, "down").size(), "network", "down");
    count(parts, report.bonds().size(), "bond", "not well");
    if (const auto many = drifted(report).size(); many > 0) parts.push_back(fmt::format("{} not as defined", many));
    count(parts, without_lease(report).size(), "network", "without a lease");
    const bool is_bad = !parts.empty();
    count(parts, object_at(report.status, "deadPorts").size(), "bond", "with a dead port");
    count(parts, object_at(report.status, "unknown").size(), "tap", "not known yet");
    if (member(report.status, "transaction").is_object()) parts.push_back("a change waits");
    if (!array_at(report.status, "disturbances").empty()) parts.push_back("disturbed by others");
    if (parts.empty()) return {"all is well", Tone::good};
    return {joined(parts, parts.size()), is_bad ? Tone::bad : Tone::warning};
}

Exit ending_of(const Report& report) {
    if (report.has_trouble() || !report.bonds().empty() || !member(report.status, "down").empty() || !without_lease(report).empty()) return Exit::failed;
    return report.drift.empty() ? Exit::done : Exit::drift;
}

std::vector<std::string> reasons_of_down(const Report& report) {
    std::map<std::string, std::vector<std::string>> by_fate;
    for (const auto& name : texts_at(report.status, "down")) {
        const auto base = text_at(object_at(node_called(report.problems, "network:" + name), "attributes"), "base");
        by_fate[fate_of(base, report.problems)].push_back(name);
    }
    std::vector<std::string> reasons;
    for (const auto& [fate, names] : by_fate) reasons.push_back(fmt::format("{}: {}", joined(names), fate));
    return reasons;
}

std::vector<std::string> without_lease(const Report& report) {
    const auto down = texts_at(report.status, "down");
    auto names = texts_at(report.status, "withoutLease");
    std::erase_if(names, [&](const auto& name) { return std::find(down.begin(), down.end(), name) != down.end(); });
    return names;
}

std::vector<std::string> drifted(const Report& report) {
    std::vector<std::string> names;
    for (const auto& one : report.drift) {
        auto name = text_at(one, "kind") == "network" ? text_at(one, "name") : text_at(one, "kind") + " " + text_at(one, "name");
        if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    return names;
}

}  // namespace netctl
