// Addresses, routes and rules, and all questions.
#include "bridges/nl_write.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

namespace bridges {

namespace {

int family_of(bool is_v6) {
    return is_v6 ? AF_INET6 : AF_INET;
}

void put_address(Message& message, int attribute, const IpAddress& address) {
    message.bytes(attribute, address.data(), address.size());
}

Message address_message(int type, int flags, int index, const Subnet& address, const std::optional<IpAddress>& peer = {}) {
    ifaddrmsg header = {};
    header.ifa_family = family_of(address.is_v6());
    header.ifa_prefixlen = address.length();
    header.ifa_index = index;
    Message message(type, flags, header);
    put_address(message, IFA_LOCAL, address.address());
    put_address(message, IFA_ADDRESS, peer.value_or(address.address()));
    return message;
}

void put_new_address(int index, const OddAddress& like, std::vector<Message>& into) {
    // REPLACE: one that is there is a success, and one that autoconf made becomes ours for good.
    Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, like.address, like.peer);
    if (like.broadcast) put_address(message, IFA_BROADCAST, *like.broadcast);
    if (!like.label.empty()) message.text(IFA_LABEL, like.label);
    const bool is_routed_by_others = like.flags & IFA_F_NOPREFIXROUTE;
    if (like.metric && !is_routed_by_others) message.number(IFA_RT_PRIORITY, *like.metric);
    if (like.flags) message.number(IFA_FLAGS, like.flags);
    into.push_back(std::move(message));
    if (like.metric && is_routed_by_others) into.push_back(write_subnet_route(index, like.address, like.metric));
}

// With the first IPv4 address of a subnet the kernel takes the others away, too, unless the link is told otherwise.
Message keep_the_others(int index) {
    ifinfomsg header = {};
    header.ifi_index = index;
    Message message(RTM_SETLINK, 0, header);
    put_ipv4_settings(message, {{IPV4_DEVCONF_PROMOTE_SECONDARIES, 1}});
    return message;
}

bool has_company(const Subnet& address, const std::set<Subnet>& others) {
    return !address.is_v6() && std::ranges::any_of(others, [&](const Subnet& other) { return other.network() == address.network(); });
}

Message route_message(int type, int flags, const Route& route, int device) {
    rtmsg header = {};
    header.rtm_family = family_of(route.to.is_v6());
    header.rtm_dst_len = route.to.length();
    header.rtm_protocol = route.protocol;
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope = route.via || route.to.is_v6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    header.rtm_table = route.table < 256 ? route.table : RT_TABLE_UNSPEC;
    if (type == RTM_DELROUTE) header.rtm_scope = RT_SCOPE_NOWHERE;  // whatever it is
    Message message(type, flags, header);
    message.number(RTA_TABLE, route.table);
    if (route.to.length() > 0) put_address(message, RTA_DST, route.to.network().address());
    if (route.metric) message.number(RTA_PRIORITY, route.metric);
    if (device) message.number(RTA_OIF, device);
    if (route.via && route.via->is_v6() == route.to.is_v6()) put_address(message, RTA_GATEWAY, *route.via);
    if (route.via && route.via->is_v6() && !route.to.is_v6()) {
        std::array<std::uint8_t, 18> via = {};
        const std::uint16_t family = AF_INET6;
        std::memcpy(via.data(), &family, sizeof family);
        std::copy_n(route.via->data(), 16, via.begin() + sizeof family);
        message.bytes(RTA_VIA, via.data(), via.size());
    }
    return message;
}

Message rule_message(int type, int flags, const Rule& rule) {
    fib_rule_hdr header = {};
    header.family = family_of(rule.v6);
    header.action = rule.drops ? FR_ACT_BLACKHOLE : FR_ACT_TO_TBL;
    header.table = rule.table < 256 ? rule.table : RT_TABLE_UNSPEC;
    header.src_len = rule.from ? rule.from->length() : 0;
    header.dst_len = rule.to ? rule.to->length() : 0;
    Message message(type, flags, header);
    message.number(FRA_PRIORITY, rule.priority);
    if (!rule.drops) message.number(FRA_TABLE, rule.table);
    message.number(FRA_PROTOCOL, rule.protocol);
    if (rule.from) put_address(message, FRA_SRC, rule.from->address());
    if (rule.to) put_address(message, FRA_DST, rule.to->address());
    if (rule.in) message.text(FRA_IIFNAME, rule.in->text());
    return message;
}

Subnet link_local_of(const Mac& mac) {
    const auto& bytes = mac.bytes();
    std::array<std::uint8_t, 16> all = {0xfe, 0x80};
    all[8] = bytes[0] ^ 2, all[9] = bytes[1], all[10] = bytes[2], all[11] = 0xff, all[12] = 0xfe, all[13] = bytes[3], all[14] = bytes[4], all[15] = bytes[5];
    return *Subnet::from(IpAddress::v6(all), 64);
}

OddAddress manner(const Link& link, const Subnet& address) {
    const auto found = link.odd_addresses ? link.odd_addresses->find(OddAddress{address}) : std::set<OddAddress>::iterator();
    return link.odd_addresses && found != link.odd_addresses->end() ? *found : OddAddress::as_usual(address);
}

}  // namespace

void write_addresses(const Link& change, const Link& before, std::vector<Message>& into) {
    const std::set<Subnet>&now = *change.addresses, have = before.addresses.value_or(std::set<Subnet>{});
    const int index = before.facts.index;
    const RareFacts& facts = before.facts.rare.get();
    const auto is_lost = [&](const Subnet& address) { return !now.contains(address); };
    if (std::ranges::any_of(have, [&](const Subnet& address) { return is_lost(address) && has_company(address, now); }))
        into.push_back(keep_the_others(index));
    bool has_lost_v4 = false;
    for (const Subnet& address : have) {
        if (!is_lost(address)) continue;
        into.push_back(address_message(RTM_DELADDR, 0, index, address, manner(before, address).peer));
        has_lost_v4 |= !address.is_v6();
    }
    // The kernel looks again whether it is another host's only when it is made anew.
    for (const Subnet& address : facts.duplicate) into.push_back(write_address_deletion(index, address));
    // The first IPv4 address of a subnet is the one that the host speaks from.
    for (const bool second : {false, true})
        for (const Subnet& address : now) {
            const OddAddress like = manner(change.odd_addresses ? change : before, address);
            // Should the kernel have taken it along all the same, what stays is said again; and what would end stays by that.
            const bool is_for_good = !facts.expiring.contains(address) && !(has_lost_v4 && !address.is_v6());
            if (have.contains(address) && is_for_good) continue;
            if (like.is_second() == second) put_new_address(index, like, into);
        }
}

void write_its_route(const Link& link, const Subnet& address, std::vector<Message>& into) {
    const bool has_none_by_intent = manner(link, address).flags & IFA_F_NOPREFIXROUTE;
    // The kernel takes IPv6's with the address only where it has made it itself.
    if (has_none_by_intent && address.is_v6()) put_new_address(link.facts.index, OddAddress::as_usual(address), into);
    else into.push_back(write_subnet_route(link.facts.index, address));
}

Message write_address_deletion(int index, const Subnet& address) { return address_message(RTM_DELADDR, 0, index, address); }

Message write_router_deletion(int index, const IpAddress& router) {
    Route route{.to = *Subnet::parse("::/0"), .via = router, .device = IfName::observed("?")};
    route.protocol = RTPROT_RA;
    return route_message(RTM_DELROUTE, 0, route, index);
}

void write_link_local(int index, const Mac& now, const Mac& before, std::vector<Message>& into) {
    into.push_back(write_address_deletion(index, link_local_of(before)));
    put_new_address(index, OddAddress::as_usual(link_local_of(now)), into);
}

// An address that is gone already: its primary took it along, or a router did. A subnet's route that is there already: another's.
std::set<int> fine_for(const Message& message) {
    switch (message.raw()->nlmsg_type) {
        case RTM_DELADDR: return {EADDRNOTAVAIL};
        case RTM_NEWROUTE: return {EEXIST};
        case RTM_DELROUTE: return {ESRCH};
        default: return {};
    }
}

bool tell_of_link(const std::vector<Message>& messages) {
    return std::ranges::any_of(messages, [](const Message& message) {
        const bool is_of_link = message.raw()->nlmsg_type == RTM_SETLINK || message.raw()->nlmsg_type == RTM_NEWLINK;
        return is_of_link && header_of<ifinfomsg>(*message.raw())->ifi_family != AF_BRIDGE;  // which is told without settings
    });
}

Message write_subnet_route(int index, const Subnet& address, std::optional<std::uint32_t> metric) {
    rtmsg header = {};
    header.rtm_family = family_of(address.is_v6());
    header.rtm_dst_len = address.length();
    header.rtm_protocol = RTPROT_KERNEL;
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope = address.is_v6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    header.rtm_table = RT_TABLE_MAIN;
    // Another link may have the same subnet; of IPv4, beside it, and somebody may have led it elsewhere: this one comes first.
    Message message(RTM_NEWROUTE, NLM_F_CREATE | (address.is_v6() ? NLM_F_EXCL : 0), header);
    put_address(message, RTA_DST, address.network().address());
    message.number(RTA_OIF, index);
    if (metric || address.is_v6()) message.number<std::uint32_t>(RTA_PRIORITY, metric.value_or(256));  // IP6_RT_PRIO_ADDRCONF
    if (!address.is_v6()) put_address(message, RTA_PREFSRC, address.address());
    return message;
}

Message write_route(const Route& route, int device) {
    return route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, device);
}

Message write_route_deletion(const Route& route, int device) {
    return route_message(RTM_DELROUTE, 0, route, device);
}

Message write_rule(const Rule& rule) {
    return rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

Message write_rule_deletion(const Rule& rule) {
    return rule_message(RTM_DELRULE, 0, rule);
}

Message write_nothing() {
    ifinfomsg header = {};
    header.ifi_index = 1;  // lo, which every namespace has
    return Message(RTM_SETLINK, 0, header);
}

Message ask_link(int index) {
    ifinfomsg header = {};
    header.ifi_index = index;
    Message message(RTM_GETLINK, 0, header);
    message.number<std::uint32_t>(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return message;
}

Message ask_links() {
    return ask_link(0);
}

Message ask_bridge_ports() {
    ifinfomsg header = {};
    header.ifi_family = AF_BRIDGE;
    Message message(RTM_GETLINK, 0, header);
    message.number<std::uint32_t>(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
    return message;
}

Message ask_addresses() {
    return Message(RTM_GETADDR, 0, ifaddrmsg{});
}

Message ask_routes(int family, std::optional<int> device, std::optional<std::uint32_t> table) {
    rtmsg header = {};
    header.rtm_family = family;
    Message message(RTM_GETROUTE, 0, header);
    if (device) message.number(RTA_OIF, *device);
    if (table) message.number(RTA_TABLE, *table);
    return message;
}

Message ask_rules(int family) {
    fib_rule_hdr header = {};
    header.family = family;
    return Message(RTM_GETRULE, 0, header);
}

}  // namespace bridges
