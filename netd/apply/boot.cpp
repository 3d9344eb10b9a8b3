// What a boot brings back: all at once, and where something of it is refused, whatever else can be had, the way to the host first.
#include "netd/apply/transaction.hpp"

#include "bridges/bus.hpp"

#include <algorithm>

namespace apply {
namespace {

using std::chrono::steady_clock;

// The network by which the host is reached.
bool is_way_to_the_host(const intent::Network& network) { return network.default_route || network.roles.contains(topology::Role::management); }

// In the order in which they are made when they are made apart: the ways to the host, and last what waits for Open vSwitch, which may be dead.
enum class Turn { way, plain, ovs };

Turn turn_of(const intent::Network& network) {
    if (is_way_to_the_host(network)) return Turn::way;
    return network.switch_kind == intent::SwitchKind::ovs ? Turn::ovs : Turn::plain;
}

// Each network by itself with its bond; a bond without networks is a plain one.
std::vector<intent::Intent> parts_of(const intent::Intent& all, Turn turn) {
    std::vector<intent::Intent> parts;
    for (const intent::Network& network : all.networks()) {
        if (turn_of(network) != turn) continue;
        intent::Intent& part = parts.emplace_back();
        const auto base = network.base();
        if (const intent::Bond* bond = base ? all.bonds().find(*base) : nullptr) part.put(*bond);
        part.put(network);
    }
    for (const intent::Bond& bond : all.bonds())
        if (turn == Turn::plain && !all.bases().contains(bond.name)) parts.emplace_back().put(bond);
    return parts;
}

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
    const lower::Goal goal = lower::goal(made, then, lower::touched_by(intent::difference(made, then), made, then), observe::host_of(backends_));
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

Result<> Transactor::make_all(const intent::Intent& all) {
    std::vector<std::vector<intent::Intent>> turns;
    std::vector<intent::Intent> every;
    for (const Turn turn : {Turn::way, Turn::plain, Turn::ovs}) {
        const auto& parts = turns.emplace_back(parts_of(all, turn));
        every.insert(every.end(), parts.begin(), parts.end());
    }
    intent::Intent made;
    if (auto at_once = make_together(made, every, apply_deadline({})); at_once || every.size() <= 1) return at_once;
    // Time that the first try has used up is not the way's; both together are less than a start may take (packaging/netd.service).
    const auto deadline = apply_deadline({});
    Result<> all_made;
    for (const auto& parts : turns)
        if (auto these = make_in_halves(made, parts, deadline); !these && all_made) all_made = these;
    return all_made;
}

// Without a journal: a netd that dies meanwhile finds no running definitions, and begins anew.
Outcome Transactor::bring_back() {
    has_run_in_this_boot_ = true;
    running_ = intent::Intent();
    const intent::Intent wanted = committed_;
    if (wanted == running_) return Committed{false};
    const intent::Intent there = lower::attainable(wanted, {backends_.kernel.state(), backends_.ovs.connected()});
    const auto reached = make_all(there);
    // What can't be had now is drift, not a reason to take away what could be had: a NIC that comes late is waited for, and
    // what the kernel refused is tried again by itself, where drift is repaired.
    const intent::Delta delta = intent::difference(running_, wanted);
    running_ = wanted;
    ++generation_;
    intent::learn(identities_, delta, backends_.kernel.state(), bridges::bus_of);
    if (auto kept = store_.keep_running({running_, generation_}, delta); !kept) trouble_ = kept.error();
    if (reached) return Committed{true};
    boot_trouble_ = reached.error();
    return Degraded{reached.error(), {}};
}

bool Transactor::is_whole(const intent::Intent& attainable) const {
    const lower::Goal goal = lower::goal(attainable, attainable, lower::everything(attainable), observe::host_of(backends_));
    return plan::make(goal.wanted, before_image(goal)).empty();
}

void Transactor::look_at_the_boot_again(const intent::Intent& attainable) {
    if (boot_trouble_ && !stuck_ && is_whole(attainable)) boot_trouble_.reset();
}

}  // namespace apply
