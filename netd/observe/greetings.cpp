// See greetings.hpp.
#include "netd/observe/greetings.hpp"

#include "netd/lower/lower.hpp"

#include <algorithm>
#include <iterator>

namespace observe {

using bridges::Link;
using intent::Network;
using topology::IfName;
using topology::IpAddress;
using topology::Keyed;

namespace {

bool is_elsewhere(const Network& was, const Network& now) {
    return was.base() != now.base() || was.vlan != now.vlan || was.switch_kind != now.switch_kind || was.bridged != now.bridged;
}

bool has_ipv6(const Link* link) { return link && link->stack && link->stack->ipv6 == true; }
bool hears_routers(const Link* link) { return has_ipv6(link) && link->stack->hears_routers == true; }
bool leaves_by_routers(const Link* link) { return hears_routers(link) && link->stack->ra_gateway == true; }
// How many families it forwards; one alone is told as neither yes nor no.
int forwards(const Link* link) {
    if (!link || !link->stack || link->stack->forwarding == false) return 0;
    return link->stack->forwarding ? 2 : 1;
}
bool is_led_by_nobody(const Link* was, const Link* now) {
    return was && hears_routers(now) && !was->facts.rare.get().routers.empty() && now->facts.rare.get().routers.empty();
}

}  // namespace

std::set<IpAddress> addresses_of(const Link& link) {
    std::set<IpAddress> all;
    if (link.addresses)
        for (const auto& one : *link.addresses) all.insert(one.address());
    for (const auto& one : link.facts.rare.get().autoconf) all.insert(one.address());
    return all;
}

void Greetings::greet_all_by(const IfName& device) {
    Due& due = due_[device];
    due.all = due.asks_routers = true;
}

void Greetings::greet_all_on(const intent::Base& base, const intent::Intent& running) {
    for (const intent::Rider& rider : base.riders) {
        const Network* network = running.networks().find(rider.network);
        if (network && network->is_on_host()) greet_all_by(lower::top_device(*network));
    }
}

// Networks may have swapped their devices: what was goes first.
void Greetings::follow(const Keyed<Network>& next) {
    std::vector<const Network*> come;
    Keyed<Network>::each_difference(networks_, next, [&](const Network* was, const Network* now) {
        if (was && was->is_on_host()) homes_.erase(lower::top_device(*was));
        if (!now || !now->is_on_host()) return;
        come.push_back(now);
        if (!was || is_elsewhere(*was, *now)) greet_all_by(lower::top_device(*now));
    });
    for (const Network* network : come) homes_.insert_or_assign(lower::top_device(*network), network->base());
    std::erase_if(due_, [&](const auto& entry) { return !homes_.contains(entry.first); });
    networks_ = next;
}

// The kernel heeds none as long as the device itself forwards.
void Greetings::ask_all_routers() {
    for (const auto& [device, base] : homes_)
        if (const Link* link = links_.find(device); hears_routers(link) && forwards(link) == 0) due_[device].asks_routers = true;
}

// A NIC that is let go hears routers as it did before, and is in no network. Where it has IPv6 again, too, the kernel asks.
//
// When somebody has any one device forward, the kernel drops what routers said on all that hear them (addrconf_fixup_forwarding).
void Greetings::follow(const Keyed<Link>& next, const intent::Intent& running) {
    bool is_forgotten = false;
    Keyed<Link>::each_difference(links_, next, [&](const Link* was, const Link* now) {
        if (!now) return;
        const bool is_another = !was || was->facts.index != now->facts.index;
        const bool has_come = is_another || was->mac != now->mac || (now->facts.carrier && !was->facts.carrier);
        is_forgotten = is_forgotten || (!is_another && forwards(now) > forwards(was));
        const intent::Base* base = running.bases().find(now->name);
        if (base && has_come) greet_all_on(*base, running);
        const bool is_home = homes_.contains(now->name);
        if (is_home && has_come) return greet_all_by(now->name);
        const bool begins = hears_routers(now) && (!hears_routers(was) || leaves_by_routers(now) != leaves_by_routers(was));
        const bool heeds_again = is_home && hears_routers(now) && forwards(was) > 0 && forwards(now) == 0;
        // Who says once more of a device that it forwards is told by nothing else than that the routers are gone.
        if (heeds_again || (is_home && is_led_by_nobody(was, now)) || (begins && (is_home || has_ipv6(was)))) due_[now->name].asks_routers = true;
        if (!is_home) return;
        const auto had = addresses_of(*was), has = addresses_of(*now);
        if (had == has) return;
        Due& due = due_[now->name];
        std::ranges::set_difference(has, had, std::inserter(due.addresses, due.addresses.end()));
    });
    links_ = next;
    if (is_forgotten) ask_all_routers();
}

bool Greetings::has_wire(const Link& link) const {
    if (link.up != true || !link.facts.carrier || !link.mac) return false;
    const auto home = homes_.find(link.name);
    const Link* below = home != homes_.end() && home->second ? links_.find(*home->second) : nullptr;
    return !below || below->facts.carrier;  // a bond of Open vSwitch is no link
}

std::optional<Greeting> Greetings::ready(const Link& link, const Due& due) const {
    Greeting greeting{link.facts.index, *link.mac};
    greeting.asks_routers = due.asks_routers && hears_routers(&link);
    greeting.addresses = addresses_of(link);
    if (!due.all) std::erase_if(greeting.addresses, [&](const IpAddress& one) { return !due.addresses.contains(one); });
    for (const auto& not_yet : link.facts.rare.get().tentative) greeting.addresses.erase(not_yet.address());
    return greeting.addresses.empty() && !greeting.asks_routers ? std::nullopt : std::optional(greeting);
}

std::vector<Greeting> Greetings::look(const Snapshot& now) {
    follow(now.running.networks());
    follow(now.observed.kernel.links, now.running);
    std::vector<Greeting> greetings;
    for (auto at = due_.begin(); at != due_.end();) {
        const bool only_asks = !at->second.all && at->second.addresses.empty();
        const Link* link = only_asks || homes_.contains(at->first) ? links_.find(at->first) : nullptr;
        if (link && !has_wire(*link)) {
            ++at;
            continue;
        }
        Due left;
        if (link) {
            if (auto greeting = ready(*link, at->second)) greetings.push_back(std::move(*greeting));
            for (const auto& not_yet : link->facts.rare.get().tentative)
                if (at->second.all || at->second.addresses.contains(not_yet.address())) left.addresses.insert(not_yet.address());
        }
        if (left.addresses.empty()) at = due_.erase(at);
        else (at++)->second = left;
    }
    return greetings;
}

}  // namespace observe
