// Compares definitions by attribute, and puts netd's own comparison into a list.
#include "netctl/diff.hpp"

#include "netctl/answer.hpp"
#include "netctl/verbs.hpp"

#include <fmt/format.h>
#include <map>
#include <set>
#include <string_view>

namespace netctl {

namespace {

using nlohmann::json;

json attributes_of(const json& committed, const json& running) {
    std::set<std::string> names;
    for (const auto* one : {&committed, &running})
        if (one->is_object())
            for (const auto& [name, value] : one->items()) names.insert(name);
    json list = json::array();
    for (const auto& name : names)
        if (member(committed, name) != member(running, name))
            list.push_back({{"attribute", name}, {"committed", member(committed, name)}, {"running", member(running, name)}});
    return list;
}

void compare(json& into, const char* kind, const json& committed, const json& running) {
    std::set<std::string> names;
    for (const auto& [name, one] : committed.items()) names.insert(name);
    for (const auto& [name, one] : running.items()) names.insert(name);
    for (const auto& name : names) {
        const bool was = committed.contains(name), is = running.contains(name);
        auto attributes = attributes_of(member(committed, name), member(running, name));
        if (was && is && attributes.empty()) continue;
        const char* change = !was ? "added" : !is ? "removed" : "changed";
        into.push_back({{"kind", kind}, {"name", name}, {"change", change}, {"attributes", std::move(attributes)}});
    }
}

std::string words_of(const json& attributes) {
    std::vector<std::string> words;
    for (const auto& one : attributes) {
        const auto committed = text_at(one, "committed"), running = text_at(one, "running");
        words.push_back(fmt::format("{} {} becomes {}", text_at(one, "attribute"), committed.empty() ? "nothing" : committed,
                                    running.empty() ? "nothing" : running));
    }
    return joined(words, words.size());
}

}  // namespace

json drift_of(const json& answer) {
    const std::pair<const char*, const char*> groups[] = {{"networks", "network"}, {"bondings", "bond"}, {"guests", "guest"}};
    json list = json::array();
    for (const auto& [group, kind] : groups)
        for (const auto& [name, differences] : object_at(answer, group).items())
            for (const auto& one : differences.is_array() ? differences : json::array())
                list.push_back({{"kind", kind}, {"name", name}, {"subject", member(one, "subject")}, {"attribute", member(one, "attribute")},
                                {"wanted", member(one, "wanted")}, {"found", member(one, "found")}});
    return list;
}

json uncommitted_of(const json& committed, const json& running) {
    json list = json::array();
    compare(list, "network", object_at(committed, "networks"), object_at(running, "networks"));
    compare(list, "bond", object_at(committed, "bondings"), object_at(running, "bondings"));
    return list;
}

namespace {

// For people; programs have netd's own names.
std::string attribute_in_words(const std::string& attribute) {
    static const std::map<std::string_view, const char*> words = {
        {"master.of", "master"}, {"stack.ipv6", "IPv6"}, {"stack.forwarding", "forwarding"}, {"stack.arp_strict", "ARP for its own addresses only"},
        {"stack.hears_routers", "router announcements"}, {"stack.autoconf", "IPv6 addresses by routers"}, {"stack.ra_gateway", "default route by routers"},
    };
    const auto found = words.find(attribute);
    return found == words.end() ? attribute : found->second;
}

}  // namespace

Table drift_table(const json& drift) {
    Table table{{"KIND", "NAME", "DEVICE", "ATTRIBUTE", "WANTED", "FOUND"}};
    for (const auto& one : drift)
        table.rows.push_back({{text_at(one, "kind")}, {text_at(one, "name"), Tone::strong}, {text_at(one, "subject")},
                              {attribute_in_words(text_at(one, "attribute"))}, {text_at(one, "wanted"), Tone::good}, {text_at(one, "found"), Tone::bad}});
    return table;
}

Table uncommitted_table(const json& changes) {
    Table table{.wraps = true};
    for (const auto& one : changes) {
        const auto change = text_at(one, "change");
        const auto [sign, tone] = change == "added" ? std::pair("+", Tone::good)
                                  : change == "removed" ? std::pair("-", Tone::bad)
                                                        : std::pair("~", Tone::warning);
        const auto what = change == "changed" ? words_of(array_at(one, "attributes")) : change + " since the last commit";
        table.rows.push_back({{fmt::format("{} {} {}", sign, text_at(one, "kind"), text_at(one, "name")), tone}, {what, Tone::dim}});
    }
    return table;
}

Exit run(const Diff&, Session& session) {
    json answers[3];
    const std::pair<const char*, json> questions[] = {{"Host.getDrift", json::object()},
                                                      {"Host.getRunningConfig", {{"which", "committed"}}},
                                                      {"Host.getRunningConfig", {{"which", "running"}}}};
    for (std::size_t at = 0; at < 3; ++at) {
        auto answer = session.netd.call(questions[at].first, questions[at].second, session.patience);
        if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
        answers[at] = std::move(std::get<json>(answer));
    }
    const auto drift = drift_of(answers[0]);
    const auto changes = uncommitted_of(answers[1], answers[2]);
    if (session.screen.wants_json()) {
        session.screen.document({{"drift", drift}, {"uncommitted", changes}});
    } else {
        session.screen.table(drift_table(drift), "the host is as it is defined");
        if (!drift.empty() && !changes.empty()) session.screen.line("");
        session.screen.table(uncommitted_table(changes), "everything is committed");
        if (!changes.empty()) session.screen.remark("not committed: gone with the next boot · try: netctl commit");
    }
    return drift.empty() ? Exit::done : Exit::drift;
}

}  // namespace netctl
