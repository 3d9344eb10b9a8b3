// `status`: is all well, on one screen; and `version`.
#include "netctl/answer.hpp"
#include "netctl/diff.hpp"
#include "netctl/report.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;

using Row = std::vector<Cell>;

// What a backend can't do is what the operator must know.
Cell backend_cell(const json& backend) {
    std::vector<std::string> lacking;
    for (const auto& [name, value] : backend.items())
        if (value == false && name != "connected") lacking.push_back("no " + name);
    const bool is_there = flag_at(backend, "connected", true);
    auto text = text_at(backend, backend.contains("where") ? "where" : "release");
    if (!is_there && text.empty() && backend.contains("where")) return {"not wanted"};
    if (!is_there) return {(text.empty() ? "not reached" : "not reached at " + text) + (text_at(backend, "trouble").empty() ? "" : ": " + text_at(backend, "trouble"))};
    if (!lacking.empty()) text += (text.empty() ? "" : ", ") + joined(lacking, lacking.size());
    return {text.empty() ? "ready" : text, lacking.empty() ? Tone::good : Tone::warning};
}

// Seconds since 1970, or a text already.
std::string moment(const json& time) {
    if (!time.is_number()) return shown(time);
    const auto seconds = static_cast<std::time_t>(time.get<double>());
    return fmt::format("{:%F %T} UTC", fmt::gmtime(seconds));
}

Cell transaction_cell(const json& status) {
    const auto& transaction = member(status, "transaction");
    if (!transaction.is_object()) return {"none", Tone::plain};
    const auto left = number_at(transaction, "secondsLeft");
    return {fmt::format("{} is {}{}", text_at(transaction, "id"), text_at(transaction, "phase"),
                        left ? fmt::format(", {} s left to confirm it", *left) : ""),
            Tone::warning};
}

Cell last_cell(const json& status) {
    const auto& last = object_at(status, "last");
    const auto outcome = text_at(last, "outcome");
    if (outcome.empty()) return {"none since netd started", Tone::plain};
    auto text = outcome == "committed" ? "done" : outcome;  // whether a boot brings it back is another question: the definitions' line
    if (const auto why = text_at(last, "why"); !why.empty()) text += ": " + why;
    if (const auto time = moment(member(last, "time")); !time.empty()) text += " (" + time + ")";
    return {text, outcome == "committed" ? Tone::good : Tone::bad};
}

Cell sync_cell(const Report& report) {
    const auto names = drifted(report);
    const auto count = text_at(report.status, "networks");
    if (names.empty()) return {count + ", all as defined", Tone::good};
    return {fmt::format("{}, not as defined: {}", count, joined(names)), Tone::bad};
}

// What somebody should look at; counters that stayed 0 are no news. Groups of them are named by the group.
void add_counters(std::vector<std::string>& texts, const std::string& group, const json& counters) {
    for (const auto& [name, value] : counters.items()) {
        if (value.is_object()) add_counters(texts, group + name + ".", value);
        else if (value.is_number() && value != 0) texts.push_back(fmt::format("{}{} {}", group, name, shown(value)));
    }
}

std::string counters_of(const json& status) {
    std::vector<std::string> texts;
    add_counters(texts, "", object_at(status, "counters"));
    return joined(texts, texts.size());
}

Cell trouble_cell(const json& status) {
    const auto& trouble = member(status, "trouble");
    const auto subject = text_at(trouble, "subject");
    return {subject.empty() ? text_at(trouble, "what") : subject + ": " + text_at(trouble, "what"), Tone::bad};
}

std::string names_in(const json& list) {
    std::vector<std::string> names;
    if (list.is_array())
        for (const auto& name : list) names.push_back(shown(name));
    return joined(names);
}

std::string renames_in(const json& renamed) {
    std::vector<std::string> texts;
    for (const auto& [name, device] : renamed.items()) texts.push_back(name + " is " + shown(device) + " now");
    return joined(texts);
}

// Where nothing runs that is not committed, that may be since nothing is left of either.
Cell definitions_cell(const Report& report) {
    if (report.is_dirty()) return {"not all committed", Tone::warning};
    if (number_at(report.status, "networks") == 0) return {"no network is committed", report.has_trouble() ? Tone::warning : Tone::plain};
    return {"committed", Tone::good};
}

void tell_next_steps(const Report& report, Screen& screen) {
    if (!report.drift.empty()) screen.remark("try: netctl diff");
    if (member(report.status, "transaction").is_object()) screen.remark("a change waits to be confirmed · try: netctl confirm, or netctl rollback");
    else if (report.is_dirty()) screen.remark("not committed: gone with the next boot · try: netctl commit");
}

Table screen_of(const Report& report) {
    const auto& status = report.status;
    const std::chrono::seconds uptime(number_at(status, "uptime").value_or(0));
    Table table{.wraps = true};
    const auto add = [&table](std::string name, Cell cell) { table.rows.push_back(Row{{std::move(name), Tone::dim}, std::move(cell)}); };
    add("host", verdict_of(report));
    add("netd", {fmt::format("{}, up {}, revision {}", text_at(status, "version"), short_time(uptime), text_at(status, "revision")), Tone::good});
    for (const auto& [name, backend] : object_at(status, "backends").items()) add(name, backend_cell(backend));
    add("networks", sync_cell(report));
    if (auto contested = names_in(member(object_at(status, "drift"), "contested")); !contested.empty())
        add("contested", {contested + ": somebody undoes each repair, so netd leaves it until its definition is applied anew", Tone::bad});
    for (const auto& reason : reasons_of_down(report)) add("down", {reason + ": netctl topology --problems", Tone::bad});
    if (const auto names = without_lease(report); !names.empty()) add("no lease", {joined(names) + ": no address by DHCP: journalctl -t dhcpcd", Tone::bad});
    if (auto renamed = renames_in(object_at(status, "renamed")); !renamed.empty()) add("renamed", {std::move(renamed), Tone::warning});
    for (const auto& [tap, what] : object_at(status, "unknown").items()) add("unknown", {fmt::format("{} on {}: it carries nothing until it is known whose it is: netctl why {}", tap, text_at(what, "bridge"), tap), Tone::warning});
    for (const auto& [bond, verdict] : report.bonds().items()) add(bond, {shown(verdict), Tone::bad});
    for (const auto& [bond, ports] : object_at(status, "deadPorts").items()) add(bond, {names_in(ports) + ": no carrier, or set down; what else is in it carries all", Tone::warning});
    if (report.has_trouble()) add("TROUBLE", trouble_cell(status));
    for (const auto& one : array_at(status, "disturbances")) add("disturbed", {shown(one), Tone::warning});
    add("definitions", definitions_cell(report));
    add("transaction", transaction_cell(status));
    add("last change", last_cell(status));
    if (const auto queue = text_at(status, "queue"); !queue.empty()) add("queue", {queue});
    if (auto counters = counters_of(status); !counters.empty()) add("counters", {std::move(counters)});
    return table;
}

std::variant<Report, Trouble> take_report(Session& session) {
    Report report;
    auto status = session.netd.call("Host.getStatus", json::object(), session.patience);
    if (auto* trouble = std::get_if<Trouble>(&status)) return std::move(*trouble);
    report.status = std::move(std::get<json>(status));
    const auto drift = session.netd.call("Host.getDrift", json::object(), session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&drift)) return *trouble;
    report.drift = drift_of(std::get<json>(drift));
    if (member(report.status, "down").empty()) return report;
    // Without it there is less to say, and no trouble.
    auto topology = session.netd.call("Host.getTopology", json{{"view", "problems"}}, session.patience);
    if (auto* problems = std::get_if<json>(&topology)) report.problems = std::move(*problems);
    return report;
}

}  // namespace

Exit run(const Status&, Session& session) {
    auto taken = take_report(session);
    if (const auto* trouble = std::get_if<Trouble>(&taken)) return session.screen.fail(*trouble);
    const auto& report = std::get<Report>(taken);
    if (session.screen.wants_json()) {
        auto whole = report.status;
        whole["deviations"] = report.drift;  // beside netd's own "drift": what is done about them, and what is contested
        session.screen.document(whole);
    } else {
        session.screen.table(screen_of(report), "");
        tell_next_steps(report, session.screen);
    }
    return ending_of(report);
}

Exit run(const Version&, Session& session) {
    const auto status = session.netd.call("Host.getStatus", json::object(), session.patience);
    const auto* answer = std::get_if<json>(&status);
    const auto daemon = answer ? text_at(*answer, "version") : std::string();
    if (session.screen.wants_json()) {
        session.screen.document({{"netctl", NETCTL_VERSION}, {"netd", answer ? json(daemon) : json()}});
        return Exit::done;
    }
    session.screen.line("netctl " NETCTL_VERSION);
    if (answer) session.screen.line("netd " + printable(daemon));
    else session.screen.remark("netd: " + explain(std::get<Trouble>(status)).front());
    return Exit::done;
}

}  // namespace netctl
