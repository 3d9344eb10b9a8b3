// Links: RTM_NEWLINK and RTM_DELLINK.
#include "bridges/bond_options_wire.hpp"
#include "bridges/bridge_options_wire.hpp"
#include "bridges/host_rules.hpp"
#include "bridges/marks.hpp"
#include "bridges/nl_read.hpp"
#include "bridges/port_flags_wire.hpp"

#include <linux/if.h>
#include <linux/if_bonding.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace bridges {

namespace {

std::optional<Mac> mac_in(const Attributes& attributes, int type) {
    if (attributes.nest(type).size() != 6) return std::nullopt;  // IPoIB and tunnels have others
    return Mac::of(*attributes.get<Mac::Bytes>(type));
}

std::string operstate_text(std::uint8_t state) {
    constexpr std::string_view names[] = {"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"};
    return std::string(state < std::size(names) ? names[state] : names[0]);
}

// The place of one setting in the array that the kernel reports.
std::optional<std::int32_t> setting(Bytes settings, std::size_t place) {
    if ((place + 1) * sizeof(std::int32_t) > settings.size()) return std::nullopt;
    std::int32_t value;
    std::memcpy(&value, settings.data() + place * sizeof value, sizeof value);
    return value;
}

std::optional<bool> forwarding_of(Bytes v4, Bytes v6) {
    const auto four = setting(v4, IPV4_DEVCONF_FORWARDING - 1), six = setting(v6, DEVCONF_FORWARDING);
    if (!four) return six ? std::optional(*six > 0) : std::nullopt;
    if (six && (*six > 0) != (*four > 0)) return std::nullopt;  // neither yes nor no: it differs from both
    return *four > 0;
}

HostStack stack_of(const Attributes& families) {
    const Bytes v4 = Attributes(families.nest(AF_INET)).nest(IFLA_INET_CONF);
    const Bytes v6 = Attributes(families.nest(AF_INET6)).nest(IFLA_INET6_CONF);
    HostStack stack;
    stack.ipv6 = setting(v6, DEVCONF_DISABLE_IPV6).value_or(1) == 0;
    stack.forwarding = forwarding_of(v4, v6);
    const auto ignore = setting(v4, IPV4_DEVCONF_ARP_IGNORE - 1), announce = setting(v4, IPV4_DEVCONF_ARP_ANNOUNCE - 1);
    if (ignore == 1 && announce == 2) stack.arp_strict = true;
    if (ignore == 0 && announce == 0) stack.arp_strict = false;
    // A link without a part of IPv6 hears nobody.
    const auto is_on = [&v6](std::size_t place) { return setting(v6, place).value_or(0) > 0; };
    stack.hears_routers = is_on(DEVCONF_ACCEPT_RA);
    stack.autoconf = is_on(DEVCONF_AUTOCONF);
    stack.ra_gateway = is_on(DEVCONF_ACCEPT_RA_DEFRTR);
    return stack;
}

Kind tap_of(const Attributes& data) {
    Tap tap;
    const bool has_many = data.get<std::uint8_t>(IFLA_TUN_MULTI_QUEUE).value_or(0);
    const auto open = data.get<std::uint32_t>(IFLA_TUN_NUM_QUEUES).value_or(0);
    if (has_many) tap.queues = std::max<std::uint32_t>(2, open);
    tap.user = data.get<std::uint32_t>(IFLA_TUN_OWNER);
    return tap;
}

Kind bond_of(const Attributes& data, LinkReport& report) {
    report.primary = data.get<int>(IFLA_BOND_PRIMARY).value_or(0);
    report.active = data.get<int>(IFLA_BOND_ACTIVE_SLAVE).value_or(0);
    const Attributes lacp(data.nest(IFLA_BOND_AD_INFO));
    RareFacts& facts = report.link.facts.rare.edit();
    facts.aggregator = lacp.get<std::uint16_t>(IFLA_BOND_AD_INFO_AGGREGATOR);
    facts.partner_mac = mac_in(lacp, IFLA_BOND_AD_INFO_PARTNER_MAC);
    return Bond{read_bond_options(data, [](int) { return std::string(); })};
}

Bridge bridge_of(const Attributes& data, LinkReport& report) {
    const auto number = [&](int attribute) { return data.get<std::uint32_t>(attribute).value_or(0); };
    const bool changes = data.get<std::uint8_t>(IFLA_BR_TOPOLOGY_CHANGE).value_or(0) && number(IFLA_BR_STP_STATE);
    report.follows_root = data.get<std::uint64_t>(IFLA_BR_ROOT_ID) != data.get<std::uint64_t>(IFLA_BR_BRIDGE_ID);
    const std::uint32_t ageing = number(IFLA_BR_AGEING_TIME), quick = 2 * number(IFLA_BR_FORWARD_DELAY);
    report.ages_quickly = changes && ageing <= quick + 2 && quick <= ageing + 2;  // both were rounded
    return Bridge{read_bridge_options(data)};
}

// Kinds that netd would make differently (a VLAN of a base elsewhere, a tun without Ethernet, 802.1ad) are Devices.
Kind kind_of(const Attributes& link, const Attributes& info, LinkReport& report) {
    const std::string& kind = report.link.facts.kind;
    const Attributes data(info.nest(IFLA_INFO_DATA));
    if (kind == "bridge") return bridge_of(data, report);
    if (kind == "bond") return bond_of(data, report);
    if (kind == "veth") return Veth{};
    if (kind == "tun" && data.get<std::uint8_t>(IFLA_TUN_TYPE) == IFF_TAP) return tap_of(data);
    if (kind == "vlan" && !link.has(IFLA_LINK_NETNSID)) {
        const auto id = VlanId::from(data.get<std::uint16_t>(IFLA_VLAN_ID).value_or(0xffff));
        const auto protocol = data.get<std::uint16_t>(IFLA_VLAN_PROTOCOL).value_or(__builtin_bswap16(ETH_P_8021Q));
        report.base = link.get<int>(IFLA_LINK).value_or(0);
        if (id && protocol == __builtin_bswap16(ETH_P_8021Q)) return Vlan{IfName::observed("?"), *id};
    }
    return Device{};
}

// IFLA_LINK where it names the other end of a pair, or what the link stands on: of tunnels over IP it is no more than a preference. A vxlan
// tells that by another word, and goes with it.
std::optional<int> other_of(const Attributes& link, const Attributes& info, const Link& told) {
    constexpr std::string_view kinds[] = {"veth", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"};
    const std::string& kind = told.facts.kind;
    if (kind == "vxlan") return Attributes(info.nest(IFLA_INFO_DATA)).get<int>(IFLA_VXLAN_LINK);
    const bool is_other_vlan = kind == "vlan" && !told.as<Vlan>();  // a Vlan names its base
    return is_other_vlan || std::ranges::find(kinds, kind) != std::end(kinds) ? link.get<int>(IFLA_LINK) : std::nullopt;
}

void read_facts(const Attributes& link, const Attributes& info, LinkReport& report) {
    LinkFacts& facts = report.link.facts;
    facts.operstate = operstate_text(link.get<std::uint8_t>(IFLA_OPERSTATE).value_or(0));
    facts.carrier = link.get<std::uint8_t>(IFLA_CARRIER).value_or(0);
    facts.group = link.get<std::uint32_t>(IFLA_GROUP).value_or(0);
    report.link.standing = standing_of(facts.group);
    facts.permanent_mac = mac_in(link, IFLA_PERM_ADDRESS);
    const std::string alias = link.text(IFLA_IFALIAS);
    report.link.owner = Owner::from_alias(alias);
    if (!report.link.owner->is_ours() && !alias.empty()) facts.rare.edit().alias = alias;
    // A crash between its creation and its mark has left it: it is ours all the same.
    if (alias.empty() && facts.group == unmarked_group) report.link.owner = Owner::ours(unmarked_role);
    facts.peer_index = other_of(link, info, report.link);
    if (facts.peer_index) facts.peer_netnsid = link.get<int>(IFLA_LINK_NETNSID);
}

void read_port(const Attributes& info, LinkReport& report) {
    const Attributes data(info.nest(IFLA_INFO_SLAVE_DATA));
    const std::string kind = info.text(IFLA_INFO_SLAVE_KIND);
    if (kind == "bridge") read_flags(data).give_to(report.link);
    if (kind != "bond") return;
    RareFacts& facts = report.link.facts.rare.edit();
    facts.aggregator = data.get<std::uint16_t>(IFLA_BOND_SLAVE_AD_AGGREGATOR_ID);
    facts.stands_by = data.get<std::uint8_t>(IFLA_BOND_SLAVE_STATE).value_or(0) != 0;
    facts.is_taken_for_down = data.get<std::uint8_t>(IFLA_BOND_SLAVE_MII_STATUS).value_or(BOND_LINK_UP) != BOND_LINK_UP;
    // The address that it gets back when it leaves, which a veth tells nowhere else.
    if (const auto own = mac_in(data, IFLA_BOND_SLAVE_PERM_HWADDR)) report.link.facts.permanent_mac = own;
}

}  // namespace

PortReport::Flags read_flags(const Attributes& data) {
    return {data.get<std::uint8_t>(IFLA_BRPORT_ISOLATED).value_or(0) != 0, read_port_flags(data), {data.get<std::uint16_t>(IFLA_BRPORT_GROUP_FWD_MASK).value_or(0)}};
}

std::optional<Report> read_link(const nlmsghdr& message) {
    const auto header = header_of<ifinfomsg>(message);
    if (!header || header->ifi_index <= 0) return std::nullopt;
    if (message.nlmsg_type == RTM_DELLINK) return LinkGone{header->ifi_index};
    const Attributes link(attributes_of<ifinfomsg>(message));
    const std::string name = link.text(IFLA_IFNAME);
    if (name.empty()) return std::nullopt;  // a note of a wireless or other subsystem, not a link

    LinkReport report{Link{IfName::observed(name)}};
    const Attributes info(link.nest(IFLA_LINKINFO));
    report.is_loopback = header->ifi_flags & IFF_LOOPBACK;
    report.link.facts.index = header->ifi_index;
    report.link.facts.kind = info.text(IFLA_INFO_KIND);
    report.link.mtu = Mtu::observed(link.get<std::uint32_t>(IFLA_MTU).value_or(0));
    report.link.mac = mac_in(link, IFLA_ADDRESS);
    report.link.up = (header->ifi_flags & IFF_UP) != 0;
    report.link.promiscuous = (header->ifi_flags & IFF_PROMISC) != 0;  // only what somebody asked for; not tcpdump
    report.link.stack = stack_of(Attributes(link.nest(IFLA_AF_SPEC)));
    report.link.kind = kind_of(link, info, report);
    report.master = link.get<int>(IFLA_MASTER).value_or(0);
    read_facts(link, info, report);
    read_port(info, report);
    return report;
}

}  // namespace bridges
