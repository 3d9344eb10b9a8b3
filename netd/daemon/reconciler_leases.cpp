// What DHCP and routers bring. Leases are made by the same machinery as what a definition says; a call that waits for one is an open transaction.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace netd {

using topology::Error;
using topology::Fault;

namespace {

// For how long a call waits for a lease that says nothing about it.
constexpr std::chrono::seconds longest_lease{60};
// Between tries to have the kernel follow one.
constexpr std::chrono::seconds pause_after_refusal{30};
// So many that the kernel refuses are looked for at a time.
constexpr int most_failures = 32;

std::optional<lower::Lease> find(const lower::Leases& leases, const std::string& key) {
    const auto found = leases.find(key);
    return found == leases.end() ? std::nullopt : std::optional(found->second);
}

// By a server or a router.
bool is_told_of_addresses(const intent::Network& network) { return lower::asks(network, lower::Family::v4) || lower::hears_routers(network); }

bool is_on_ovs(const intent::Network& network) { return network.switch_kind == intent::SwitchKind::ovs; }

template <class Value> void add_keys(const std::map<std::string, Value>& of, std::set<std::string>& keys) {
    for (const auto& [key, value] : of) keys.insert(key);
}

}  // namespace

// Worked out from what differs of the networks that stand. Those that ask, or hear, are as a rule few.
const Reconciler::Needs& Reconciler::needs() {
    bool are_others = false;
    topology::Keyed<intent::Network>::each_difference(needs_.of, transactor_.standing().networks(), [&](const intent::Network* was, const intent::Network* now) {
        are_others = are_others || (was && is_told_of_addresses(*was)) || (now && is_told_of_addresses(*now));
        needs_.ovs += (now && is_on_ovs(*now)) - (was && is_on_ovs(*was));
    });
    needs_.of = transactor_.standing().networks();
    if (!are_others) return needs_;
    needs_.clients = lower::clients_of(transactor_.standing());
    needs_.hearing = lower::hearing(transactor_.standing());
    return needs_;
}

// A client needs its device. The leases of both sides are kept while a transaction waits, so that a way back finds its own.
void Reconciler::attend() {
    auto wanted = needs().clients;
    std::set<std::string> kept;
    add_keys(wanted, kept);
    if (transactor_.is_open()) add_keys(lower::clients_of(transactor_.running()), kept);
    std::erase_if(wanted, [&](const auto& entry) { return !backends_.kernel.state().links.contains(entry.second.device); });
    clients_.sync(wanted);
    clients_.leases().keep_only(kept);
    routers_.hear(needs().hearing, last_told());
    write_resolver();
    if (clients_.trouble() == client_trouble_) return;
    client_trouble_ = clients_.trouble();
    if (!client_trouble_.empty()) log::error("no DHCP: {}", client_trouble_);
}

void Reconciler::see_to_routers() {
    routers_.hear(needs().hearing, last_told());
    constexpr int most_rounds = 4;  // what was heard while the kernel was at it may say more
    for (int round = 0; round < most_rounds && routers_.follow(needs().hearing, transactor_.standing()); ++round) publish();
}

// By what stands, so that it goes back with what goes back.
void Reconciler::write_resolver() {
    const auto wanted = lower::resolver_of(transactor_.standing(), clients_.leases().held());
    const auto written = resolver_.sync(wanted);
    const std::string trouble = written ? "" : sentence(written.error());
    if (trouble == resolver_trouble_) return;
    resolver_trouble_ = trouble;
    if (!trouble.empty()) log::warn("nameservers are not set: {}", trouble);
    else if (!wanted.empty()) log::info("nameservers are set");
}

void Reconciler::hear_leases() {
    clients_.leases().hear();
    const bool is_due = follow_leases();
    if (is_due || clients_.has_work()) publish();
    if (awaited_) conclude_awaited();
}

// Also in a transaction that waits: its lease is what it waits for, and it may go back.
bool Reconciler::follow_leases() {
    if (transactor_.is_stuck()) return false;
    const bool have_followed = follow_news();
    // What was not taken prolongs none.
    return (clients_.leases().end_held() && follow_news()) || have_followed;
}

bool Reconciler::follow_news() {
    const auto keys = leases_to_follow();
    int failures = 0;
    if (!keys.empty()) follow_leases(keys, failures);
    return !keys.empty();
}

// All together; where that is refused by halves, so that who is to blame holds up nobody else.
void Reconciler::follow_leases(const std::vector<std::string>& keys, int& failures) {
    if (transactor_.is_stuck()) return;
    LeaseFolder& folder = clients_.leases();
    lower::Leases now = folder.held();
    for (const std::string& key : keys)
        if (const auto offered = find(folder.offered(), key)) now.insert_or_assign(key, *offered);
        else now.erase(key);
    const auto followed = transactor_.follow(now);
    if (followed) {
        tell_refused_ways(now);
        return folder.settle({keys.begin(), keys.end()});
    }
    if (transactor_.is_stuck()) conclude(std::nullopt, apply::Degraded{followed.error()}, intent::code::refused);
    if (keys.size() == 1 || ++failures > most_failures) {
        for (const std::string& key : keys) refused_leases_.insert_or_assign(key, Refused{find(folder.offered(), key), clock_.boottime() + pause_after_refusal});
        return log::warn("a lease can't be followed ({}): {}", fmt::join(keys, ", "), sentence(followed.error()));
    }
    const auto middle = keys.begin() + static_cast<std::ptrdiff_t>(keys.size() / 2);
    follow_leases(std::vector(keys.begin(), middle), failures);
    follow_leases(std::vector(middle, keys.end()), failures);
}

// What is news, and was not refused a moment ago.
std::vector<std::string> Reconciler::leases_to_follow() {
    auto keys = clients_.leases().news();
    const auto is_past = [&](const auto& entry) { return entry.second.again <= clock_.boottime() || !keys.contains(entry.first) || find(clients_.leases().offered(), entry.first) != entry.second.lease; };
    std::erase_if(refused_leases_, is_past);
    for (const auto& [key, refused] : refused_leases_) keys.erase(key);
    if (!keys.empty()) refuse_unfit(keys);
    return {keys.begin(), keys.end()};
}

// What counts then is the lease from before, for as long as it was given.
void Reconciler::refuse_unfit(std::set<std::string>& keys) {
    const LeaseFolder& folder = clients_.leases();
    for (const intent::Network& network : transactor_.standing().networks())
        for (const lower::Family family : {lower::Family::v4, lower::Family::v6}) {
            const std::string key = lower::lease_key(network, family);
            const auto offered = lower::asks(network, family) && keys.contains(key) ? find(folder.offered(), key) : std::nullopt;
            const std::string why = offered ? lower::unfit(*offered, network, transactor_.standing(), folder.held()) : "";
            if (why.empty()) continue;
            log::warn("network {}: what its DHCP server gave is not taken: {}", network.name.text(), why);
            refused_leases_.insert_or_assign(key, Refused{offered, clock_.boottime() + pause_after_refusal});
            keys.erase(key);
        }
}

// What a server says of the way and doesn't count, once it is new.
void Reconciler::tell_refused_ways(const lower::Leases& offered) const {
    for (const intent::Network& network : transactor_.standing().networks()) {
        const lower::Lease *lease = lower::lease_of(network, lower::Family::v4, &offered), *had = lower::lease_of(network, lower::Family::v4, &clients_.leases().held());
        if (!lease || (had && *had == *lease)) continue;
        for (const std::string& way : lower::ways_of(*lease, network, transactor_.standing(), offered).refused)
            log::warn("network {}: the way {} that its DHCP server gave is not taken: it is not the server's to say", network.name.text(), way);
    }
}

// A call that waits for leases is a transaction that waits, whether it is to be confirmed or not.
void Reconciler::await_leases(const intent::Request& request, const intent::Intent& wanted, apply::Terms& terms) {
    awaited_.reset();
    std::map<std::string, intent::NetworkName> keys;
    for (const intent::Network& network : request.networks) {
        const intent::Network* asked = network.blockingdhcp ? wanted.networks().find(network.name) : nullptr;
        for (const lower::Family family : {lower::Family::v4, lower::Family::v6})
            if (asked && lower::asks(*asked, family)) keys.emplace(lower::lease_key(*asked, family), asked->name);
    }
    std::erase_if(keys, [&](const auto& entry) { return clients_.leases().held().contains(entry.first); });
    if (keys.empty()) return;
    add_keys(keys, terms.awaited);
    terms.is_confirmed = !terms.within;
    awaited_ = std::move(keys);
    if (!terms.within) terms.within = terms.timeout.value_or(longest_lease);
}

// What an earlier netd began to wait for.
void Reconciler::await_again() {
    const auto& waiting = transactor_.waiting();
    if (!waiting || waiting->awaited.empty()) return;
    awaited_.emplace();
    for (const intent::Network& network : transactor_.standing().networks())
        for (const lower::Family family : {lower::Family::v4, lower::Family::v6})
            if (const std::string key = lower::lease_key(network, family); waiting->awaited.contains(key)) awaited_->emplace(key, network.name);
}

void Reconciler::conclude_awaited() {
    if (!transactor_.waiting()) return awaited_.reset();
    std::erase_if(*awaited_, [&](const auto& entry) { return clients_.leases().held().contains(entry.first); });
    if (!awaited_->empty()) return;
    awaited_.reset();
    if (transactor_.waiting()->is_confirmed) keep();
}

Error Reconciler::too_late() const {
    if (!awaited_ || awaited_->empty()) return {Fault::timeout, "connectivity", "nobody confirmed the change in time"};
    return {Fault::timeout, "network " + awaited_->begin()->second.text(), "no DHCP server gave a lease in time"};
}

}  // namespace netd
