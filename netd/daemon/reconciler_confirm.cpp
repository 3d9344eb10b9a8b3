// How a change that waits ends: confirmed, taken back by somebody, or by its time.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"

#include <algorithm>

namespace netd {

using nlohmann::json;
using topology::Fault;

// Why what was sent is not about the change that waits; none: it is.
std::optional<std::string> Reconciler::why_not_about_it(const serve::Ticket& ticket, const std::optional<std::uint64_t>& transaction) const {
    const auto& waiting = transactor_.waiting();
    if (!waiting) return "nothing waits for a confirmation";
    if (ticket.caller.arrived < waiting_since_) return "this was sent before the change stood";
    if (transaction && *transaction != waiting->id) return "another change waits";
    if (!transaction && waits_for_another(ticket)) return "a change of somebody else's waits, and one of yours behind it: say which by its number";
    return std::nullopt;
}

// Who has a change of his own in the queue means that one, not the one that somebody else is still trying out.
bool Reconciler::waits_for_another(const serve::Ticket& ticket) const {
    if (!asker_ || asker_->caller.peer == ticket.caller.peer) return false;
    return std::ranges::any_of(queue_, [&](const serve::Command& command) {
        const auto* setup = std::get_if<serve::Setup>(&command);
        return setup && setup->ticket.caller.peer == ticket.caller.peer;
    });
}

namespace {

json no(const char* flag, const std::optional<apply::Waiting>& waiting, std::string why) {
    return {{flag, false}, {"transaction", waiting ? json(waiting->id) : json()}, {"why", std::move(why)}};
}

}  // namespace

void Reconciler::confirm(const serve::Confirm& confirm) {
    const auto waiting = transactor_.waiting();
    const auto answer = [&](json told) { reply(confirm.ticket, std::move(told), false); };
    if (auto why = why_not_about_it(confirm.ticket, confirm.transaction)) return answer(no("confirmed", waiting, std::move(*why)));
    // One from here says nothing about the wire to an engine.
    if (waiting->is_remote && !confirm.ticket.caller.is_remote()) return answer(no("confirmed", waiting, "what an engine asked for over TCP is confirmed over TCP only"));
    if (awaited_) {  // it ends when they are there
        if (!transactor_.confirm_but_for_leases()) return answer(no("confirmed", waiting, "it can't be written down"));
        return answer({{"confirmed", true}, {"transaction", waiting->id}});
    }
    log::info("change {} is confirmed by {}", waiting->id, confirm.ticket.caller.who());
    if (!std::holds_alternative<apply::Committed>(keep())) return answer(no("confirmed", waiting, "it could not be kept, and was taken back: " + (last_outcome_ ? last_outcome_->why : "")));
    answer({{"confirmed", true}, {"transaction", waiting->id}});
}

void Reconciler::roll_back(const serve::RollBack& asked) {
    const auto waiting = transactor_.waiting();
    if (auto why = why_not_about_it(asked.ticket, asked.transaction)) return reply(asked.ticket, no("rolledBack", waiting, std::move(*why)), false);
    const auto outcome = take_back({Fault::denied, "connectivity", asked.ticket.caller.who() + " took the change back"});
    if (!std::holds_alternative<apply::RolledBack>(outcome)) return reply(asked.ticket, no("rolledBack", waiting, "it could not be taken back whole"), false);
    reply(asked.ticket, {{"rolledBack", true}, {"transaction", waiting->id}}, false);
}

void Reconciler::expire() {
    if (transactor_.waiting() && transactor_.waiting()->deadline <= clock_.boottime()) take_back(too_late());
}

// What was done before somebody decided is told, but maybe only since the loop listened last.
apply::Outcome Reconciler::end_waiting(int code_if_taken_back, const std::function<apply::Outcome()>& decide) {
    hear();
    const Asker asker = std::exchange(asker_, std::nullopt);
    auto outcome = decide();
    conclude(asker, outcome, code_if_taken_back);
    return outcome;
}

apply::Outcome Reconciler::keep() {
    return end_waiting(intent::code::refused, [this] { return transactor_.confirm(); });
}

apply::Outcome Reconciler::take_back(const topology::Error& because) {
    const int code = std::exchange(awaited_, std::nullopt) ? intent::code::refused : intent::code::lost_connection;
    return end_waiting(code, [&] { return transactor_.roll_back(because); });
}

void Reconciler::commit(const serve::CommitRunning& commit) {
    if (auto kept = transactor_.commit_running(); !kept) return refuse(commit.ticket, intent::code::refused, kept.error());
    log::info("{}: what runs comes back at boot", asked_by(commit.ticket));
    publish();
    reply(commit.ticket, json::object());
}

}  // namespace netd
