// Drift is mended in a transaction of its own, or beside one that waits, whose way back then leads over all that is mended.
#include "netd/apply/transaction.hpp"

#include "bridges/bus.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/lower/leftovers.hpp"
#include "netd/lower/plugged.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace apply {
namespace {

// Whoever confirms or takes back meanwhile is not kept waiting for longer.
constexpr std::chrono::seconds longest_beside{10};

// What a part of a goal may touch beside a change that waits.
struct Beside {
    lower::HostState by_both;  // wanted by the definitions before the change as by those after it, if it is the same
    lower::Scope way_back;
    bool is_in_doubt = false;  // nothing that the way back leads over
};

template <class R, class Keys>
bool leave_out(const topology::Keyed<R>& wanted, const topology::Keyed<R>& by_both, const Keys& way_back, bool is_in_doubt, Keys& scope) {
    bool is_missed = false;
    std::erase_if(scope, [&](const auto& key) {
        const R *one = wanted.find(key), *same = by_both.find(key);
        if (way_back.contains(key) ? !is_in_doubt : one && same && *one == *same) return false;
        is_missed = is_missed || one;
        return true;
    });
    return is_missed;
}

// The part of the goal for which a way back is known, or none is needed. True if something that is wanted is left out.
bool leave_out_of(lower::Goal& goal, const Beside& beside) {
    const lower::HostState wanted = goal.wanted;
    bool is_missed = false;
    const auto look_at = [&](auto part, auto kind, auto keys) {
        is_missed |= leave_out(wanted.*part.*kind, beside.by_both.*part.*kind, beside.way_back.*keys, beside.is_in_doubt, goal.scope.*keys);
    };
    using lower::HostState, lower::Scope;
    look_at(&HostState::kernel, &bridges::State::links, &Scope::links);
    look_at(&HostState::kernel, &bridges::State::routes, &Scope::routes);
    look_at(&HostState::kernel, &bridges::State::rules, &Scope::rules);
    look_at(&HostState::ovs, &ovs::State::bridges, &Scope::bridges);
    look_at(&HostState::ovs, &ovs::State::ports, &Scope::ports);
    look_at(&HostState::ovs, &ovs::State::mirrors, &Scope::mirrors);
    look_at(&HostState::guests, &guests::State::nics, &Scope::nics);
    goal.wanted = lower::restricted(wanted, goal.scope);
    return is_missed;
}

}  // namespace

Outcome Transactor::mend(const intent::Intent& attainable, const lower::Touched& touched) {
    if (auto other = unfinished()) return RolledBack{*other};
    if (waiting_) return mend_beside(attainable, touched);
    lower::Host host = this->host();
    host.defined = &running_;
    if (!renames_.empty() && host.switch_waits) host.switched = nullptr;  // what it has kept waits for it
    lower::Goal goal = lower::goal(attainable, attainable, touched, host);
    if (!renames_.empty()) {
        std::set<topology::IfName> renamed;
        for (const auto& [name, device] : renames_) renamed.insert(name);
        lower::keep_ports_of_renamed(goal, running_, renames_, host);
        lower::include_leftovers(goal, running_, host, lower::of_nics(renamed));
    }
    return carry_out(goal, {}, {});
}

// Names are not followed while a change waits, and a card that has come by another's name is none that these definitions mean.
intent::Intent Transactor::without_strangers(const intent::Intent& attainable) const {
    bridges::State kernel = backends_.kernel.state();
    const intent::Renames due = intent::renames(standing_, identities_, kernel, bridges::bus_of);
    for (const auto& [name, device] : due) kernel.links.erase(name);
    return due.empty() ? attainable : lower::attainable(attainable, {kernel, true});
}

// The journal stays as it is: the way back is a plan from whatever is there then, so nothing is touched that it would not lead over. A
// netd that dies half-way leaves drift, and a refusal likewise.
Outcome Transactor::mend_beside(const intent::Intent& all, const lower::Touched& all_touched) {
    lower::Host host = this->host(), then = host;
    host.defined = &standing_;
    then.defined = &running_;
    const intent::Intent attainable = without_strangers(all);
    const lower::Touched touched = attainable == all ? all_touched : lower::within(all_touched, attainable);
    const intent::Intent was = lower::attainable(lower::as_guests_are_now(running_, then), ground());
    const lower::Goal whole = lower::goal(attainable, attainable, touched, host), before = lower::goal(was, was, lower::within(touched, was), then);
    lower::Goal goal = whole;
    const bool is_in_part = leave_out_of(goal, {before.wanted, open_->scope(), is_in_doubt_});
    if (const auto other = in_the_way(goal.wanted)) return RolledBack{*other};
    const plan::Plan plan = plan::make(goal.wanted, before_image(goal));
    const bool nothing_to_do = plan.empty();
    const auto deadline = std::chrono::steady_clock::now() + std::min<std::chrono::nanoseconds>(longest_beside, waiting_->deadline - clock_.boottime());
    if (const auto vain = in_vain(plan, deadline)) return RolledBack{*vain};
    if (auto reached = reach(goal.wanted, goal.scope, backends_, deadline); !reached) return RolledBack{reached.error()};
    const bool waits_for_names = touched.networks != all_touched.networks || touched.bases != all_touched.bases || touched.nics != all_touched.nics;
    if (waits_for_names || (is_in_part && !plan::make(whole.wanted, before_image(whole)).empty()))
        return RolledBack{{Fault::busy, fmt::format("transaction {}", open_->id), "what else there is to do is not in its way back, and is done when it has ended"}};
    return Committed{!nothing_to_do};
}

}  // namespace apply
