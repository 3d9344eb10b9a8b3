// The way back: all of it, else whatever of it has nothing to do with what is in the way.
#include "netd/apply/preview.hpp"
#include "netd/apply/transaction.hpp"
#include "netd/lower/leftovers.hpp"
#include "netd/lower/plugged.hpp"
#include "netd/lower/wrong_wire.hpp"

#include <algorithm>

namespace apply {

using std::chrono::steady_clock;

// Anew each time: what can be had again may have become less. Where something was is no reason to put it on a wrong wire.
lower::Goal Transactor::way_back() const {
    lower::Goal back{lower::attainable(open_->before, host()), open_->scope()};
    lower::include_what_others_plugged(back.scope, back.wanted, backends_.ovs.state());
    lower::leave_bridges_to_others(back.wanted, back.scope, open_->wanted, backends_.kernel.state());
    lower::Goal kept = back;
    lower::keep_off_wrong_wires(kept, running_, host());
    back.wanted = lower::restricted(kept.wanted, back.scope);  // who was not on the way is for others to put right
    return back;
}

Result<> Transactor::go_back() {
    const lower::Goal back = way_back();
    if (const auto other = in_the_way(back.wanted)) return *other;
    // The rows are written also for an ovs-vswitchd that does not answer, which then isn't waited for.
    std::ignore = in_vain(plan::make(back.wanted, lower::restricted(observe::state_of(backends_), back.scope)), steady_clock::now() + longest_apply);
    return reach(back.wanted, back.scope, backends_, steady_clock::now() + longest_apply);
}

// Better an address without one of the routes, or a network of which one NIC is held by others, than the host out of reach.
void Transactor::go_back_in_part() {
    lower::Goal back = way_back();
    std::set<lower::IfName> left_out;
    for (const bridges::Link& link : back.wanted.kernel.links) {
        const bool waits_for_ovs = !backends_.ovs.connected() && plan::is_made_by_ovs(back.wanted, link.name) && !backends_.kernel.state().links.contains(link.name);
        if (in_the_way(link) || waits_for_ovs) left_out.insert(link.name);
    }
    for (const auto& name : left_out) back.scope.links.erase(name);
    reach_in_part(lower::without(std::move(back.wanted), left_out), back.scope, backends_, steady_clock::now() + longest_apply);
}

// That of a change which waits is written down first: whoever comes after a netd that dies here goes on with it, and lets nobody
// confirm. It leads back though that can't be written.
Outcome Transactor::undo(const Error& because) {
    if (std::exchange(open_->phase, store::Entry::Phase::applying) == store::Entry::Phase::waiting) std::ignore = store_.take_back(*open_);
    const auto there = backends_.kernel.state().links;
    auto reached = go_back();
    // What goes meanwhile may be what can't be had again.
    const auto has_gone = [&](const bridges::Link& link) { return there.contains(link.name) && !backends_.kernel.state().links.contains(link.name); };
    if (!reached && std::any_of(open_->before.kernel.links.begin(), open_->before.kernel.links.end(), has_gone)) reached = go_back();
    // ovs-vswitchd does what its rows say as soon as it is there again, or goes on: they are as before now, and what else there is to do is done.
    if (!reached && backends_.ovs.connected() && (backends_.ovs.is_gone() || backends_.ovs.is_silent())) reached = go_back();
    if (!reached) {
        go_back_in_part();
        stuck_ = because;
        trouble_ = reached.error();
        return Degraded{because, reached.error()};
    }
    stuck_.reset();
    const store::Entry entry = *std::exchange(open_, std::nullopt);
    end_journal(entry.id);
    std::ignore = keep_up();
    return RolledBack{because};
}

lower::Ground Transactor::ground() const {
    return {backends_.kernel.state(), backends_.ovs.connected(), [this](const intent::GuestNic& nic) { return lower::has_place(nic, backends_.has_namespace); }};
}

// Whether the change that waits is all there still, but for what can't be had now. Who has come to a wrong wire meanwhile says nothing of that.
bool Transactor::still_stands() const {
    const lower::Ground here = ground();
    const intent::Intent was = lower::attainable(running_, here), now = lower::attainable(standing_, here);
    const lower::Goal goal = goal_of(was, now, {}, host());
    return plan::make(goal.wanted, before_image(goal)).empty();
}

std::optional<RolledBack> Transactor::try_again() {
    if (!stuck_) return std::nullopt;
    number_ = open_->id;
    const Error because = *stuck_;  // it is gone when it is done
    if (!std::holds_alternative<RolledBack>(undo(because))) return std::nullopt;
    return RolledBack{because};
}

}  // namespace apply
