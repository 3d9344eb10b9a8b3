// What the kernel has that netd shapes: links, routes and rules, as values.
//
// A wanted resource leaves unset what it does not care about; an observed one has everything set that the kernel told.
#pragma once

#include "bridges/options.hpp"
#include "bridges/port_flags.hpp"
#include "bridges/traffic.hpp"
#include "topology/fields.hpp"
#include "topology/filter.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"
#include "topology/owner.hpp"
#include "topology/rare.hpp"
#include "topology/role.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

namespace bridges {

using topology::Field;
using topology::Filter;
using topology::IfName;
using topology::IpAddress;
using topology::Mac;
using topology::Mtu;
using topology::Owner;
using topology::Standing;
using topology::Subnet;
using topology::Tells;
using topology::VlanId;
using topology::VlanSet;

// The kinds of link. Those that netd makes have attributes; every other one (a NIC, a dummy, an OVS port) is a Device.
struct Device {
    bool operator==(const Device&) const = default;
    static constexpr auto fields = std::tuple{};
};
struct Bridge {
    Options options = {};  // stp_state, vlan_filtering, vlan_default_pvid, ageing_time, …: bridge_options.hpp lists them
    bool operator==(const Bridge&) const = default;
    static constexpr auto fields = std::tuple{Field{"options", &Bridge::options}};
};
struct Vlan {
    IfName base;
    VlanId id;
    bool operator==(const Vlan&) const = default;
    static constexpr auto fields = std::tuple{Field{"base", &Vlan::base}, Field{"id", &Vlan::id}};
};
struct Bond {
    Options options = {};  // mode, miimon, lacp_rate, …: bond_options.hpp lists them
    bool operator==(const Bond&) const = default;
    static constexpr auto fields = std::tuple{Field{"options", &Bond::options}};
};
// How many queues a tap is made for. Once it is made the kernel tells only whether it is one or many (the rest is a matter of
// who has it open), so that all numbers above one are alike.
struct Queues {
    Queues(std::uint32_t count = 1) : count_(count) {}
    std::uint32_t number() const { return count_; }
    bool operator==(const Queues& other) const { return (count_ > 1) == (other.count_ > 1); }

private:
    std::uint32_t count_;
};
struct Tap {
    Queues queues = 1;
    std::optional<std::uint32_t> user = {};  // uid that may open it besides root
    bool operator==(const Tap&) const = default;
    static constexpr auto fields = std::tuple{Field{"queues", &Tap::queues}, Field{"user", &Tap::user}};
};
// A pair with one end here. `netns` (a path or a name under /run/netns), `peer` and `peer_mac` are used on creation
// only: the kernel does not report them to this namespace, so they take no part in a comparison.
struct Veth {
    std::optional<std::string> netns = {};
    std::optional<IfName> peer = {};
    std::optional<Mac> peer_mac = {};
    bool operator==(const Veth&) const { return true; }
    static constexpr auto fields = std::tuple{};
};
using Kind = std::variant<Device, Bridge, Vlan, Bond, Tap, Veth>;

std::string_view name_of(const Kind& kind);  // "device", "bridge", "vlan", "bond", "tap", "veth"

// The VLANs of a bridge's port (or of the bridge itself) on a filtering bridge.
struct PortVlans {
    VlanSet tagged = {};
    std::optional<VlanId> untagged = {};  // the pvid, which leaves the port untagged
    // What netd makes of none, but others may: these leave untagged without being the pvid; that is the pvid and leaves tagged.
    VlanSet stripped = {};
    std::optional<VlanId> pvid_tagged = {};
    static constexpr bool exact = true;
    bool operator==(const PortVlans&) const = default;
    static constexpr auto fields = std::tuple{Field{"tagged", &PortVlans::tagged}, Field{"untagged", &PortVlans::untagged},
                                              Field{"stripped", &PortVlans::stripped}, Field{"pvid_tagged", &PortVlans::pvid_tagged}};
};

// Whether the link is a port of a bridge or bond, and of which.
struct Master {
    std::optional<IfName> of = {};
    static constexpr bool exact = true;
    bool operator==(const Master&) const = default;
    static constexpr auto fields = std::tuple{Field{"of", &Master::of}};
};

// How the host's own stack behaves on the link.
struct HostStack {
    std::optional<bool> ipv6 = {};        // false: disable_ipv6=1, no address, no answer
    std::optional<bool> forwarding = {};  // IPv4 and IPv6
    std::optional<bool> arp_strict = {};  // arp_ignore=1 and arp_announce=2: answers only for its own address
    std::optional<bool> hears_routers = {};  // accept_ra: what routers announce of the wire counts
    std::optional<bool> autoconf = {};    // their prefixes make addresses: SLAAC
    std::optional<bool> ra_gateway = {};  // accept_ra_defrtr: and they become default routes
    bool operator==(const HostStack&) const = default;
    static constexpr auto fields =
        std::tuple{Field{"ipv6", &HostStack::ipv6}, Field{"forwarding", &HostStack::forwarding},
                   Field{"arp_strict", &HostStack::arp_strict}, Field{"hears_routers", &HostStack::hears_routers}, Field{"autoconf", &HostStack::autoconf},
                   Field{"ra_gateway", &HostStack::ra_gateway}};
};

// How an address is made: by netd, with the broadcast address of its subnet (of IPv4, below /31) and all else as the kernel has it;
// others are odd.
struct OddAddress {
    static OddAddress as_usual(const Subnet& address);
    static OddAddress as_second(const Subnet& address);

    Subnet address;
    std::optional<IpAddress> peer = {};         // point-to-point
    std::optional<IpAddress> broadcast = {};    // none: it has none; of IPv4
    std::string label = {};                     // "eth0:1"; of IPv4
    std::optional<std::uint32_t> metric = {};   // of the route to its subnet
    std::uint32_t flags = 0;                    // IFA_F_MANAGETEMPADDR and its like; with IFA_F_NOPREFIXROUTE its maker made that route, too, if `metric` tells one
    static constexpr bool exact = true;
    bool is_second() const;  // of IPv4: the kernel has another one of its subnet before it, and the host does not speak from it
    bool operator==(const OddAddress&) const = default;
    bool operator<(const OddAddress& other) const { return address < other.address; }
    static constexpr auto fields = std::tuple{Field{"address", &OddAddress::address}, Field{"peer", &OddAddress::peer},     Field{"broadcast", &OddAddress::broadcast},
                                              Field{"label", &OddAddress::label},     Field{"metric", &OddAddress::metric}, Field{"flags", &OddAddress::flags}};
};

// What the kernel tells of few links.
struct RareFacts {
    std::set<Subnet> autoconf = {};         // addresses that the kernel made of what routers announced: SLAAC
    std::set<IpAddress> routers = {};       // by which the kernel may leave, of those that announce themselves there (IPv6)
    std::set<Subnet> unrouted = {};         // addresses to whose subnet the kernel has no route: somebody has taken it, or told it to make none
    std::set<Subnet> tentative = {};        // IPv6: the kernel still looks whether another host has these
    std::set<Subnet> duplicate = {};        // IPv6: another host has these, so that this one does not; none of `addresses`
    std::set<Subnet> expiring = {};         // of `addresses`, those that end unless somebody prolongs them
    std::string foreign_qdisc = {};         // "htb 1:" where somebody else shapes what leaves by the link
    bool foreign_filters = false;           // somebody else has filters at its clsact qdisc
    std::string alias = {};                 // the raw alias where it is not our mark
    std::optional<IfName> active_port = {};           // bonds in modes that have one
    std::optional<std::uint16_t> aggregator = {};     // 802.3ad: of a bond, and of its port
    std::optional<Mac> partner_mac = {};              // 802.3ad, of a bond
    bool stands_by = false;                           // a bond's port that carries nothing now
    bool is_taken_for_down = false;                   // a bond's port: the bond looks itself whether it has a wire, and may find so later
    bool fixed_mac = false;                           // a NIC that can't be given another MAC
    bool operator==(const RareFacts&) const = default;
};
// What only the kernel knows. Reported, never wanted, no part of a plan.
struct LinkFacts {
    int index = 0;                          // ifindex; the same name with another index is another device
    std::string kind = {};                  // IFLA_INFO_KIND as it is: "", "dummy", "openvswitch", "tun", …
    std::string operstate = {};             // "up", "down", "lowerlayerdown", …
    bool carrier = false;
    std::uint32_t group = 0;
    std::optional<Mac> permanent_mac = {};
    std::optional<int> peer_index = {};     // IFLA_LINK: a veth's other end, what a macvlan stands on
    std::optional<int> peer_netnsid = {};
    topology::Shared<RareFacts> rare = {};
    bool operator==(const LinkFacts&) const = default;
};

struct Link {
    IfName name;
    std::optional<Kind> kind = {};
    std::optional<Owner> owner = {};
    std::optional<Mtu> mtu = {};
    std::optional<Mac> mac = {};
    std::optional<bool> up = {};
    std::optional<Master> master = {};
    std::optional<bool> isolated = {};                // as a bridge port
    std::optional<PortFlags> flags = {};              // as a bridge port: what else is odd about it
    std::optional<PortForwards> forwards = {};        // as a bridge port
    std::optional<PortVlans> vlans = {};              // as a port of, or as, a filtering bridge
    std::optional<Filter> filter = {};                // what a guest may send into a bridge by it; it stands before the link is made
    std::optional<bool> gate = {};                    // of a bridge: by a tap without a filter comes nothing unless that is admitted; unknown where no rule can do that
    std::optional<bool> admitted = {};                // of a tap
    std::optional<HostStack> stack = {};
    std::optional<Standing> standing = {};            // what the host's stack takes from it; unknown where no rules enforce it
    std::optional<std::set<Subnet>> addresses = {};   // all but link-local and those that the kernel made by autoconf
    topology::Rare<std::set<OddAddress>> odd_addresses = {};  // how those among them are made again
    std::optional<bool> routed = {};                  // the kernel's own routes to its addresses' subnets are there; true or unknown
    std::optional<bool> promiscuous = {};             // a bridge, or a VLAN on it, sees all that passes
    topology::Rare<Traffic> traffic = {};
    LinkFacts facts = {};

    const IfName& key() const { return name; }
    // Its kind, if that is known and the one that is asked for.
    template <class K> const K* as() const { return kind ? std::get_if<K>(&*kind) : nullptr; }
    template <class K> K* as() { return kind ? std::get_if<K>(&*kind) : nullptr; }
    bool is_device() const { return !kind || as<Device>(); }  // none of those that netd makes
    // It stands on another link of this namespace, and goes with that.
    bool is_stacked() const;
    // Somebody else's that does.
    bool is_notable() const { return is_stacked() && !topology::is_ours(owner); }
    bool operator==(const Link&) const = default;
    static constexpr auto fields = std::tuple{
        Field{"kind", &Link::kind},         Field{"owner", &Link::owner},       Field{"mtu", &Link::mtu},
        Field{"mac", &Link::mac},           Field{"up", &Link::up},             Field{"master", &Link::master},
        Field{"isolated", &Link::isolated}, Field{"flags", &Link::flags},       Field{"forwards", &Link::forwards},
        Field{"vlans", &Link::vlans},       Field{"stack", &Link::stack},
        Field{"standing", &Link::standing}, Field{"filter", &Link::filter},     Field{"gate", &Link::gate},
        Field{"admitted", &Link::admitted}, Field{"addresses", &Link::addresses},
        Field{"odd_addresses", &Link::odd_addresses, Tells::how}, Field{"routed", &Link::routed},
        Field{"promiscuous", &Link::promiscuous}, Field{"traffic", &Link::traffic}};
};

// A unicast route outside the kernel's own (proto kernel, table local). One destination may have one route a table and
// metric.
struct Route {
    static constexpr std::uint8_t ours = 0x9e;  // rtm_protocol of what netd makes
    static constexpr std::uint8_t announced = 0x9f;  // and by what routers say of themselves, which no plan is about
    static constexpr std::uint32_t main_table = 254;

    std::uint32_t table = main_table;
    Subnet to;                              // 0.0.0.0/0 or ::/0 is the default route
    std::uint32_t metric = 0;               // the kernel's default for IPv6 is 1024: write it so
    std::optional<IpAddress> via = {};
    IfName device;
    std::uint8_t protocol = ours;
    std::string manner = {};                // how somebody else made it, if that takes more words: the kernel's own, in hex

    struct Key {
        std::uint32_t table;
        Subnet to;
        std::uint32_t metric;
        auto operator<=>(const Key&) const = default;
        std::string text() const;
    };
    Key key() const { return {table, to, metric}; }
    bool operator==(const Route&) const = default;
    static constexpr auto fields =
        std::tuple{Field{"table", &Route::table}, Field{"to", &Route::to},         Field{"metric", &Route::metric},
                   Field{"via", &Route::via},     Field{"device", &Route::device}, Field{"protocol", &Route::protocol},
                   Field{"manner", &Route::manner, Tells::how}};
};

// A policy rule: what comes from, or goes to, a subnet is looked up in that table, or goes nowhere. What is for the host itself
// no such rule sees: the kernel's first looks for that.
struct Rule {
    static constexpr std::uint32_t refusals = 3199;  // the priority of those that let nothing through: before all that look

    std::uint32_t priority = 3200;
    bool v6 = false;
    std::optional<Subnet> from = {};
    std::optional<Subnet> to = {};
    std::optional<IfName> in = {};  // IIF
    std::uint32_t table = 0;
    std::uint8_t protocol = Route::ours;
    bool drops = false;             // in silence, and no table is asked

    struct Key {
        std::uint32_t priority;
        bool v6;
        std::optional<Subnet> from, to;
        std::optional<IfName> in;
        std::uint32_t table;
        bool drops;
        auto operator<=>(const Key&) const = default;
        std::string text() const;
    };
    Key key() const { return {priority, v6, from, to, in, table, drops}; }
    bool operator==(const Rule&) const = default;
    static constexpr auto fields =
        std::tuple{Field{"priority", &Rule::priority}, Field{"v6", &Rule::v6}, Field{"from", &Rule::from},
                   Field{"to", &Rule::to},             Field{"in", &Rule::in}, Field{"table", &Rule::table},
                   Field{"protocol", &Rule::protocol}, Field{"drops", &Rule::drops}};
};

// The resource in words for a plan or a drift report: "bridge web", "route default via 192.0.2.1 in table main".
std::string describe(const Link& link);
std::string describe(const Route& route);
std::string describe(const Rule& rule);

}  // namespace bridges
