// Leases are followed in transactions of their own, or in one that waits, whose way back then leads elsewhere.
#include "netd/apply/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace apply {
namespace {

// What the one scope has of the kernel's things and the other lacks.
lower::Scope beyond(const lower::Scope& known, const lower::Scope& all) {
    lower::Scope rest;
    const auto take = [&](auto part) { std::ranges::set_difference(all.*part, known.*part, std::inserter(rest.*part, (rest.*part).end())); };
    take(&lower::Scope::links);
    take(&lower::Scope::routes);
    take(&lower::Scope::rules);
    return rest;
}

bool is_about(const intent::Delta& delta, const intent::NetworkName& network) {
    const auto names = [&](const auto& change) {
        if constexpr (requires { change.now; }) return change.now.name == network;
        else return change.was.name == network;
    };
    return std::ranges::any_of(delta.networks, [&](const auto& change) { return std::visit(names, change); });
}

}  // namespace

Result<> Transactor::follow(const lower::Leases& offered) {
    if (auto other = unfinished()) return *other;
    static const lower::Leases none;
    const lower::Leases& held = backends_.leases ? *backends_.leases : none;
    const intent::Intent now = lower::attainable(standing(), {backends_.kernel.state(), backends_.ovs.connected()});
    lower::Touched touched{.networks = lower::differing(now, held, offered)};
    lower::Host host = this->host();
    host.leases = &offered;
    host.held = &held;
    const auto entry = open_;
    const auto beside = beside_;
    // A lease that can't be had is no way back either.
    const auto forget = [&](Result<> refused) {
        open_ = entry;
        beside_ = beside;
        if (auto written = store_.begin(*open_); !written) trouble_ = written.error();
        return refused;
    };
    if (waiting_)
        if (auto led = lead_back(host); !led) return forget(led);
    if (touched.networks.empty()) return {};
    settled_.reset();  // the same definitions mean something else now
    const auto goal = [&](std::set<intent::NetworkName> networks) {
        lower::Touched part{.networks = std::move(networks)};
        for (const auto& name : part.networks)
            if (const auto base = now.networks().find(name)->base()) part.bases.insert(*base);
        return lower::goal(now, now, part, host);
    };
    if (waiting_) {
        std::set<intent::NetworkName> own;
        std::erase_if(touched.networks, [&](const auto& name) { return is_about(open_->delta, name) && own.insert(name).second; });
        if (auto followed = own.empty() ? Result<>() : follow_while_waiting(goal(own), true); !followed) return forget(followed);
        return touched.networks.empty() ? Result<>() : follow_while_waiting(goal(touched.networks), false);
    }
    const Outcome outcome = carry_out(goal(touched.networks), {}, {});
    if (const auto* back = std::get_if<RolledBack>(&outcome)) return back->because;
    if (const auto* stuck = std::get_if<Degraded>(&outcome)) return stuck->because;
    return {};
}

// What a transaction that waits is about goes back to what the definitions before it make of the leases of now: not to an address
// that has ended, or that the server has given to somebody else.
Result<> Transactor::lead_back(lower::Host host) {
    const intent::Intent was = lower::attainable(running_, {backends_.kernel.state(), backends_.ovs.connected()});
    lower::Touched touched{.networks = lower::differing(was, *host.held, *host.leases)};
    std::erase_if(touched.networks, [&](const auto& name) { return !is_about(open_->delta, name); });
    if (touched.networks.empty()) return {};
    const lower::HostState now = lower::lower(was, touched, host);
    host.leases = host.held;
    const lower::HostState then = lower::lower(was, touched, host);
    bridges::State& back = open_->before.kernel;
    for (const bridges::Link& had : then.kernel.links) {
        const bridges::Link *there = back.links.find(had.name), *has = now.kernel.links.find(had.name);
        if (!there || !there->addresses || !had.addresses || !has || !has->addresses) continue;
        bridges::Link link = *there;
        for (const auto& address : *had.addresses) link.addresses->erase(address);
        link.addresses->insert(has->addresses->begin(), has->addresses->end());
        if (link.addresses->empty()) link.routed.reset();
        back.links.put(link);
    }
    const auto replace = [](const auto& had, const auto& has, auto& in) {
        for (const auto& one : had)
            if (!has.contains(one.key())) in.erase(one.key());
        for (const auto& one : has) in.put(one);
    };
    replace(then.kernel.routes, now.kernel.routes, back.routes);
    replace(then.kernel.rules, now.kernel.rules, back.rules);
    return store_.begin(*open_);
}

// The way back leads to what these are now, too.
void Transactor::remember(const lower::Goal& goal) {
    lower::Goal part = goal;
    part.scope = beside_;
    const lower::HostState now = before_image(part);
    const auto take = [](const auto& keys, const auto& there, auto& before) {
        for (const auto& key : keys) {
            const auto* found = there.find(key);
            if (found) before.put(*found);
            else before.erase(key);
        }
    };
    take(beside_.links, now.kernel.links, open_->before.kernel.links);
    take(beside_.routes, now.kernel.routes, open_->before.kernel.routes);
    take(beside_.rules, now.kernel.rules, open_->before.kernel.rules);
}

// What is made now is in the open transaction's scope before it is made, so that a way back takes it away; but for networks that
// the transaction is not about, which stay as the lease has made them.
Result<> Transactor::follow_while_waiting(const lower::Goal& goal, bool is_own) {
    if (!is_own) beside_.include(beyond(open_->scope(), goal.scope));
    remember(goal);
    for (const auto& route : goal.wanted.kernel.routes) open_->wanted.kernel.routes.put(route);
    for (const auto& rule : goal.wanted.kernel.rules) open_->wanted.kernel.rules.put(rule);
    for (const auto& link : goal.wanted.kernel.links) open_->wanted.kernel.links.put(link);
    if (auto written = store_.begin(*open_); !written) return written;
    const lower::HostState there = before_image(goal);
    auto reached = reach(goal.wanted, goal.scope, backends_, apply_deadline({}));
    // The old address may be gone, and the new one be refused: nobody undoes that before the change that waits ends.
    if (!reached)
        if (auto back = reach(lower::attainable(there, observe::host_of(backends_)), goal.scope, backends_, apply_deadline({})); !back)
            reached = Error{reached.error().fault, reached.error().subject, fmt::format("{}; and the way back is blocked: {}", reached.error().what, sentence(back.error()))};
    remember(goal);
    auto written = store_.begin(*open_);
    return reached ? written : reached;
}

}  // namespace apply
