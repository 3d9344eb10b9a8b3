// What is asked for waits its turn here: one write at a time, in the order of arrival.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"
#include "netd/serve/deadlines.hpp"

#include <algorithm>

namespace netd {

void Reconciler::take(serve::Command command) {
    if (auto* asked = std::get_if<serve::Confirm>(&command)) confirm(*asked);
    else if (auto* back = std::get_if<serve::RollBack>(&command)) roll_back(*back);
    else if (std::holds_alternative<serve::Stop>(command)) stopping_ = true;
    else queue_.push_back(std::move(command));
}

// One write at a time; while one waits for its confirmation the others wait for it.
void Reconciler::work_off() {
    see_to_guests();
    for (expire_queued(); !queue_.empty() && !transactor_.waiting() && !stopping_; expire_queued()) {
        labour_.begin();
        serve::Command command = std::move(queue_.front());
        queue_.pop_front();
        hear();
        try_again();  // a change that could not be taken back comes before all others
        if (refuse_while_stuck(command)) continue;
        if (auto* asked = std::get_if<serve::Setup>(&command)) asked->turn.take() ? setup(std::move(*asked)) : notes_.push(serve::LeftQueue{.was_refused = true});
        else if (auto* commits = std::get_if<serve::CommitRunning>(&command)) commit(*commits);
        else if (auto* changes = std::get_if<serve::ChangeNic>(&command)) change_nic(*changes);
        else if (auto* drifted = std::get_if<serve::Mend>(&command)) mend(*drifted);
        for (auto& more : commands_.take()) take(std::move(more));
        see_to_guests();
    }
    mend_beside();
}

// Drift does not wait for who shall confirm, wherever it stands in the queue.
void Reconciler::mend_beside() {
    const auto drifted = std::ranges::find_if(queue_, [](const serve::Command& command) { return std::holds_alternative<serve::Mend>(command); });
    if (!transactor_.waiting() || stopping_ || drifted == queue_.end()) return;
    const serve::Mend due = std::get<serve::Mend>(std::move(*drifted));
    queue_.erase(drifted);
    hear();  // as before whatever has its turn in the queue
    mend(due);
}

// Nothing is begun then, so nothing is told as begun or taken back.
bool Reconciler::refuse_while_stuck(const serve::Command& command) {
    const auto other = transactor_.unfinished();
    if (!other) return false;
    const auto* setup = std::get_if<serve::Setup>(&command);
    const auto* change = std::get_if<serve::ChangeNic>(&command);
    if (!setup && !change) return false;
    refuse(setup ? setup->ticket : change->ticket, intent::code::refused, *other);
    return true;
}

// Also to what they told while they were asked, which no descriptor tells any more.
void Reconciler::see_to_guests() {
    while (!stopping_) {
        settle_partings();
        follow_guests();
        let_go_of_ports();
        if (!backends_.guests.hear()) return;
        hear();  // their ports were there before they told of them
        publish();
    }
}

// What has waited for longer than it was given is not begun any more; the loop may have said so already.
void Reconciler::expire_queued() {
    const auto now = clock_.boottime();
    std::erase_if(queue_, [&](const serve::Command& command) {
        const auto* setup = std::get_if<serve::Setup>(&command);
        if (!setup || setup->deadline() > now) return false;
        if (setup->turn.take()) refuse(setup->ticket, intent::code::busy, {topology::Fault::busy, "", serve::waited_too_long(*setup->request.options.timeout)});
        else notes_.push(serve::LeftQueue{.was_refused = true});
        return true;
    });
}

std::function<void(std::uint64_t)> Reconciler::tell_begun(std::string who) {
    return [this, who = std::move(who)](std::uint64_t number) { announce("transaction.begun", {{"transaction", number}, {"who", who}}); };
}

}  // namespace netd
