// Journal, apply, look again, wait, commit or go back: the order in which each becomes durable is the whole art.
#include "netd/apply/transaction.hpp"

#include "netd/apply/preview.hpp"

#include <fmt/format.h>

namespace apply {
namespace {

using std::chrono::steady_clock;

// Nothing of ours takes longer; OVS with a thousand ports to delete does take a while.
constexpr std::chrono::seconds longest_apply{120};

lower::Scope scope_of(const store::Entry& entry) {
    lower::Scope scope;
    scope.include(entry.before);
    scope.include(entry.wanted);
    return scope;
}

}  // namespace

steady_clock::time_point Transactor::apply_deadline(const Terms& terms) const {
    return steady_clock::now() + terms.timeout.value_or(longest_apply);
}

// As observed, but for what making it again needs and the kernel does not report: where the other end of a veth is, and
// that a device is Open vSwitch's to make.
lower::HostState Transactor::before_image(const lower::Goal& goal) const {
    lower::HostState before = lower::restricted(observe::state_of(backends_), goal.scope);
    for (const bridges::Link& old : goal.was_wanted.kernel.links) {
        const bridges::Link* there = before.kernel.links.find(old.name);
        if (!there || !old.kind || !std::holds_alternative<bridges::Veth>(*old.kind)) continue;
        bridges::Link link = *there;
        link.kind = old.kind;
        before.kernel.links.put(link);
    }
    for (const ovs::Port& port : before.ovs.ports) {
        const bridges::Link* there = port.internal == true ? before.kernel.links.find(port.name) : nullptr;
        if (!there) continue;
        bridges::Link link = *there;
        link.kind.reset();
        link.owner.reset();
        before.kernel.links.put(link);
    }
    return before;
}

// Never one that was given before, be it to a transaction that went back or by a netd that died since the boot.
std::uint64_t Transactor::next_id() {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.boottime()).count();
    last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(milliseconds));
    return last_id_;
}

Outcome Transactor::begin(const intent::Intent& wanted, const Terms& terms) {
    const lower::Goal goal = goal_of(running_, wanted, terms, observe::host_of(backends_));
    store::Entry entry;
    entry.id = next_id();
    entry.base_generation = generation_;
    entry.boot = store::boot_id();
    entry.commit = terms.commit;
    entry.before = before_image(goal);
    entry.wanted = goal.wanted;
    entry.delta = intent::difference(running_, wanted);

    const bool nothing_to_do = plan::make(goal.wanted, entry.before).empty();
    if (nothing_to_do && entry.delta.empty()) {
        if (terms.commit && !(running_ == committed_))
            if (auto kept = commit_running(); !kept) return RolledBack{kept.error()};
        return Committed{false};
    }
    open_ = std::move(entry);
    if (nothing_to_do) return finish();
    if (auto written = store_.begin(*open_); !written) {
        open_.reset();
        return RolledBack{topology::about("the journal", written.error())};
    }
    if (auto reached = reach(goal.wanted, goal.scope, backends_, apply_deadline(terms)); !reached) return undo(reached.error());
    if (!terms.confirm) return finish();

    open_->phase = store::Entry::Phase::waiting;
    open_->deadline = clock_.boottime() + terms.within;
    if (auto written = store_.begin(*open_); !written) return undo(written.error());
    waiting_ = Waiting{open_->id, open_->deadline};
    return *waiting_;
}

Outcome Transactor::confirm() {
    waiting_.reset();
    return finish();
}

Outcome Transactor::roll_back(const Error& because) {
    waiting_.reset();
    return undo(because);
}

// From here on the change holds: a crash after the first write below finds a generation newer than the journal's base.
Outcome Transactor::finish() {
    const intent::Intent now = intent::with(running_, open_->delta);
    const std::uint64_t generation = open_->base_generation + 1;
    if (auto kept = store_.keep_running({now, generation}, open_->delta); !kept) return undo(kept.error());
    running_ = now;
    generation_ = generation;
    const bool commit = open_->commit;
    open_.reset();
    if (commit)
        if (auto kept = commit_running(); !kept) trouble_ = kept.error();
    if (auto ended = store_.end(); !ended) trouble_ = ended.error();
    return Committed{true};
}

Outcome Transactor::undo(const Error& because) {
    const lower::Scope scope = scope_of(*open_);
    if (auto reached = reach(open_->before, scope, backends_, steady_clock::now() + longest_apply); !reached) {
        stuck_ = because;
        trouble_ = reached.error();
        return Degraded{because, reached.error()};
    }
    stuck_.reset();
    open_.reset();
    if (auto ended = store_.end(); !ended) trouble_ = ended.error();
    return RolledBack{because};
}

void Transactor::try_again() {
    if (!stuck_ || !open_) return;
    if (std::holds_alternative<RolledBack>(undo(*stuck_))) trouble_.reset();
}

Result<> Transactor::commit_running() {
    if (auto kept = store_.keep_committed({running_, generation_}); !kept) return kept;
    committed_ = running_;
    return {};
}

void Transactor::load() {
    const auto take = [&](Result<std::optional<store::Kept>> kept) -> std::optional<store::Kept> {
        if (!kept) trouble_ = kept.error();
        else if (*kept && (*kept)->fell_back) trouble_ = Error{Fault::backend, store_.state_directory(), "the newest state file is damaged; the one before it is used"};
        return kept ? *kept : std::nullopt;
    };
    if (auto kept = take(store_.committed())) {
        committed_ = std::move(kept->intent);
        generation_ = kept->generation;
    }
    if (auto kept = take(store_.running())) {
        running_ = std::move(kept->intent);
        generation_ = std::max(generation_, kept->generation);
        has_run_in_this_boot_ = true;
    }
}

Outcome Transactor::recover() {
    load();
    auto entry = store_.open_entry();
    if (!entry) {
        trouble_ = entry.error();
        return RolledBack{entry.error()};
    }
    if (*entry && (*entry)->boot == store::boot_id()) return take_up(std::move(**entry));
    // Of another boot: the kernel has forgotten both what was and what was to be.
    if (*entry)
        if (auto ended = store_.end(); !ended) trouble_ = ended.error();
    return has_run_in_this_boot_ ? Outcome(Committed{false}) : bring_back();
}

Outcome Transactor::take_up(store::Entry entry) {
    open_ = std::move(entry);
    if (has_run_in_this_boot_ && generation_ > open_->base_generation) {
        // It had been decided; only the end was missing.
        const bool commit = open_->commit;
        open_.reset();
        if (commit)
            if (auto kept = commit_running(); !kept) trouble_ = kept.error();
        if (auto ended = store_.end(); !ended) trouble_ = ended.error();
        return Committed{true};
    }
    if (open_->phase == store::Entry::Phase::waiting && open_->deadline > clock_.boottime()) {
        waiting_ = Waiting{open_->id, open_->deadline};
        return *waiting_;
    }
    const char* why = open_->phase == store::Entry::Phase::waiting ? "nobody confirmed it in time" : "netd ended before it was done";
    return undo({Fault::timeout, fmt::format("transaction {}", open_->id), why});
}

Outcome Transactor::bring_back() {
    has_run_in_this_boot_ = true;
    const intent::Intent wanted = committed_;
    running_ = intent::Intent();
    if (wanted == running_) return Committed{false};
    open_ = store::Entry{.id = generation_ + 1, .base_generation = generation_, .boot = store::boot_id(), .delta = intent::difference(running_, wanted)};
    const lower::Goal goal = lower::goal(running_, wanted, lower::everything(wanted), observe::host_of(backends_));
    const auto reached = reach(goal.wanted, goal.scope, backends_, steady_clock::now() + longest_apply);
    // What can't be had now (a NIC that comes late) is drift, not a reason to take away what could be had.
    const Outcome outcome = finish();
    if (!reached) trouble_ = reached.error();
    return reached ? outcome : Outcome(Degraded{reached.error(), {}});
}

}  // namespace apply
