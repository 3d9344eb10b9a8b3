// What a client may want of a host: the definitions of networks and bonds, as they are sent, kept and reported.
//
// Each struct lists its attributes once, in `fields`, with the name on the wire and the protocol's code for a bad one.
// Reading, canonical writing, the answer of getRunningConfig and the state file all follow from that list.
#pragma once

#include "bridges/resources.hpp"
#include "topology/filter.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace intent {

using bridges::Options;
using topology::IfName;
using topology::IpAddress;
using topology::Mac;
using topology::Mtu;
using topology::NetworkName;
using topology::Subnet;
using topology::VlanId;
using topology::VlanSet;

// The codes of protocol.md 5.5.
namespace code {
constexpr int lost_connection = 10, bad_parameters = 21, bad_address = 22, bad_nic = 23, used_nic = 24, bad_bond = 25,
              bad_vlan = 26, bad_bridge = 27, refused = 29, used_bond = 31, no_ovs = 32, busy = 40, plug_failed = 49,
              unplug_failed = 50, migrating = 51, update_failed = 56, forbidden = 403;
}

template <class Owner, class Value>
struct Attribute {
    const char* name;
    Value Owner::*member;
    int code = code::bad_parameters;
};
template <class Owner, class Value>
Attribute(const char*, Value Owner::*, int) -> Attribute<Owner, Value>;
template <class Owner, class Value>
Attribute(const char*, Value Owner::*) -> Attribute<Owner, Value>;

enum class SwitchKind { legacy, vlan_aware, ovs };
using topology::Role;
enum class BootProto { none, dhcp };

// Where enums have a text, it stands in one table, which reading and writing share.
template <class Enum>
struct Names;
template <>
struct Names<SwitchKind> {
    static constexpr const char* text[] = {"legacy", "vlan-aware", "ovs"};
};
template <>
struct Names<Role> {
    static constexpr auto text = topology::role_names;
};
template <>
struct Names<BootProto> {
    static constexpr const char* text[] = {"none", "dhcp"};
};
template <class Enum>
constexpr const char* name_of(Enum value) {
    return Names<Enum>::text[static_cast<int>(value)];
}

// A service curve: m1 for the first d µs, then m2. Of `ul` and `rt` in bit/s; of `ls` a share, or bit/s if any on the base
// is over 100: only the ratio counts.
struct ServiceCurve {
    std::optional<std::uint64_t> m1 = {}, d = {}, m2 = {};
    bool operator==(const ServiceCurve&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"m1", &ServiceCurve::m1}, Attribute{"d", &ServiceCurve::d}, Attribute{"m2", &ServiceCurve::m2}};
};
struct HostQosOut {
    std::optional<ServiceCurve> ls = {}, ul = {}, rt = {};
    bool operator==(const HostQosOut&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"ls", &HostQosOut::ls}, Attribute{"ul", &HostQosOut::ul}, Attribute{"rt", &HostQosOut::rt}};
};
// How much of the network may come in; beyond it frames are dropped.
struct HostQosIn {
    std::optional<ServiceCurve> ul = {};
    bool operator==(const HostQosIn&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"ul", &HostQosIn::ul}};
};
struct HostQos {
    HostQosOut out = {};
    std::optional<HostQosIn> in = {};
    bool operator==(const HostQos&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"out", &HostQos::out}, Attribute{"in", &HostQos::in}};
};

struct Custom {
    Options bridge_opts = {};
    bool operator==(const Custom&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"bridge_opts", &Custom::bridge_opts}};
};

// A static route of a network: `to` by way of `via`, on the network's own device.
struct StaticRoute {
    std::optional<Subnet> to = {};
    std::optional<IpAddress> via = {};
    bool operator==(const StaticRoute&) const = default;
    static constexpr auto fields =
        std::tuple{Attribute{"to", &StaticRoute::to, code::bad_address}, Attribute{"via", &StaticRoute::via, code::bad_address}};
};

struct Network {
    NetworkName name;
    std::optional<IfName> nic = {};
    std::optional<IfName> bonding = {};
    std::optional<VlanId> vlan = {};
    bool bridged = true;
    SwitchKind switch_kind = SwitchKind::legacy;
    bool stp = false;
    Mtu mtu = {};
    BootProto bootproto = BootProto::none;
    std::optional<IpAddress> ipaddr = {};
    std::optional<std::string> netmask = {};      // canonical form: prefix
    std::optional<std::uint8_t> prefix = {};
    std::optional<IpAddress> gateway = {};
    std::optional<Subnet> ipv6addr = {};
    std::optional<IpAddress> ipv6gateway = {};    // `::`, an explicit none, is canonicalised to unset
    bool ipv6autoconf = false;
    bool dhcpv6 = false;
    bool blockingdhcp = false;                    // about the call, never kept
    bool default_route = false;
    std::vector<IpAddress> nameservers = {};
    std::optional<HostQos> host_qos = {};
    Custom custom = {};
    std::set<Role> roles = {};
    std::vector<Subnet> addresses = {};
    std::vector<StaticRoute> routes = {};
    std::vector<std::string> search = {};
    bool isolated = false;

    const NetworkName& key() const { return name; }
    // The NIC or bond that it stands on; none for a network that stays inside the host.
    std::optional<IfName> base() const { return nic ? nic : bonding; }
    std::optional<Subnet> ipv4() const;
    // All addresses that its definition gives the network's device.
    std::set<Subnet> all_addresses() const;
    // The host itself takes part in it: it has an address there, fixed or asked for, or no bridge.
    bool is_on_host() const;
    // Its bridge speaks STP: by `stp`, or by the bridge option of that meaning.
    bool has_stp() const;

    bool operator==(const Network&) const = default;
    static constexpr auto fields = std::tuple{
        Attribute{"nic", &Network::nic, code::bad_nic},
        Attribute{"bonding", &Network::bonding, code::bad_bond},
        Attribute{"vlan", &Network::vlan, code::bad_vlan},
        Attribute{"bridged", &Network::bridged},
        Attribute{"switch", &Network::switch_kind},
        Attribute{"stp", &Network::stp},
        Attribute{"mtu", &Network::mtu},
        Attribute{"bootproto", &Network::bootproto},
        Attribute{"ipaddr", &Network::ipaddr, code::bad_address},
        Attribute{"netmask", &Network::netmask, code::bad_address},
        Attribute{"prefix", &Network::prefix, code::bad_address},
        Attribute{"gateway", &Network::gateway, code::bad_address},
        Attribute{"ipv6addr", &Network::ipv6addr, code::bad_address},
        Attribute{"ipv6gateway", &Network::ipv6gateway, code::bad_address},
        Attribute{"ipv6autoconf", &Network::ipv6autoconf},
        Attribute{"dhcpv6", &Network::dhcpv6},
        Attribute{"blockingdhcp", &Network::blockingdhcp},
        Attribute{"defaultRoute", &Network::default_route},
        Attribute{"nameservers", &Network::nameservers},
        Attribute{"hostQos", &Network::host_qos},
        Attribute{"custom", &Network::custom},
        Attribute{"roles", &Network::roles},
        Attribute{"addresses", &Network::addresses, code::bad_address},
        Attribute{"routes", &Network::routes, code::bad_address},
        Attribute{"search", &Network::search},
        Attribute{"isolated", &Network::isolated}};
};

struct Bond {
    IfName name;
    std::set<IfName> nics = {};
    Options options = {};                 // canonical; never without "mode"
    std::optional<Mac> hwaddr = {};
    SwitchKind switch_kind = SwitchKind::legacy;

    const IfName& key() const { return name; }
    bool operator==(const Bond&) const = default;
    static constexpr auto fields = std::tuple{
        Attribute{"nics", &Bond::nics, code::bad_nic}, Attribute{"options", &Bond::options, code::bad_bond},
        Attribute{"hwaddr", &Bond::hwaddr, code::bad_bond}, Attribute{"switch", &Bond::switch_kind}};
};

// An address that a guest with filter strict may speak from; engines send them as {"name": "IP", "value": …}.
struct FilterParameter {
    IpAddress address;
    std::string text() const { return address.text(); }
    auto operator<=>(const FilterParameter&) const = default;
};

enum class GuestKind { libvirt, tap, netns };
template <>
struct Names<GuestKind> {
    static constexpr const char* text[] = {"libvirt", "tap", "netns"};
};

// A limit of a guest's NIC: kB/s and kB of 1000 bytes.
struct Bandwidth {
    std::optional<std::uint64_t> average = {}, peak = {}, burst = {};
    bool operator==(const Bandwidth&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"average", &Bandwidth::average}, Attribute{"peak", &Bandwidth::peak}, Attribute{"burst", &Bandwidth::burst}};
};
struct SpecParams {
    std::optional<Bandwidth> inbound = {}, outbound = {};  // toward the guest, and from it
    bool operator==(const SpecParams&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"inbound", &SpecParams::inbound}, Attribute{"outbound", &SpecParams::outbound}};
};

// A guest's NIC (protocol.md 7). Its identity is the guest and the MAC.
struct GuestNic {
    std::string vm;                                // domain, namespace, or the caller's own id of the guest
    Mac mac;
    GuestKind kind = GuestKind::tap;
    std::string network = {};                      // "" is connected to nothing
    std::string alias = {};
    std::string model = "virtio";
    bool link_active = true;
    std::optional<IfName> ifname = {};             // netns: the name inside
    std::optional<VlanId> vlan = {};
    std::optional<VlanSet> trunk = {};
    bool isolated = false;
    std::optional<Mtu> mtu = {};
    std::uint8_t queues = 1;
    std::optional<std::uint32_t> user = {};        // tap: the uid that may open it
    bool incoming = false;                         // libvirt: its domain is not here yet and will bring the NIC along
    std::optional<IfName> adopted = {};            // libvirt: a port that the hypervisor made itself
    topology::FilterLevel filter = {};
    std::set<FilterParameter> filter_parameters = {};
    SpecParams spec_params = {};
    std::set<NetworkName> port_mirroring = {};     // networks whose traffic is copied to it

    struct Key {
        std::string vm;
        Mac mac;
        auto operator<=>(const Key&) const = default;
        std::string text() const { return vm + "/" + mac.text(); }
    };
    Key key() const { return {vm, mac}; }
    IfName name_inside() const { return ifname ? *ifname : IfName::observed("eth0"); }  // of a netns
    bool operator==(const GuestNic&) const = default;
    static constexpr auto fields = std::tuple{
        Attribute{"kind", &GuestNic::kind},          Attribute{"network", &GuestNic::network},
        Attribute{"alias", &GuestNic::alias},        Attribute{"nicModel", &GuestNic::model},
        Attribute{"linkActive", &GuestNic::link_active}, Attribute{"ifname", &GuestNic::ifname},
        Attribute{"vlan", &GuestNic::vlan},          Attribute{"trunk", &GuestNic::trunk},
        Attribute{"port_isolated", &GuestNic::isolated}, Attribute{"mtu", &GuestNic::mtu},
        Attribute{"queues", &GuestNic::queues},      Attribute{"user", &GuestNic::user},
        Attribute{"incoming", &GuestNic::incoming},  Attribute{"adopted", &GuestNic::adopted},
        Attribute{"filter", &GuestNic::filter},      Attribute{"filterParameters", &GuestNic::filter_parameters},
        Attribute{"specParams", &GuestNic::spec_params}, Attribute{"portMirroring", &GuestNic::port_mirroring}};
};

}  // namespace intent
