// From the kernel's messages; see traffic_control.hpp. The kernel does not say that classes and filters go with their qdisc.
#include "bridges/traffic_control.hpp"

#include "bridges/checksum_guard.hpp"

#include <fmt/format.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netinet/in.h>

#include <algorithm>

namespace bridges {

namespace {

constexpr std::uint32_t ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

Attributes options_of(const nlmsghdr& message) {
    return Attributes(Attributes(attributes_of<tcmsg>(message)).nest(TCA_OPTIONS));
}

std::optional<Curve> curve_of(const Attributes& options, int type) {
    const auto told = options.get<tc_service_curve>(type);
    if (!told || (!told->m1 && !told->m2)) return std::nullopt;
    return Curve{std::uint64_t{told->m1} * 8, told->d, std::uint64_t{told->m2} * 8};
}

// Time in steps of 64 ns, which is how the kernel keeps a bucket.
std::uint64_t bytes_of(std::uint32_t ticks, std::uint64_t rate) {
    return static_cast<std::uint64_t>(static_cast<double>(ticks) * 64e-9 * static_cast<double>(rate) + 0.5);
}

std::optional<Limit> htb_of(const Attributes& options) {
    const auto told = options.get<tc_htb_opt>(TCA_HTB_PARMS);
    if (!told) return std::nullopt;
    Limit limit;
    limit.average = options.get<std::uint64_t>(TCA_HTB_RATE64).value_or(told->rate.rate);
    limit.peak = options.get<std::uint64_t>(TCA_HTB_CEIL64).value_or(told->ceil.rate);
    if (limit.peak == limit.average) limit.peak = 0;
    limit.burst = bytes_of(told->buffer, limit.average);
    return limit;
}

// An action of a filter, the first if nothing else is said: its kind, and what it says.
std::pair<std::string, Attributes> action_of(Bytes actions, int place = 1) {
    const Attributes action(Attributes(actions).nest(place));
    return {action.text(TCA_ACT_KIND), Attributes(action.nest(TCA_ACT_OPTIONS))};
}

std::optional<Limit> police_of(Bytes actions) {
    const auto [kind, options] = action_of(actions);
    const auto told = kind == "police" ? options.get<tc_police>(TCA_POLICE_TBF) : std::nullopt;
    if (!told) return std::nullopt;
    const auto rate = options.get<std::uint64_t>(TCA_POLICE_RATE64).value_or(told->rate.rate);
    return Limit{rate, 0, bytes_of(told->burst, rate)};
}

std::uint16_t priority_of(const tcmsg& header) { return static_cast<std::uint16_t>(header.tcm_info >> 16); }

// No link has such a name.
const IfName stray = IfName::observed("(gone)");

// 0: one was there, and is no more.
std::set<int> targets_of(Bytes actions) {
    std::set<int> targets;
    for (int place = 1; place <= TCA_ACT_MAX_PRIO; ++place) {
        const auto [kind, options] = action_of(actions, place);
        const auto told = kind == "mirred" ? options.get<tc_mirred>(TCA_MIRRED_PARMS) : std::nullopt;
        if (told && told->eaction == TCA_EGRESS_MIRROR) targets.insert(static_cast<int>(told->ifindex));
    }
    return targets;
}

}  // namespace

bool is_about_traffic(const nlmsghdr& message) {
    return message.nlmsg_type >= RTM_NEWQDISC && message.nlmsg_type <= RTM_GETTFILTER && header_of<tcmsg>(message);
}

int traffic_link_of(const nlmsghdr& message) { return header_of<tcmsg>(message)->tcm_ifindex; }

void TrafficSeen::take(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
        case RTM_NEWQDISC:
        case RTM_DELQDISC: return take_qdisc(message);
        case RTM_NEWTCLASS:
        case RTM_DELTCLASS: return take_class(message);
        case RTM_NEWTFILTER:
        case RTM_DELTFILTER: return take_filter(message);
        default: return;
    }
}

void TrafficSeen::forget_root() {
    has_root_ = false;
    shares_.clear();
    limits_.clear();
    led_.clear();
}

void TrafficSeen::take_qdisc(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    const bool gone = message.nlmsg_type == RTM_DELQDISC;
    if (header.tcm_parent == TC_H_CLSACT) {
        has_clsact_ = !gone;
        if (gone) policed_.clear(), copies_.clear(), intakes_.clear(), others_.clear(), others_pass_ = has_guard_ = false;
    }
    if (header.tcm_parent != TC_H_ROOT) return;
    // Whatever is at the root now, what was there is gone with all that was in it.
    const bool is_ours = header.tcm_handle == tc::root;
    if (!is_ours || gone) forget_root();
    has_root_ = is_ours && !gone;
    const bool is_foreign = !is_ours && !gone && header.tcm_handle != 0;
    const std::string kind = Attributes(attributes_of<tcmsg>(message)).text(TCA_KIND);
    foreign_ = is_foreign ? fmt::format("{} {:x}:", kind, header.tcm_handle >> 16) : "";
}

void TrafficSeen::take_class(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    const std::uint32_t handle = header.tcm_handle;
    if (TC_H_MAJ(handle) != tc::root || handle == tc::whole || handle == tc::root) return;
    shares_.erase(handle);
    limits_.erase(handle);
    if (message.nlmsg_type == RTM_DELTCLASS) return;
    const std::string kind = Attributes(attributes_of<tcmsg>(message)).text(TCA_KIND);
    const Attributes options = options_of(message);
    if (kind == "hfsc") {
        const int vlan = handle == tc::untagged ? Share::untagged : static_cast<int>(TC_H_MIN(handle)) - 1;
        shares_[handle] = {vlan, curve_of(options, TCA_HFSC_FSC), curve_of(options, TCA_HFSC_USC), curve_of(options, TCA_HFSC_RSC)};
    }
    if (kind != "htb") return;
    if (const auto limit = htb_of(options)) limits_[handle] = *limit;
}

void TrafficSeen::take_filter(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    if (header.tcm_parent == tc::root) return take_lead(message);
    if (header.tcm_parent != ingress && header.tcm_parent != egress) return;
    switch (priority_of(header)) {
        case tc::guard_priority:
            has_guard_ = message.nlmsg_type == RTM_NEWTFILTER && options_of(message).text(TCA_BPF_NAME) == ChecksumGuard::name;
            return;
        case tc::limit_priority:
        case tc::copy_priority: return take_copy_or_limit(message);
        case tc::tagged_priority:
        case tc::pass_priority:
        case tc::untagged_priority: return take_intake(message);
        default: return take_foreign(message);
    }
}

// One of a priority goes alone, or all of it at once, which says no handle.
void TrafficSeen::take_foreign(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    const Key key{header.tcm_parent, header.tcm_info};
    if (message.nlmsg_type == RTM_NEWTFILTER) others_.insert(key);
    else if (!header.tcm_handle) std::erase_if(others_, [&](const Key& other) { return other.parent == key.parent && (!header.tcm_info || other.handle == key.handle); });
}

// A filter of VLAN v has the number v + 1, as the class has.
void TrafficSeen::take_lead(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    if (priority_of(header) != tc::limit_priority) return;
    const bool gone = message.nlmsg_type == RTM_DELTFILTER;
    if (!header.tcm_handle && gone) led_.clear();
    if (!header.tcm_handle) return;
    led_.erase(tc::root | header.tcm_handle);
    const Attributes options = options_of(message);
    const auto vlan = options.get<std::uint16_t>(TCA_FLOWER_KEY_VLAN_ID);
    const auto to = options.get<std::uint32_t>(TCA_FLOWER_CLASSID);
    if (!gone && vlan && to == tc::class_of(*vlan) && header.tcm_handle == *vlan + 1u) led_.insert(*to);
}

void TrafficSeen::take_intake(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    const auto priority = priority_of(header);
    const bool gone = message.nlmsg_type == RTM_DELTFILTER;
    const Attributes options = options_of(message);
    if (priority == tc::pass_priority) {
        if (gone || header.tcm_handle) others_pass_ = !gone;
        return;
    }
    const bool is_tagged = priority == tc::tagged_priority;
    if (gone && !header.tcm_handle) {
        std::erase_if(intakes_, [&](const auto& intake) { return (intake.first != Share::untagged) == is_tagged; });
        return;
    }
    if (!header.tcm_handle) return;
    const int vlan = is_tagged ? static_cast<int>(header.tcm_handle) - 1 : Share::untagged;
    intakes_.erase(vlan);
    if (gone) return;
    if (is_tagged && options.get<std::uint16_t>(TCA_FLOWER_KEY_VLAN_ID) != vlan) return;
    if (const auto limit = police_of(options.nest(TCA_FLOWER_ACT))) intakes_[vlan] = *limit;
}

void TrafficSeen::take_copy_or_limit(const nlmsghdr& message) {
    const auto header = *header_of<tcmsg>(message);
    const bool gone = message.nlmsg_type == RTM_DELTFILTER, is_limit = priority_of(header) == tc::limit_priority;
    const auto is_meant = [&](const auto& entry) {
        return entry.first.parent == header.tcm_parent && (!header.tcm_handle || entry.first.handle == header.tcm_handle);
    };
    if (is_limit) std::erase_if(policed_, is_meant);
    else std::erase_if(copies_, is_meant);
    const Attributes options = options_of(message);
    if (gone || !header.tcm_handle) return;
    const Key key{header.tcm_parent, header.tcm_handle};
    if (is_limit) {
        if (const auto limit = police_of(options.nest(TCA_FLOWER_ACT))) policed_[key] = *limit;
    } else {
        copies_[key] = targets_of(options.nest(TCA_FLOWER_ACT));
    }
}

Traffic TrafficSeen::shown(const std::function<std::optional<IfName>(int)>& name) const {
    Traffic traffic;
    traffic.checksums = has_guard_;
    for (const auto& [handle, share] : shares_)
        if (handle == tc::untagged || led_.contains(handle)) traffic.shares.insert(share);
    if (const auto limit = limits_.find(tc::limited); limit != limits_.end()) traffic.out = limit->second;
    for (const auto& [key, limit] : policed_)
        if (key.parent == ingress) traffic.in = limit;
    // A limit of what has no tag that other tags run into is not what was wanted.
    for (const auto& [vlan, limit] : intakes_)
        if (vlan != Share::untagged || others_pass_) traffic.intakes.insert({vlan, limit});
    for (const auto& [key, targets] : copies_) {
        if (key.parent != ingress) continue;
        for (const int target : targets) {
            const bool both = std::ranges::any_of(copies_, [&](const auto& other) { return other.first.parent == egress && other.second.contains(target); });
            (both ? traffic.copies : traffic.copies_in).insert(name(target).value_or(stray));
        }
    }
    return traffic;
}

std::set<int> TrafficSeen::targets() const {
    std::set<int> all;
    for (const auto& [key, targets] : copies_) all.insert(targets.begin(), targets.end());
    return all;
}

namespace {

Message ask(int type, int link, std::uint32_t parent) {
    tcmsg header = {};
    header.tcm_ifindex = link;
    header.tcm_parent = parent;
    return Message(type, NLM_F_DUMP, header);
}

}  // namespace

Message ask_qdiscs() { return ask(RTM_GETQDISC, 0, 0); }

std::vector<Message> TrafficSeen::questions(int link) const {
    std::vector<Message> all;
    if (has_root_) {
        all.push_back(ask(RTM_GETTCLASS, link, 0));
        all.push_back(ask(RTM_GETTFILTER, link, tc::root));
    }
    if (has_clsact_)
        for (const std::uint32_t side : {ingress, egress}) all.push_back(ask(RTM_GETTFILTER, link, side));
    return all;
}

}  // namespace bridges
