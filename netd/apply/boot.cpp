// What a boot brings back: all at once, and where something of it is refused, whatever else can be had, the way to the host first.
#include "netd/apply/transaction.hpp"

#include "bridges/bus.hpp"
#include "netd/lower/leftovers.hpp"

#include <algorithm>

namespace apply {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60}, sweep_patience{20};  // four and two at most: packaging/netd.service gives a start 300 s

// The network by which the host is reached.
bool is_way_to_the_host(const intent::Network& network) { return network.default_route || network.roles.contains(topology::Role::management); }

// Each network on Open vSwitch, or each that is not, by itself with its bond, those by which the host is reached first; a bond without networks
// doesn't wait for Open vSwitch.
Transactor::Parts parts_of(const intent::Intent& all, bool on_ovs) {
    Transactor::Parts parts;
    for (const bool way : {true, false}) {
        for (const intent::Network& network : all.networks()) {
            if ((network.switch_kind == intent::SwitchKind::ovs) != on_ovs || is_way_to_the_host(network) != way) continue;
            intent::Intent& part = parts.each.emplace_back();
            const auto base = network.base();
            if (const intent::Bond* bond = base ? all.bonds().find(*base) : nullptr) part.put(*bond);
            part.put(network);
        }
        if (way) parts.ways = parts.each.size();
    }
    for (const intent::Bond& bond : all.bonds())
        if (!on_ovs && !all.bases().contains(bond.name)) parts.each.emplace_back().put(bond);
    return parts;
}

// A row of Open vSwitch's has a NIC on which something is defined that is not on it.
bool is_held_by_ovs(const intent::Intent& all, const ovs::State& ovs) {
    const auto is_row = [&](const topology::IfName& nic) { return ovs.ports.contains(nic); };
    for (const intent::Network& network : all.networks())
        if (network.switch_kind != intent::SwitchKind::ovs && network.base() && is_row(*network.base())) return true;
    return std::ranges::any_of(all.bonds(), [&](const intent::Bond& bond) { return std::ranges::any_of(bond.nics, is_row); });
}

// One whose ovs-vswitchd is dead is as an Open vSwitch that comes late.
bool answers(const ovs::Switch& ovs) { return ovs.connected() && !ovs.is_gone(); }

intent::Intent together(intent::Intent made, std::span<const intent::Intent> parts) {
    for (const intent::Intent& part : parts) {
        for (const intent::Bond& bond : part.bonds()) made.put(bond);
        for (const intent::Network& network : part.networks()) made.put(network);
    }
    return made;
}

}  // namespace

// Beside what is made already. A way to the host goes on after a refusal: better without one of its routes than without all of them.
// What else is refused stays where it stopped: what shields a network comes first.
Result<> Transactor::make_together(intent::Intent& made, std::span<const intent::Intent> parts, steady_clock::time_point deadline) {
    const intent::Intent then = together(made, parts);
    const lower::Goal goal = lower::goal(made, then, lower::touched_by(intent::difference(made, then), made, then), host());
    if (auto other = in_the_way(goal.wanted)) return *other;
    const auto reached = reach(goal.wanted, goal.scope, backends_, deadline);
    const bool is_way = parts.size() == 1 && std::ranges::any_of(parts.front().networks(), is_way_to_the_host);
    if (!reached && is_way) reach_in_part(goal.wanted, goal.scope, backends_, deadline);
    if (reached || is_way) made = then;  // what comes on the same NIC takes nothing of it away
    return reached;
}

// In halves, since few are refused as a rule. A "no": the first refusal of one alone.
Result<> Transactor::make_in_halves(intent::Intent& made, std::span<const intent::Intent> parts, steady_clock::time_point deadline) {
    if (parts.empty()) return {};
    auto all = make_together(made, parts, deadline);
    if (all || parts.size() == 1) return all;
    const auto half = parts.size() / 2;
    auto first = make_in_halves(made, parts.first(half), deadline), second = make_in_halves(made, parts.subspan(half), deadline);
    return first ? second : first;
}

// What is not on Open vSwitch first, and does not wait for it, unless that holds one of its NICs.
Result<> Transactor::make_all(const intent::Intent& all) {
    intent::Intent made;
    Result<> swept;
    const bool is_held = is_held_by_ovs(all, backends_.ovs.state());
    if (is_held) swept = take_away_leftovers(committed_);
    const auto plain = make_all_of(made, parts_of(all, false));
    if (!is_held) swept = take_away_leftovers(committed_);
    const auto on_ovs = make_all_of(made, parts_of(all, true));
    if (auto rest = take_away_leftovers(committed_); swept && !rest) swept = rest;  // bridges of NICs that are called otherwise now
    return !plain ? plain : !on_ovs ? on_ovs : swept;
}

Result<> Transactor::make_all_of(intent::Intent& made, const Parts& parts) {
    if (parts.each.empty()) return {};
    const std::span<const intent::Intent> each{parts.each};
    auto at_once = make_together(made, each, steady_clock::now() + patience);
    if (at_once || each.size() == 1 || at_once.error().fault == topology::Fault::timeout) return at_once;
    const auto deadline = steady_clock::now() + patience;
    auto ways = make_in_halves(made, each.first(parts.ways), deadline), others = make_in_halves(made, each.subspan(parts.ways), deadline);
    return ways ? others : ways;
}

// What no definition stands for may be of one that a damaged file has lost, or of another netd, whose state is elsewhere. Where the kernel has
// something of netd's, it is no boot, or one of which a netd that died has noted them: what ran is lost, and runs.
bool Transactor::knows_leftovers() const {
    const auto is_of_netd = [](const bridges::Link& link) { return topology::is_ours(link.owner) || (link.standing && link.standing->is_of_network()); };
    return has_committed_ && damages_.empty() && std::ranges::none_of(backends_.kernel.state().links, is_of_netd);
}

void Transactor::set_leftovers_due(bool are_due) {
    if (std::exchange(leftovers_due_, are_due) != are_due) store_.note_leftovers(are_due);
}

// What was never committed Open vSwitch has kept over the boot, and it may hold a NIC that something else is defined on.
Result<> Transactor::take_away_leftovers(const intent::Intent& all) {
    if (!leftovers_due_ || !answers(backends_.ovs)) return {};
    lower::Goal goal;
    lower::include_leftovers(goal, all, host(), lower::of_any());
    for (const ovs::Port& port : backends_.ovs.state().ports)
        if (topology::is_ours(port.owner) && goal.scope.ports.contains(port.name)) leftovers_.insert(port.name);
    leftovers_.insert(goal.scope.bridges.begin(), goal.scope.bridges.end());
    return reach(goal.wanted, goal.scope, backends_, steady_clock::now() + sweep_patience);
}

Result<> Transactor::see_to_leftovers() {
    if (!leftovers_due_ || open_ || !answers(backends_.ovs)) return {};
    auto done = take_away_leftovers(running_);
    set_leftovers_due(false);
    return done;
}

// Without a journal: a netd that dies meanwhile finds no running definitions, and begins anew. They are written though there be none.
Outcome Transactor::bring_back() {
    has_run_in_this_boot_ = true;
    running_ = intent::Intent();
    const intent::Intent wanted = committed_;
    const intent::Intent there = lower::attainable(wanted, {backends_.kernel.state(), answers(backends_.ovs)});
    set_leftovers_due(leftovers_due_ || knows_leftovers());
    const auto reached = make_all(there);
    set_leftovers_due(leftovers_due_ && !answers(backends_.ovs));
    // What can't be had now is drift, not a reason to take away what could be had: a NIC that comes late is waited for, and
    // what the kernel refused is tried again by itself, where drift is repaired.
    const intent::Delta delta = intent::difference(running_, wanted);
    running_ = wanted;
    ++generation_;
    intent::learn(identities_, delta, backends_.kernel.state(), bridges::bus_of);
    if (auto kept = store_.keep_running({running_, generation_, identities_}, delta); !kept) unkept_ = kept.error();
    if (reached) return Committed{!(wanted == intent::Intent())};
    boot_trouble_ = reached.error();
    return Degraded{reached.error(), {}};
}

bool Transactor::is_whole(const intent::Intent& attainable) const {
    const lower::Goal goal = lower::goal(attainable, attainable, lower::everything(attainable), host());
    return plan::make(goal.wanted, before_image(goal)).empty();
}

void Transactor::look_at_the_boot_again(const intent::Intent& attainable) {
    if (boot_trouble_ && !stuck_ && is_whole(attainable)) boot_trouble_.reset();
}

}  // namespace apply
