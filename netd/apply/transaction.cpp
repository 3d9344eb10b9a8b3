// Journal, apply, look again, wait, commit or go back: the order in which each becomes durable is the whole art.
#include "netd/apply/transaction.hpp"

#include "bridges/bus.hpp"
#include "bridges/journey.hpp"
#include "netd/apply/preview.hpp"
#include "netd/intent/links.hpp"
#include "netd/lower/naming.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace apply {
namespace {

using std::chrono::steady_clock;

// Networks have the MAC of their bond, and one that lost all its ports for a moment has that of the first one that came then.
bool has_bond(const lower::Goal& goal) {
    return std::ranges::any_of(goal.wanted.kernel.links, [](const bridges::Link& link) { return link.as<bridges::Bond>(); });
}

// What is asked of the resolver is no step of a plan: it is written by what stands.
bool is_about_names(const intent::Delta& delta) {
    return std::ranges::any_of(delta.networks, [](const auto& change) {
        const auto* update = std::get_if<topology::Update<intent::Network>>(&change);
        return update && (update->was.nameservers != update->now.nameservers || update->was.search != update->now.search);
    });
}

// The name of a port is short, and made of the guest's name and the MAC.
bool are_two_nics(const bridges::Link& wanted, const bridges::Link& there) {
    const auto role = [](const bridges::Link& link) { return link.owner && link.owner->role ? std::string_view(*link.owner->role) : std::string_view(); };
    return role(wanted).starts_with("nic ") && role(there).starts_with("nic ") && role(wanted) != role(there);
}

}  // namespace

lower::Host Transactor::host() const {
    lower::Host host = observe::host_of(backends_);
    host.renames = &renames_;
    host.identities = &identities_;
    host.switch_waits = backends_.ovs.is_gone() || backends_.ovs.is_silent();
    host.marked = &marked_;
    return host;
}

steady_clock::time_point Transactor::apply_deadline(const Terms& terms) const {
    return steady_clock::now() + terms.timeout.value_or(longest_apply);
}

// What somebody else made is adapted, but never made another thing: that would be to remove it.
std::optional<Error> Transactor::in_the_way(const bridges::Link& link) const {
    const bridges::Link* there = backends_.kernel.state().links.find(link.name);
    if (there && are_two_nics(link, *there)) return Error{Fault::conflict, link.name.text(), "another guest's NIC has this port by chance; give this one another MAC"};
    if (!there || bridges::is_same_thing(link, *there) || intent::is_ours(*there)) return std::nullopt;
    if (plan::is_made_by_ovs(observe::state_of(backends_), link.name)) return std::nullopt;  // it makes room
    return Error{Fault::conflict, link.name.text(), "the host has a device of that name that is another thing and not netd's; rename or remove it"};
}

std::optional<Error> Transactor::in_the_way(const lower::HostState& wanted) const {
    for (const bridges::Link& link : wanted.kernel.links)
        if (auto other = in_the_way(link)) return other;
    return std::nullopt;
}

// A port's mark alone tells that netd made it, and it has one before it stays; only one whose NIC is defined may have lost it, or one that
// its guest says to be netd's.
std::optional<Error> Transactor::taken_port(const intent::Delta& delta) const {
    for (const auto& change : delta.nics) {
        const auto* create = std::get_if<topology::Create<intent::GuestNic>>(&change);
        if (!create || create->now.adopted) continue;
        const auto port = lower::port_of(create->now);
        const bridges::Link* there = backends_.kernel.state().links.find(port);
        if (!there || intent::is_ours(*there)) continue;
        const auto has_it = [&](const guests::Nic& nic) { return nic.facts.ours && nic.device == port; };
        if (std::ranges::any_of(backends_.guests.state().nics, has_it)) continue;
        return Error{Fault::conflict, port.text(), "the host has a device of that name that netd did not make; rename or remove it"};
    }
    return std::nullopt;
}

// Asked before the first step: a plan that waits for ovs-vswitchd half-way has cut off whom it leads elsewhere. A restart with a thousand
// ports keeps it busy for less than a second, only to remove as many at once takes longer; and whoever is refused then has lost nothing.
std::optional<Error> Transactor::in_vain(const plan::Plan& plan, steady_clock::time_point deadline) const {
    constexpr std::chrono::seconds patience{5};
    const bool needs_ovs = std::ranges::any_of(plan, [](const plan::Step& step) { return std::holds_alternative<ovs::Op>(step.op); });
    if (!needs_ovs || backends_.ovs.answers(std::min(deadline, steady_clock::now() + patience))) return std::nullopt;
    return Error{Fault::backend, "Open vSwitch",
                 fmt::format("ovs-vswitchd {}, so nobody would carry it out: is openvswitch-switch running?", backends_.ovs.is_gone() ? "is not running" : "does not answer")};
}

// As observed, but for what making it again needs and the kernel does not report: where the other end of a veth is, and
// that a device is Open vSwitch's to make, or to listen at: what somebody else made promiscuous it leaves so.
lower::HostState Transactor::before_image(const lower::Goal& goal) const {
    lower::HostState before = lower::restricted(observe::state_of(backends_), goal.scope);
    for (const bridges::Link& old : goal.was_wanted.kernel.links) {
        const bridges::Link* there = before.kernel.links.find(old.name);
        if (!there || !old.as<bridges::Veth>()) continue;
        bridges::Link link = *there;
        link.kind = old.kind;
        before.kernel.links.put(link);
    }
    for (const ovs::Port& port : before.ovs.ports) {
        const bridges::Link* there = before.kernel.links.find(port.name);
        if (!there) continue;
        bridges::Link link = *there;
        link.promiscuous.reset();
        if (port.internal == true) link.kind.reset(), link.owner.reset();
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

// Its journal is the only one there is.
std::optional<Error> Transactor::unfinished() const {
    if (!stuck_) return std::nullopt;
    return Error{Fault::busy, "an earlier change", "could not be taken back yet, and nothing else is changed until then: " + sentence(*trouble_)};
}

// A journal without what ran before it would be taken up as if nothing had.
std::optional<Error> Transactor::keep_up() {
    if (!unkept_) return std::nullopt;
    if (auto kept = store_.keep_running({running_, generation_, identities_}, intent::Delta()); !kept) unkept_ = kept.error();
    else unkept_.reset();
    return unkept_;
}

Outcome Transactor::begin(const intent::Intent& wanted, const Terms& terms) {
    number_.reset();
    if (auto other = unfinished()) return RolledBack{*other};
    if (open_) return RolledBack{{Fault::busy, "an earlier change", "waits for its confirmation"}};
    if (is_settled(wanted, terms)) return unchanged(terms);
    const auto lowered = [&] { return goal_of(running_, wanted, terms, host()); };
    const lower::Goal goal = lowered();
    standing_ = wanted;
    Outcome outcome = carry_out(goal, intent::difference(running_, wanted), terms, lowered);
    if (!std::holds_alternative<Committed>(outcome) && !std::holds_alternative<Waiting>(outcome)) return outcome;
    settled_.reset();
    // Nobody tells of a namespace that comes.
    if (!goal.lacks_guests) settled_ = Settled{wanted, terms.named, goal.scope, observe::state_of(backends_)};
    return outcome;
}

bool Transactor::is_settled(const intent::Intent& wanted, const Terms& terms) const {
    return settled_ && !open_ && terms.awaited.empty() && wanted == running_ && wanted == settled_->wanted && settled_->includes(terms.named) &&
           settled_->holds(observe::state_of(backends_));
}

// Definitions that are the same may have other names of their NICs in the file, and cards may have been replaced since. After a commit that
// failed in its last step, which of the two are in the file is not known.
bool Transactor::is_committed() const {
    return !uncommitted_ && running_ == committed_ && intent::identities_of(running_, backends_.kernel.state(), identities_, bridges::bus_of) == committed_identities_;
}

// The host is as wanted; that may be for good now.
Outcome Transactor::unchanged(const Terms& terms) {
    if (terms.commit && !is_committed())
        if (auto kept = commit_running(); !kept) return RolledBack{kept.error()};
    return Committed{false};
}

Outcome Transactor::carry_out(const lower::Goal& goal, intent::Delta delta, const Terms& terms, const std::function<lower::Goal()>& lowered) {
    if (const auto other = in_the_way(goal.wanted)) return RolledBack{*other};
    if (const auto other = taken_port(delta)) return RolledBack{*other};
    store::Entry entry{.id = next_id(), .base_generation = generation_, .boot = store::boot_id(), .commit = terms.commit, .is_remote = terms.is_remote, .awaited = terms.awaited,
                       .is_confirmed = terms.is_confirmed, .before = before_image(goal), .wanted = goal.wanted, .delta = std::move(delta)};

    const plan::Plan plan = plan::make(goal.wanted, entry.before);
    const bool nothing_to_do = plan.empty();
    if (nothing_to_do && entry.delta.empty() && terms.awaited.empty()) return unchanged(terms);
    const auto deadline = apply_deadline(terms);
    if (const auto vain = in_vain(plan, deadline)) return RolledBack{*vain};
    if (auto unkept = keep_up()) return RolledBack{*unkept};
    open_ = std::move(entry);
    number_ = open_->id;
    terms.begun(open_->id);
    const bool is_done = nothing_to_do && terms.awaited.empty() && !(terms.within && is_about_names(open_->delta));
    // What is to be committed must be known to be, also where the kernel has it already.
    if (!is_done || open_->commit)
        if (auto written = store_.begin(*open_); !written) {
            open_.reset();
            return RolledBack{topology::about("the journal", written.error())};
        }
    if (is_done) return finish();
    if (auto reached = reach(goal.wanted, goal.scope, backends_, deadline); !reached) return undo(reached.error());
    if (lowered && has_bond(goal)) {
        const lower::Goal then = lowered();
        if (auto reached = reach(then.wanted, then.scope, backends_, apply_deadline(terms)); !reached) return undo(reached.error());
    }
    if (!terms.within) return finish();

    open_->phase = store::Entry::Phase::waiting;
    open_->deadline = clock_.boottime() + *terms.within;
    if (auto written = store_.begin(*open_); !written) return undo(written.error());
    return wait();
}

Outcome Transactor::wait() {
    was_taken_up_ = is_in_doubt_ = false;
    waiting_ = Waiting{open_->id, open_->deadline, open_->is_remote, open_->awaited, open_->is_confirmed};
    beside_ = {};
    return *waiting_;
}

Outcome Transactor::confirm() {
    number_ = open_->id;
    waiting_.reset();
    // What was asked for is confirmed, and it may have been taken back by a netd that could not write that down.
    if (was_taken_up_ && !still_stands()) return undo({Fault::conflict, fmt::format("transaction {}", open_->id), "the host is not as the change made it, and may have been taken back before netd was started again"});
    return finish();
}

bool Transactor::confirm_but_for_leases() {
    open_->is_confirmed = true;
    open_->is_confirmed = waiting_->is_confirmed = bool(store_.begin(*open_));
    return waiting_->is_confirmed;
}

Outcome Transactor::roll_back(const Error& because) {
    number_ = open_->id;
    waiting_.reset();
    return undo(because);
}

// From here on the change holds: a crash after the first write below finds a generation newer than the journal's base.
Outcome Transactor::finish() {
    const bool is_same = open_->delta.empty();  // a repair: what is defined has not changed
    const intent::Intent now = is_same ? running_ : standing_;
    const std::uint64_t generation = open_->base_generation + (is_same ? 0 : 1);
    // What a disk refuses to the committed definitions, room or a second name for those before, it says while there is a way back.
    std::optional<store::Prepared> prepared;
    if (open_->commit) {
        auto ready = prepare_committed(now, generation);
        if (!ready) return undo(ready.error());
        prepared = std::move(*ready);
    }
    intent::learn(identities_, open_->delta, backends_.kernel.state(), bridges::bus_of);
    if (!is_same)
        if (auto kept = store_.keep_running({now, generation, identities_}, *open_); !kept) return undo(kept.error());
    running_ = now;
    generation_ = generation;
    return decided(prepared);
}

// What runs is written down; the rest may be done by whoever comes after a netd that dies here.
Outcome Transactor::decided(const std::optional<store::Prepared>& prepared) {
    const store::Entry entry = *std::exchange(open_, std::nullopt);
    Committed committed{true};
    if (entry.commit)
        if (auto kept = prepared ? put_committed(*prepared) : commit_running(); !kept) uncommitted_ = committed.uncommitted = kept.error();
    end_journal(entry.id);
    return committed;
}

// It is the only journal: when it is gone, nothing is left of one that could not be taken away before.
void Transactor::end_journal(std::optional<std::uint64_t> id) {
    if (auto ended = store_.end(id); !ended) trouble_ = ended.error();
    else trouble_.reset();
}

Result<store::Prepared> Transactor::prepare_committed(const intent::Intent& now, std::uint64_t generation) const {
    return store_.prepare_committed({now, generation, false, intent::identities_of(now, backends_.kernel.state(), identities_, bridges::bus_of)});
}

Result<> Transactor::commit_running() {
    const auto prepared = prepare_committed(running_, generation_);
    return prepared ? put_committed(*prepared) : prepared.error();
}

Result<> Transactor::put_committed(const store::Prepared& prepared) {
    identities_ = intent::identities_of(running_, backends_.kernel.state(), identities_, bridges::bus_of);
    if (auto kept = prepared.put_in_place(); !kept) {
        uncommitted_ = kept.error();
        return kept;
    }
    committed_ = running_;
    committed_identities_ = identities_;
    uncommitted_.reset();
    return {};
}

}  // namespace apply
