// All messages but links; see nl_read.hpp.
#include "bridges/nl_read.hpp"

#include "bridges/route_manner.hpp"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

namespace bridges {

namespace {

std::optional<IpAddress> address_in(const Attributes& attributes, int type, int family) {
    if (family == AF_INET) {
        if (auto bytes = attributes.get<std::array<std::uint8_t, 4>>(type)) return IpAddress::v4(*bytes);
    } else if (family == AF_INET6) {
        if (auto bytes = attributes.get<std::array<std::uint8_t, 16>>(type)) return IpAddress::v6(*bytes);
    }
    return std::nullopt;
}

IpAddress unspecified(int family) {
    return family == AF_INET6 ? IpAddress::v6({}) : IpAddress::v4({});
}

// What of an address is not as netd makes it; the route that its maker may have made is not told with it.
std::optional<OddAddress> oddity(const Attributes& attributes, const Subnet& address, const IpAddress& peer, std::uint32_t flags) {
    OddAddress told{address};
    if (peer != address.address()) told.peer = peer;
    // Not those that keep the kernel from looking whether it is somebody else's: of such a one it tells only when it gets round to it.
    told.flags = flags & ((address.is_v6() ? 0 : IFA_F_SECONDARY) | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN);
    told.metric = attributes.get<std::uint32_t>(IFA_RT_PRIORITY);
    if (!address.is_v6()) told.broadcast = address_in(attributes, IFA_BROADCAST, AF_INET);
    // A label that is no more than the link's name follows it.
    if (const std::string label = attributes.text(IFA_LABEL); label.find(':') != std::string::npos) told.label = label;
    return told == OddAddress::as_usual(address) ? std::nullopt : std::optional(told);
}

// Of what a router announced, which makes it again. A client of somebody's may give an IPv6 address an end, too, and nobody makes that again.
bool is_made_by_kernel(const Attributes& attributes, std::uint32_t flags) {
    return (flags & IFA_F_TEMPORARY) || attributes.get<std::uint8_t>(IFA_PROTO) == IFAPROT_KERNEL_RA;
}

std::optional<Report> read_address(const nlmsghdr& message) {
    const auto header = header_of<ifaddrmsg>(message);
    if (!header) return std::nullopt;
    const Attributes attributes(attributes_of<ifaddrmsg>(message));
    const int family = header->ifa_family;
    const auto peer = address_in(attributes, IFA_ADDRESS, family);
    auto local = address_in(attributes, IFA_LOCAL, family);
    if (!local) local = peer;
    if (!local) return std::nullopt;
    const auto subnet = Subnet::from(*local, header->ifa_prefixlen);
    if (!subnet) return std::nullopt;
    const auto flags = attributes.get<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
    const bool is_autoconf = family == AF_INET6 && !(flags & IFA_F_PERMANENT) && is_made_by_kernel(attributes, flags);
    const bool is_kernels = local->is_v6() && local->is_link_local();
    const bool is_second = family == AF_INET && (flags & IFA_F_SECONDARY);
    // Whoever forbids the kernel a route (IFA_F_NOPREFIXROUTE) makes it himself, as the kernel's own.
    const bool has_route = !is_second && subnet->length() < local->size() * 8 && peer.value_or(*local) == *local;
    AddressReport report{.index = static_cast<int>(header->ifa_index), .gone = message.nlmsg_type == RTM_DELADDR, .has_route = has_route, .address = *subnet,
                         .peer = peer.value_or(*local), .odd = oddity(attributes, *subnet, peer.value_or(*local), flags)};
    report.is_duplicate = family == AF_INET6 && !is_kernels && (flags & IFA_F_DADFAILED);
    report.is_tentative = family == AF_INET6 && !is_kernels && !report.is_duplicate && (flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC);
    report.is_autoconf = !is_kernels && is_autoconf && !report.is_duplicate;
    report.counts = !is_kernels && !is_autoconf && !report.is_duplicate;
    report.expires = report.counts && !(flags & IFA_F_PERMANENT);
    return report;
}

// Where the packets go: the route's own hop, or the first of several.
void read_hop(const Attributes& attributes, int family, RouteReport& report) {
    report.route.via = address_in(attributes, RTA_GATEWAY, family);
    if (const Bytes via = attributes.nest(RTA_VIA); via.size() == sizeof(std::uint16_t) + 16) {
        std::array<std::uint8_t, 16> bytes;  // an IPv4 route by an IPv6 neighbour
        std::memcpy(bytes.data(), via.data() + sizeof(std::uint16_t), bytes.size());
        report.route.via = IpAddress::v6(bytes);
    }
    report.device = attributes.get<int>(RTA_OIF).value_or(report.device);
}

void read_first_of_many(Bytes hops, int family, RouteReport& report) {
    rtnexthop hop;
    if (hops.size() < sizeof hop) return;
    std::memcpy(&hop, hops.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.size()) return;
    report.device = hop.rtnh_ifindex;
    read_hop(Attributes(hops.subspan(sizeof hop, hop.rtnh_len - sizeof hop)), family, report);
    report.has_more_hops = true;
}

std::optional<Report> read_router(const nlmsghdr& message) {
    const Attributes attributes(attributes_of<rtmsg>(message));
    const auto router = address_in(attributes, RTA_GATEWAY, AF_INET6);
    const auto device = attributes.get<int>(RTA_OIF);
    if (!router || !device || header_of<rtmsg>(message)->rtm_dst_len > 0) return std::nullopt;
    return RouterReport{*device, message.nlmsg_type == RTM_DELROUTE, *router};
}

std::optional<Report> read_route(const nlmsghdr& message) {
    const auto header = header_of<rtmsg>(message);
    // netd has none for a TOS, and such a one stands beside its own.
    if (!header || (header->rtm_flags & RTM_F_CLONED) || header->rtm_tos) return std::nullopt;
    const int family = header->rtm_family;
    const bool is_kernels = header->rtm_protocol == RTPROT_KERNEL;
    if (family == AF_INET6 && header->rtm_protocol == RTPROT_RA) return read_router(message);
    if (family != AF_INET && family != AF_INET6) return std::nullopt;
    const bool is_others = header->rtm_type != RTN_UNICAST || (is_routing_daemon(header->rtm_protocol) && !is_kernels);
    if (is_others && !(message.nlmsg_flags & NLM_F_REPLACE)) return std::nullopt;
    const Attributes attributes(attributes_of<rtmsg>(message));
    const auto table = attributes.get<std::uint32_t>(RTA_TABLE).value_or(header->rtm_table);
    if (table == RT_TABLE_LOCAL) return std::nullopt;
    const auto to = Subnet::from(address_in(attributes, RTA_DST, family).value_or(unspecified(family)), header->rtm_dst_len);
    if (!to) return std::nullopt;
    const auto metric = attributes.get<std::uint32_t>(RTA_PRIORITY).value_or(0);
    const bool gone = message.nlmsg_type == RTM_DELROUTE;
    if (is_others) {
        RouteReport taken{Route{table, *to, metric, {}, IfName::observed("?"), header->rtm_protocol}};
        taken.is_replacement = taken.is_taken = true;
        return taken;
    }
    if (is_kernels) {
        const auto device = attributes.get<int>(RTA_OIF);
        if (!device || table != RT_TABLE_MAIN || (to->is_v6() && to->address().is_link_local())) return std::nullopt;
        return SubnetReport{*device, gone, *to, metric};
    }

    RouteReport report{Route{table, *to, metric, {}, IfName::observed("?"), header->rtm_protocol}};
    report.gone = gone;
    report.is_replacement = message.nlmsg_flags & NLM_F_REPLACE;
    report.source = address_in(attributes, RTA_PREFSRC, family);
    if (header->rtm_protocol != Route::ours) report.route.manner = route_manner(message);
    read_hop(attributes, family, report);
    if (attributes.has(RTA_MULTIPATH)) read_first_of_many(attributes.nest(RTA_MULTIPATH), family, report);
    return report;
}

// A rule that asks for more than netd can say would look like another one: it is left out.
bool says_more(const Attributes& rule, const fib_rule_hdr& header) {
    for (const int type : {FRA_FWMARK, FRA_FWMASK, FRA_OIFNAME, FRA_FLOW, FRA_TUN_ID, FRA_UID_RANGE, FRA_IP_PROTO,
                           FRA_SPORT_RANGE, FRA_DPORT_RANGE}) {
        if (rule.has(type)) return true;
    }
    return header.tos || (header.flags & FIB_RULE_INVERT) || rule.get<std::uint8_t>(FRA_L3MDEV).value_or(0) ||
           rule.get<std::int32_t>(FRA_SUPPRESS_PREFIXLEN).value_or(-1) != -1;
}

std::optional<Subnet> subnet_in(const Attributes& attributes, int type, int family, std::uint8_t length) {
    const auto address = address_in(attributes, type, family);
    if (!address) return std::nullopt;
    const auto subnet = Subnet::from(*address, length);
    return subnet ? std::optional(*subnet) : std::nullopt;
}

std::optional<Report> read_rule(const nlmsghdr& message) {
    const auto header = header_of<fib_rule_hdr>(message);
    if (!header || (header->action != FR_ACT_TO_TBL && header->action != FR_ACT_BLACKHOLE)) return std::nullopt;
    const int family = header->family;
    if (family != AF_INET && family != AF_INET6) return std::nullopt;
    const Attributes attributes(attributes_of<fib_rule_hdr>(message));
    if (says_more(attributes, *header)) return std::nullopt;
    Rule rule;
    rule.priority = attributes.get<std::uint32_t>(FRA_PRIORITY).value_or(0);
    rule.v6 = family == AF_INET6;
    rule.from = subnet_in(attributes, FRA_SRC, family, header->src_len);
    rule.to = subnet_in(attributes, FRA_DST, family, header->dst_len);
    if (const auto in = attributes.text(FRA_IIFNAME); !in.empty()) rule.in = IfName::observed(in);
    rule.drops = header->action == FR_ACT_BLACKHOLE;
    if (!rule.drops) rule.table = attributes.get<std::uint32_t>(FRA_TABLE).value_or(header->table);
    rule.protocol = attributes.get<std::uint8_t>(FRA_PROTOCOL).value_or(0);
    if (rule.protocol == RTPROT_KERNEL) return std::nullopt;  // the three that every namespace is born with
    return RuleReport{rule, message.nlmsg_type == RTM_DELRULE};
}

std::optional<Report> read_vlan(const nlmsghdr& message) {
    const auto header = header_of<br_vlan_msg>(message);
    if (!header) return std::nullopt;
    return VlanReport{static_cast<int>(header->ifindex), message.nlmsg_type == RTM_DELVLAN,
                      attributes_of<br_vlan_msg>(message)};
}

std::optional<Report> read_bridge_port(const nlmsghdr& message, int index) {
    PortReport report{index, message.nlmsg_type == RTM_DELLINK};
    if (report.gone) return report;
    const Attributes port(attributes_of<ifinfomsg>(message));
    const Attributes data(port.nest(IFLA_PROTINFO));
    if (data.has(IFLA_BRPORT_ISOLATED)) report.flags = read_flags(data);
    if (port.has(IFLA_AF_SPEC)) report.tags = read_port_tags(port.nest(IFLA_AF_SPEC));
    return report;
}

std::optional<Report> read_hint(const nlmsghdr& message) {
    if (!header_of<netconfmsg>(message)) return std::nullopt;
    const auto index = Attributes(attributes_of<netconfmsg>(message)).get<int>(NETCONFA_IFINDEX);
    if (!index || *index == NETCONFA_IFINDEX_DEFAULT) return std::nullopt;
    return StackHint{*index};
}

}  // namespace

bool is_routing_daemon(std::uint8_t protocol) {
    switch (protocol) {
        case RTPROT_KERNEL: case RTPROT_REDIRECT: case RTPROT_RA: case RTPROT_MRT: case RTPROT_ZEBRA: case RTPROT_BIRD:
        case RTPROT_DNROUTED: case RTPROT_XORP: case RTPROT_NTK: case RTPROT_MROUTED: case RTPROT_KEEPALIVED:
        case RTPROT_BABEL: case RTPROT_OPENR: case RTPROT_BGP: case RTPROT_ISIS: case RTPROT_OSPF: case RTPROT_RIP:
        case RTPROT_EIGRP: return true;
        default: return false;
    }
}

int link_index_of(const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK) return 0;
    const auto header = header_of<ifinfomsg>(message);
    return header && header->ifi_family == AF_UNSPEC && header->ifi_index > 0 ? header->ifi_index : 0;
}

std::optional<Report> read_report(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK: {
            const auto header = header_of<ifinfomsg>(message);
            if (!header) return std::nullopt;
            if (header->ifi_family == AF_UNSPEC) return read_link(message);
            if (header->ifi_family == AF_BRIDGE) return read_bridge_port(message, header->ifi_index);
            return std::nullopt;  // AF_INET6 tells of a part only
        }
        case RTM_NEWADDR:
        case RTM_DELADDR: return read_address(message);
        case RTM_NEWROUTE:
        case RTM_DELROUTE: return read_route(message);
        case RTM_NEWRULE:
        case RTM_DELRULE: return read_rule(message);
        case RTM_NEWVLAN:
        case RTM_DELVLAN: return read_vlan(message);
        case RTM_NEWNETCONF: return read_hint(message);
        default: return std::nullopt;
    }
}

}  // namespace bridges
