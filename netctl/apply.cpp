// `apply`, `plan`, `confirm`, `rollback` and `commit`: from a file to a host that is as the file says, with a person's yes between.
#include "netctl/apply.hpp"

#include "netctl/answer.hpp"
#include "netctl/before_us.hpp"
#include "netctl/plan_view.hpp"
#include "netctl/setup.hpp"
#include "netctl/text.hpp"

#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

namespace netctl {

Answer ask_plan(const Definitions& definitions, Session& session) {
    return session.netd.call("Host.planNetworks", definitions.params, session.patience, Asked::planning);
}

bool option(const Definitions& definitions, const char* name, bool otherwise) {
    const auto wish = text_at(object_at(definitions.params, "options"), name);
    if (wish.empty()) return otherwise;
    return wish == "true" || wish == "yes" || wish == "on";
}

bool person_says_yes() {
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

namespace {

using nlohmann::json;

void show_plan(const json& plan, Session& session) {
    session.screen.table(plan_table(plan), "");
    session.screen.remark(plan_summary(plan));
}

Exit show_plan_of(const Definitions& definitions, Session& session) {
    const auto plan = ask_plan(definitions, session);
    if (const auto* trouble = std::get_if<Trouble>(&plan)) return session.screen.fail(*trouble, definitions.source);
    if (session.screen.wants_json()) session.screen.document(std::get<json>(plan));
    else show_plan(std::get<json>(plan), session);
    return Exit::done;
}

enum class Consent { yes, no, nobody_to_ask };

Consent ask_person(const json& plan) {
    if (isatty(STDIN_FILENO) != 1) return Consent::nobody_to_ask;
    const auto count = array_at(plan, "steps").size();
    fmt::print(stderr, "Apply {}? [y/N] ", count == 1 ? "this step" : fmt::format("these {} steps", count));
    return person_says_yes() ? Consent::yes : Consent::no;
}

std::optional<Exit> refusal_of_person(const Apply& wish, const json& plan, Session& session) {
    if (wish.yes || array_at(plan, "steps").empty()) return std::nullopt;
    session.screen.flush();
    switch (ask_person(plan)) {
        case Consent::yes: return std::nullopt;
        case Consent::no: session.screen.remark("nothing was changed"); return Exit::failed;
        case Consent::nobody_to_ask:
            return session.screen.fail({Exit::usage, "nobody is here to ask, so nothing was changed", "netctl apply --yes"});
    }
    return std::nullopt;
}

std::string words_of_success(const json& result, const Definitions& definitions) {
    const auto revision = printable(text_at(result, "revision"));
    if (!flag_at(result, "changed", true)) return fmt::format("nothing was changed (revision {})", revision);
    const char* confirmed = option(definitions, "connectivityCheck", true) ? "done and confirmed" : "done, unconfirmed as the file says";
    const char* fate = option(definitions, "commitOnSuccess", false) ? "" : "; gone with the next boot unless committed · try: netctl commit";
    return fmt::format("{} (revision {}){}", confirmed, revision, fate);
}

}  // namespace

void set_fate(Definitions& definitions, const std::optional<bool>& commit, const std::optional<milliseconds>& confirm_within) {
    auto& options = definitions.params["options"];
    if (commit) options["commitOnSuccess"] = *commit;
    // netd counts in whole seconds; less than asked for would be a surprise.
    if (confirm_within) options["connectivityTimeout"] = std::chrono::ceil<std::chrono::seconds>(*confirm_within).count();
}

Exit report_success(const json& result, const Planned& planned, Session& session) {
    const auto uncommitted = printable(text_at(result, "uncommitted"));
    if (session.screen.wants_json()) {
        auto whole = result;
        if (whole.is_object()) whole["steps"] = array_at(planned.plan, "steps");
        session.screen.document(whole);
        return uncommitted.empty() ? Exit::done : Exit::failed;
    }
    session.screen.remark(words_of_success(result, planned.definitions));
    if (!uncommitted.empty()) return session.screen.fail({Exit::failed, "not committed, so that it is gone with the next boot: " + uncommitted, "netctl commit"});
    return Exit::done;
}

Exit run(const Plan& wish, Session& session) {
    auto read = read_definitions(wish.file);
    if (const auto* trouble = std::get_if<Trouble>(&read)) return session.screen.fail(*trouble, source_of(wish.file));
    return show_plan_of(std::get<Definitions>(read), session);
}

Exit run(const Apply& wish, Session& session) {
    auto read = read_definitions(wish.file);
    if (const auto* trouble = std::get_if<Trouble>(&read)) return session.screen.fail(*trouble, source_of(wish.file));
    Planned planned{std::move(std::get<Definitions>(read))};
    auto& [definitions, steps] = planned;
    set_fate(definitions, wish.commit, wish.confirm_within);
    if (wish.dry_run || option(definitions, "dryRun", false)) return show_plan_of(definitions, session);

    auto plan = ask_plan(definitions, session);
    if (const auto* trouble = std::get_if<Trouble>(&plan)) return session.screen.fail(*trouble, definitions.source);
    steps = std::move(std::get<json>(plan));
    if (!session.screen.wants_json()) show_plan(steps, session);
    if (const auto refused = refusal_of_person(wish, steps, session)) return *refused;

    const auto ending = set_up_and_confirm(session, definitions.params);
    if (const auto* trouble = std::get_if<Trouble>(&ending)) return session.screen.fail(*trouble, definitions.source);
    return report_success(std::get<json>(ending), planned, session);
}

namespace {

// What waits ends: the member `flag` of the answer says whether it did, as it was asked to, and `why` if it didn't.
Exit end(const char* method, const char* flag, const char* done, const char* not_done, Session& session) {
    const auto answer = session.netd.call(method, json::object(), session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    const auto& result = std::get<json>(answer);
    const bool is_done = flag_at(result, flag);
    const auto waiting = printable(text_at(result, "transaction"));
    if (session.screen.wants_json()) session.screen.document(result);
    else if (is_done) session.screen.remark(fmt::format("{} (transaction {})", done, waiting));
    else session.screen.complain(fmt::format("{}: {}{} · try: netctl status", not_done, printable(text_at(result, "why")), waiting.empty() ? "" : fmt::format(" (transaction {})", waiting)));
    return is_done ? Exit::done : Exit::failed;
}

}  // namespace

Exit run(const Confirm&, Session& session) { return end("Host.confirmConnectivity", "confirmed", "confirmed", "not confirmed", session); }

Exit run(const Rollback&, Session& session) { return end("Host.rollback", "rolledBack", "taken back", "not taken back", session); }

Exit run(const Commit&, Session& session) {
    const auto behind_others = wait_behind_others(session);
    const auto answer = session.netd.call("Host.setSafeNetworkConfig", json::object(), session.patience + behind_others);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    if (session.screen.wants_json()) session.screen.document(std::get<json>(answer));
    else session.screen.remark("committed: what is running now comes back at boot");
    return Exit::done;
}

}  // namespace netctl
