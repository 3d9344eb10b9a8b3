// What the mirror makes of each report; see mirror.hpp.
#include "bridges/mirror.hpp"

#include "bridges/small_mtu.hpp"

#include <linux/if.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace bridges {
namespace {

template <class K>
bool has_option(const Link& link, const char* key, const char* value) {
    const auto* kind = link.as<K>();
    if (!kind) return false;
    const auto option = kind->options.find(key);
    return option != kind->options.end() && option->second == value;
}

// What is empty, and stays so, gets no memory of its own.
template <class T, class Change>
void change(topology::Shared<T>& shared, const Change& how) {
    if (!(shared.get() == T())) return how(shared.edit());
    T now;
    how(now);
    if (!(now == T())) shared = topology::Shared<T>(std::move(now));
}

bool speaks_lacp(const Link& link) { return has_option<Bond>(link, "mode", "802.3ad"); }

// Some of LACP's options the kernel tells only where he may set them by whose doing it reports the bond, if only by ending a tcpdump.
bool tells_all_of_lacp(const Link& link) {
    const auto* bond = link.as<Bond>();
    return bond && bond->options.contains("ad_actor_sys_prio");
}

}  // namespace

bool filters_vlans(const Link& link) { return has_option<Bridge>(link, "vlan_filtering", "1"); }

void Mirror::take(const nlmsghdr& message) {
    // A new port makes a dozen reports of itself; only the last one counts, and reading is what costs.
    if (const int index = link_index_of(message)) {
        const auto* start = reinterpret_cast<const std::byte*>(&message);
        Waiting& waiting = waiting_[index];
        waiting.has_new_stack |= stack_hints_.erase(index) > 0;  // it has the stack as it was after that
        waiting.message.assign(start, start + message.nlmsg_len);
        waiting.flags.reset();
        waiting.was_down |= !(static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_flags & IFF_UP);
        return;
    }
    take_listed(message);
}

void Mirror::take_listed(const nlmsghdr& message) {
    if (is_about_traffic(message)) return take_traffic(message);
    if (auto report = read_report(message)) take_report(std::move(*report));
}

void Mirror::take_report(Report report) {
    std::visit([this](auto&& told) { take(std::move(told)); }, std::move(report));
}

void Mirror::read_waiting() {
    for (auto& [index, waiting] : std::exchange(waiting_, {})) {
        auto report = read_link(*reinterpret_cast<const nlmsghdr*>(waiting.message.data()));
        if (!report || !std::holds_alternative<LinkReport>(*report)) continue;
        auto& link = std::get<LinkReport>(*report);
        if (waiting.flags && link.link.flags) waiting.flags->give_to(link.link);
        if (waiting.has_new_stack && link.link.as<Tap>()) hints_.insert(index);  // that it is somebody's is said after it was made, and not reported
        take(std::move(link), waiting.was_down);
    }
}

void Mirror::take(LinkReport report, bool was_down) {
    const int index = report.link.facts.index;
    Seen& seen = links_[index];
    if (auto* bridge = report.link.as<Bridge>()) {
        if (report.follows_root || report.ages_quickly) put_own_times(report, seen.report, own_timers_);
        if (bridge->options == usual_options_) bridge->options = usual_options_;
        else usual_options_ = bridge->options;
    }
    const Link& was = seen.report.link;
    if (!seen.reported || was.name != report.link.name || filters_vlans(was) != filters_vlans(report.link)) {
        changed_faces_.insert(index);
    }
    has_renamed_ |= seen.reported && was.name != report.link.name;
    if (is_too_small_for_ipv6(was.mtu) != is_too_small_for_ipv6(report.link.mtu)) hints_.insert(index);  // the stack's part follows the report
    // The kernel drops IPv4 routes with their link's "up", and tells nobody. Down and up again in between may be one report.
    // Those of IPv6, too, where root has told it so (skip_notify_on_dev_down).
    if (seen.reported && was.up == true && (was_down || report.link.up == false)) quiet_losers_.insert(index), downed_.insert(index);
    if (report.link.up == false) change(seen.places, [](auto& now) { now.subnets.clear(); });
    if (seen.report.master != report.master) look_around(seen.report, false);
    // Whom a bond speaks LACP with is told of none; its ports tell when they are let in or thrown out.
    const auto master = links_.find(report.master);
    if (master != links_.end() && speaks_lacp(master->second.report.link)) hints_.insert(report.master);
    if (speaks_lacp(report.link) && tells_all_of_lacp(was) && !tells_all_of_lacp(report.link)) hints_.insert(index);
    relate(index, seen.report, false);
    relate(index, report, true);
    seen.report = std::move(report);
    seen.reported = true;
    changed_links_.insert(index);
}

void Mirror::relate(int index, const LinkReport& report, bool on) {
    for (const int other : {report.master, report.base, report.primary, report.active}) {
        if (!other) continue;
        if (on) dependents_[other].insert(index);
        else if (const auto all = dependents_.find(other); all != dependents_.end()) all->second.erase(index);
    }
}

// A bond that loses a port takes another MAC, ports whose bond goes get their MTU back: both unreported.
void Mirror::look_around(const LinkReport& left, bool gone) {
    const auto master = links_.find(left.master);
    if (master != links_.end() && master->second.report.link.as<Bond>()) hints_.insert(left.master);
    if (!gone || !left.link.as<Bond>()) return;
    const auto ports = dependents_.find(left.link.facts.index);
    if (ports != dependents_.end()) hints_.insert(ports->second.begin(), ports->second.end());
}

void Mirror::take(const LinkGone& gone) {
    waiting_.erase(gone.index);
    const auto link = links_.find(gone.index);
    if (link == links_.end()) return;
    look_around(link->second.report, true);
    relate(gone.index, link->second.report, false);
    links_.erase(link);
    changed_links_.insert(gone.index);
    changed_faces_.insert(gone.index);
    gone_links_.insert(gone.index);
}

// The link that a report of a part is about. What goes from a link that is gone itself is of no interest.
Mirror::Seen* Mirror::seen_of(int index, bool gone) {
    const auto found = links_.find(index);
    if (found == links_.end() && gone) return nullptr;
    changed_links_.insert(index);
    return found == links_.end() ? &links_[index] : &found->second;
}

void Mirror::take(PortReport report) {
    Seen* seen = seen_of(report.index, report.gone);
    if (!seen) return;
    if (report.gone) seen->tags = {};
    if (report.tags) seen->tags = *report.tags;
    if (!report.flags) return;
    if (seen->report.link.flags) report.flags->give_to(seen->report.link);
    const auto waiting = waiting_.find(report.index);
    if (waiting != waiting_.end()) waiting->second.flags = report.flags;
}

void Mirror::take(const VlanReport& report) {
    if (Seen* seen = seen_of(report.index, report.gone)) take_vlan_entries(seen->tags, report.entries, report.gone);
}

void Mirror::take(const AddressReport& report) {
    if (report.gone && !report.address.is_v6()) {
        quiet_losers_.insert(report.index);
        lost_sources_.insert(report.address.address());
    }
    const bool goes = report.gone || !report.counts;
    Seen* seen = seen_of(report.index, report.gone || !(report.counts || report.is_autoconf || report.is_duplicate));
    if (!seen) return;
    change(seen->places, [&](auto& now) {
        const auto keep = [&](std::set<Subnet>& in, bool is_so) { is_so && !report.gone ? void(in.insert(report.address)) : void(in.erase(report.address)); };
        keep(now.autoconf, report.is_autoconf);
        keep(now.tentative, report.is_tentative);
        keep(now.duplicate, report.is_duplicate);
        keep(now.expiring, report.expires);
        const std::pair address{report.address, report.peer};
        if (goes) now.addresses.erase(address);
        else now.addresses.insert_or_assign(address, report.has_route);
        now.odd.erase(OddAddress{report.address});
        if (!goes && report.odd) now.odd.insert(*report.odd);
    });
}

void Mirror::take_traffic(const nlmsghdr& message) {
    const int index = traffic_link_of(message);
    const bool gone = message.nlmsg_type == RTM_DELQDISC || message.nlmsg_type == RTM_DELTCLASS || message.nlmsg_type == RTM_DELTFILTER;
    Seen* seen = seen_of(index, gone);
    if (!seen) return;
    change(seen->traffic, [&](auto& now) { now.take(message); });  // most qdiscs are the kernel's own
    for (const int target : seen->traffic.get().targets()) dependents_[target].insert(index);
}

// With a link go its routes. With a link's "up" or its last address the kernel drops its IPv4 routes, with any address
// those that start from it; it says nothing of either, so these are to be looked at.
void Mirror::sift_routes() {
    if (gone_links_.empty() && quiet_losers_.empty() && lost_sources_.empty()) return;
    std::erase_if(routes_, [this](const auto& entry) {
        const auto& [key, route] = entry;
        const bool is_v6 = key.to.is_v6();
        if (gone_links_.contains(route.device)) {
            if (route.has_more_hops) doubts_.insert({is_v6, 0, key.table});
            changed_routes_.insert(key);
            return true;
        }
        const bool is_lost = quiet_losers_.contains(route.device) || (route.source && lost_sources_.contains(*route.source));
        if (is_v6 ? downed_.contains(route.device) : is_lost) doubts_.insert({is_v6, route.device, {}});
        return false;
    });
    gone_links_.clear();
    quiet_losers_.clear();
    downed_.clear();
    lost_sources_.clear();
}

void Mirror::take(RouteReport report) {
    const auto key = report.route.key();
    const auto held = routes_.find(key);
    const bool is_known = held != routes_.end();
    const bool is_same = is_known && held->second.device == report.device && held->second.route.via == report.route.via;
    if (report.is_replacement && key.table == Route::main_table) give_way(key.to, key.metric);
    // Several hops, or several routes of one key, are told piecemeal: look at the table itself. And when the first of several goes.
    const bool is_piece = is_known && (held->second.has_more_hops || report.has_more_hops);
    const bool is_another = is_known && !is_same && !report.is_replacement;
    if (is_piece || is_another || (is_same && report.gone && held->second.is_crowded)) doubts_.insert({key.to.is_v6(), 0, key.table});
    if (is_known) report.is_crowded = held->second.is_crowded || is_another;
    if (is_another) held->second.is_crowded = true;
    if (report.is_taken) {
        if (is_known) routes_.erase(held);
    } else if (report.gone) {
        if (is_same) routes_.erase(held);
    } else if (!is_known || is_same || report.is_replacement) {
        routes_.insert_or_assign(key, std::move(report));
    }
    changed_routes_.insert(key);
}

void Mirror::take(const SubnetReport& report) {
    Seen* seen = seen_of(report.index, report.gone);
    if (!seen) return;
    change(seen->places, [&](auto& now) {
        if (report.gone) now.subnets.erase({report.to, report.metric});
        else now.subnets.emplace(report.to, report.metric);
    });
}

void Mirror::take(const RouterReport& report) {
    Seen* seen = seen_of(report.index, report.gone);
    if (!seen) return;
    change(seen->places, [&](auto& now) {
        if (report.gone) now.routers.erase(report.router);
        else now.routers.insert(report.router);
    });
}

void Mirror::take(const RuleReport& report) {
    const auto key = report.rule.key();
    int& count = rule_counts_[key];
    count += report.gone ? -1 : 1;
    doubts_rules_ = doubts_rules_ || (report.gone && count > 0);
    if (count > 0) {
        state_.rules.put(report.rule);
    } else {
        rule_counts_.erase(key);
        state_.rules.erase(key);
    }
    has_changed_ = true;
}

void Mirror::take(const StackHint& hint) {
    if (hint.index > 0) stack_hints_.insert(hint.index);
    if (hint.index == NETCONFA_IFINDEX_ALL)
        for (const auto& [index, seen] : links_) stack_hints_.insert(index);
}

void Mirror::drop(const std::set<Doubt>& asked) {
    for (const Doubt& doubt : asked) doubts_.erase(doubt);
}

void Mirror::forget_rules(int family) {
    std::erase_if(rule_counts_, [&](const auto& counted) {
        const bool is_meant = counted.first.v6 == (family == AF_INET6);
        if (is_meant) state_.rules.erase(counted.first);
        return is_meant;
    });
    doubts_rules_ = false;
    has_changed_ = true;
}

void Mirror::forget(const Doubt& routes) {
    for (auto at = routes_.begin(); at != routes_.end();) {
        const bool is_meant = at->first.to.is_v6() == routes.v6 &&
                              (routes.table ? at->first.table == *routes.table : at->second.device == routes.device);
        if (!is_meant) {
            ++at;
            continue;
        }
        changed_routes_.insert(at->first);
        at = routes_.erase(at);
    }
}

}  // namespace bridges
