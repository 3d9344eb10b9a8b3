// Links that come and go.
#include "bridges/bond_options.hpp"
#include "bridges/bond_options_wire.hpp"
#include "bridges/bridge_options.hpp"
#include "bridges/bridge_options_wire.hpp"
#include "bridges/marks.hpp"
#include "bridges/nl_write.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <array>
#include <random>

namespace bridges {

namespace {

Error missing(const Link& link, const IfName& other) {
    return {Fault::lost_sync, link.name.text(), fmt::format("there is no \"{}\" that it could stand on", other.text())};
}

void put_peer(Message& message, const Veth& veth, const Link& link, int netns) {
    message.nest(VETH_INFO_PEER, [&] {
        message.inner_header(ifinfomsg{});  // down: it cannot go up before its other end is there
        if (veth.peer) message.text(IFLA_IFNAME, veth.peer->text());
        if (veth.peer_mac) message.bytes(IFLA_ADDRESS, veth.peer_mac->bytes().data(), 6);
        if (link.mtu) message.number(IFLA_MTU, link.mtu->number());
        if (netns >= 0) message.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns));
    });
}

// A kernel may know an option and yet refuse to be told it, be it the value that it has anyway (mcast_vlan_snooping where
// bridges do not filter). What is new has its defaults, so these are left out.
Options beside_defaults(const Bridge& bridge) {
    Options options = bridge.options;
    std::erase_if(options.edit(), [](const auto& option) { return bridge_option_default(option.first) == option.second; });
    return options;
}
Options beside_defaults(const Bond& bond) {
    const auto mode = bond.options.find("mode");
    const Options defaults = default_bond_options(mode == bond.options.end() ? "balance-rr" : mode->second);
    Options options = bond.options;
    std::erase_if(options.edit(), [&](const auto& option) {
        const auto standard = defaults.find(option.first);
        return option.first != "mode" && standard != defaults.end() && standard->second == option.second;
    });
    return options;
}

void put_kind_data(Message& message, const Link& now, const State& host, int netns) {
    if (const auto* bridge = now.as<Bridge>()) put_bridge_options(message, beside_defaults(*bridge));
    if (const auto* bond = now.as<Bond>()) put_bond_options(message, beside_defaults(*bond), index_in(host));
    if (const auto* vlan = now.as<Vlan>()) message.number<std::uint16_t>(IFLA_VLAN_ID, vlan->id.number());
    if (const auto* veth = now.as<Veth>()) put_peer(message, *veth, now, netns);
}

// A bridge whose MTU was never changed follows its smallest port for ever after (br_mtu_auto_adjust). So it is made with
// another one, and the change to the right one, which comes with what creation ignores anyway, pins it.
std::uint32_t mtu_at_first(const Link& now) {
    const std::uint32_t due = now.mtu->number();
    if (!now.as<Bridge>()) return due;
    return due > Mtu::standard ? due - 1 : due + 1;
}

// A bridge that was never given a MAC takes the lowest of its ports', so that the host on it has another one when a guest goes.
std::array<unsigned char, 6> any_mac() {
    std::random_device random;
    std::array<unsigned char, 6> mac;
    for (auto& byte : mac) byte = static_cast<unsigned char>(random());
    mac[0] = static_cast<unsigned char>((mac[0] & 0xfc) | 0x02);   // one station's, locally administered
    return mac;
}

// What it stands on, and what it belongs to.
Result<> put_relations(Message& message, const Link& now, const State& host) {
    if (const auto* vlan = now.as<Vlan>()) {
        const Link* base = host.links.find(vlan->base);
        if (!base) return missing(now, vlan->base);
        message.number(IFLA_LINK, base->facts.index);
    }
    if (now.master && now.master->of) {
        const Link* master = host.links.find(*now.master->of);
        if (!master) return missing(now, *now.master->of);
        message.number(IFLA_MASTER, master->facts.index);
    }
    return {};
}

}  // namespace

IndexOf index_in(const State& host) {
    return [&host](const std::string& name) {
        const Link* link = host.links.find(IfName::observed(name));
        return link ? link->facts.index : 0;
    };
}

Result<Message> write_creation(const Link& now, const State& host, int netns) {
    if (now.is_device() || now.as<Tap>()) {
        return Error{Fault::not_found, now.name.text(), "there is no such device, and nobody can make it"};
    }
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}, link_room);
    message.text(IFLA_IFNAME, now.name.text());
    if (topology::is_ours(now.owner)) message.number(IFLA_GROUP, unmarked_group);
    if (now.mtu) message.number(IFLA_MTU, mtu_at_first(now));
    if (now.mac) message.bytes(IFLA_ADDRESS, now.mac->bytes().data(), 6);
    else if (now.as<Bridge>()) message.bytes(IFLA_ADDRESS, any_mac().data(), 6);
    if (auto related = put_relations(message, now, host); !related) return related.error();
    message.nest(IFLA_LINKINFO, [&] {
        message.text(IFLA_INFO_KIND, std::string(name_of(*now.kind)));
        message.nest(IFLA_INFO_DATA, [&] { put_kind_data(message, now, host, netns); });
    });
    return message;
}

Message write_alias(const std::string& name, const Owner& owner) {
    const std::string alias = owner.alias();
    Message message(RTM_SETLINK, 0, ifinfomsg{});
    message.text(IFLA_IFNAME, name);
    message.bytes(IFLA_IFALIAS, alias.data(), alias.size());
    return message;
}

Message write_up(int index) {
    ifinfomsg header = {};
    header.ifi_index = index;
    header.ifi_flags = header.ifi_change = IFF_UP;
    return Message(RTM_SETLINK, 0, header);
}

Message write_promiscuous(int index, bool whether) {
    ifinfomsg header = {};
    header.ifi_index = index;
    header.ifi_change = IFF_PROMISC;
    header.ifi_flags = whether ? IFF_PROMISC : 0;
    return Message(RTM_SETLINK, 0, header);
}

Message write_group(int index, std::uint32_t group) {
    ifinfomsg header = {};
    header.ifi_index = index;
    Message message(RTM_SETLINK, 0, header);
    message.number(IFLA_GROUP, group);
    return message;
}

Message write_deletion(int index) {
    ifinfomsg header = {};
    header.ifi_index = index;
    return Message(RTM_DELLINK, 0, header);
}

Message write_group_deletion(std::uint32_t group) {
    Message message(RTM_DELLINK, 0, ifinfomsg{});
    message.number(IFLA_GROUP, group);
    return message;
}

}  // namespace bridges
