// How a change that waits ends: confirmed, taken back by somebody, or by its time.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"

#include <algorithm>

namespace netd {

using nlohmann::json;
using topology::Fault;

// What was sent before the change stood says nothing about it.
bool Reconciler::is_about_what_waits(const serve::Ticket& ticket, const std::optional<std::uint64_t>& transaction) const {
    const auto& waiting = transactor_.waiting();
    if (!waiting || ticket.caller.arrived < waiting_since_) return false;
    return transaction ? *transaction == waiting->id : !waits_for_another(ticket);
}

// Who has a change of his own in the queue means that one, not the one that somebody else is still trying out.
bool Reconciler::waits_for_another(const serve::Ticket& ticket) const {
    if (!asker_ || asker_->caller.peer == ticket.caller.peer) return false;
    return std::ranges::any_of(queue_, [&](const serve::Command& command) {
        const auto* setup = std::get_if<serve::Setup>(&command);
        return setup && setup->ticket.caller.peer == ticket.caller.peer;
    });
}

void Reconciler::confirm(const serve::Confirm& confirm) {
    const auto waiting = transactor_.waiting();
    // One from here says nothing about the wire to an engine.
    const bool is_from_here = waiting && waiting->is_remote && !confirm.ticket.caller.is_remote();
    if (is_from_here || !is_about_what_waits(confirm.ticket, confirm.transaction)) return reply(confirm.ticket, {{"confirmed", false}, {"transaction", waiting ? json(waiting->id) : json()}}, false);
    if (awaited_) {
        const bool is_confirmed = transactor_.confirm_but_for_leases();  // it ends when they are there
        return reply(confirm.ticket, {{"confirmed", is_confirmed}, {"transaction", waiting->id}}, false);
    }
    const Asker asker = std::exchange(asker_, std::nullopt);
    log::info("change {} is confirmed by {}", waiting->id, confirm.ticket.caller.who());
    const auto outcome = transactor_.confirm();
    conclude(asker, outcome, intent::code::refused);
    reply(confirm.ticket, {{"confirmed", std::holds_alternative<apply::Committed>(outcome)}, {"transaction", waiting->id}}, false);
}

void Reconciler::roll_back(const serve::RollBack& asked) {
    const auto waiting = transactor_.waiting();
    if (!is_about_what_waits(asked.ticket, asked.transaction)) return reply(asked.ticket, {{"rolledBack", false}, {"transaction", waiting ? json(waiting->id) : json()}}, false);
    const auto outcome = take_back({Fault::timeout, "connectivity", asked.ticket.caller.who() + " took the change back"});
    reply(asked.ticket, {{"rolledBack", std::holds_alternative<apply::RolledBack>(outcome)}, {"transaction", waiting->id}}, false);
}

void Reconciler::expire() {
    if (transactor_.waiting() && transactor_.waiting()->deadline <= clock_.boottime()) take_back(too_late());
}

apply::Outcome Reconciler::take_back(const topology::Error& because) {
    const Asker asker = std::exchange(asker_, std::nullopt);
    const int code = std::exchange(awaited_, std::nullopt) ? intent::code::refused : intent::code::lost_connection;
    auto outcome = transactor_.roll_back(because);
    conclude(asker, outcome, code);
    return outcome;
}

}  // namespace netd
