// What Open vSwitch has that netd shapes: bridges and their ports, as values.
#pragma once

#include "topology/fields.hpp"
#include "topology/filter.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"
#include "topology/owner.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace ovs {

using topology::Field;
using topology::IfName;
using topology::Mac;
using topology::Mtu;
using topology::Owner;
using topology::VlanId;
using topology::VlanSet;

// As in bridges/: a wanted resource leaves unset what it does not care about.
struct Bridge {
    IfName name;
    std::optional<Owner> owner = {};          // external_ids:netd
    std::optional<std::string> datapath = {};  // datapath_type: "system" or "netdev"; "" is reported as "system"
    std::optional<Mac> mac = {};               // other_config:hwaddr
    std::optional<bool> stp = {};              // stp_enable
    std::optional<bool> rstp = {};             // rstp_enable
    std::optional<std::string> protocols = {};  // versions of OpenFlow that it speaks, by commas; "": those of Open vSwitch's choice
    std::optional<std::string> fail_mode = {};  // what it does without a controller; "": what a switch does
    std::optional<std::string> controllers = {};  // who tells it what to forward, by commas; "": nobody
    std::optional<VlanSet> flood_vlans = {};    // VLANs where it learns nothing: all that comes goes to all ports

    const IfName& key() const { return name; }
    bool operator==(const Bridge&) const = default;
    static constexpr auto fields = std::tuple{Field{"owner", &Bridge::owner}, Field{"datapath", &Bridge::datapath},
                                              Field{"mac", &Bridge::mac}, Field{"stp", &Bridge::stp}, Field{"rstp", &Bridge::rstp},
                                              Field{"protocols", &Bridge::protocols}, Field{"fail_mode", &Bridge::fail_mode},
                                              Field{"controllers", &Bridge::controllers},
                                              Field{"flood_vlans", &Bridge::flood_vlans}};
};

// Which frames a port takes. Access with tag 0 is the untagged network of the bridge.
struct Access {
    VlanId tag;
    bool operator==(const Access&) const = default;
    static constexpr auto fields = std::tuple{Field{"tag", &Access::tag}};
};
struct Trunk {
    VlanSet tags = {};                        // 0 is the untagged network; an empty set takes every tag
    std::optional<VlanId> native = {};        // vlan_mode=native-untagged with this tag
    static constexpr bool exact = true;
    bool operator==(const Trunk&) const = default;
    static constexpr auto fields = std::tuple{Field{"tags", &Trunk::tags}, Field{"native", &Trunk::native}};
};
// Access on a tag that no network can have (4095): whatever comes in there reaches nobody.
struct Nowhere {
    bool operator==(const Nowhere&) const = default;
    static constexpr auto fields = std::tuple{};
};
using Tagging = std::variant<Access, Trunk, Nowhere>;

// What only ovs-vswitchd knows.
struct PortFacts {
    std::int64_t ofport = 0;                  // > 0 once the port forwards
    std::string error = {};                   // Interface.error
    std::int64_t ifindex = 0;                 // of the device that the datapath holds
    std::optional<Mac> mac = {};              // mac_in_use
    bool operator==(const PortFacts&) const = default;
};

// How much may come in by a port; rate 0 is as much as comes. The datapath drops the rest.
struct Policing {
    std::uint64_t rate = 0, burst = 0;        // ingress_policing_rate in kbit/s, ingress_policing_burst in kbit
    static constexpr bool exact = true;
    bool operator==(const Policing&) const = default;
    static constexpr auto fields = std::tuple{Field{"rate", &Policing::rate}, Field{"burst", &Policing::burst}};
};

// A port and its one interface. (A native OVS bond has several interfaces: reported as a foreign port, never made. One with netd's mark
// is a port that somebody gave another interface.)
struct Port {
    IfName name;
    std::optional<IfName> bridge = {};
    std::optional<Owner> owner = {};          // external_ids:netd of the port
    std::optional<bool> internal = {};        // interface type internal, else system
    std::optional<std::string> others = {};   // interfaces that it has beside its own, by commas; it is made anew without them
    std::optional<Tagging> tagging = {};
    std::optional<VlanSet> cvlans = {};       // of an outer tag: which inner ones it takes
    std::optional<std::string> priority_tags = {};  // other_config:priority-tags; "": frames without a tag leave without one
    std::optional<Mtu> mtu = {};              // mtu_request
    std::optional<Mac> mac = {};              // Interface.mac (internal ports)
    std::optional<bool> isolated = {};        // Port.protected
    std::optional<bool> stp = {};             // it may take part in a spanning tree: other_config:stp-enable, rstp-enable
    std::optional<std::string> qos = {};      // type of the QoS row that netd made for it; "" is none
    std::optional<Policing> policing = {};
    std::optional<std::string> attached_mac = {};  // external_ids of the interface: attached-mac, iface-id, vm-id
    std::optional<std::string> iface_id = {};
    std::optional<std::string> vm_id = {};
    std::optional<topology::Filter> filter = {};   // external_ids:netd-filter of the port; its flows are kept up with it
    std::optional<std::int64_t> ofport_request = {};  // the driver's own: flows are by this number
    PortFacts facts = {};

    const IfName& key() const { return name; }
    bool operator==(const Port&) const = default;
    static constexpr auto fields = std::tuple{
        Field{"bridge", &Port::bridge},     Field{"owner", &Port::owner},
        Field{"internal", &Port::internal}, Field{"others", &Port::others},
        Field{"tagging", &Port::tagging},   Field{"cvlans", &Port::cvlans},
        Field{"priority_tags", &Port::priority_tags},
        Field{"mtu", &Port::mtu},           Field{"mac", &Port::mac},
        Field{"isolated", &Port::isolated}, Field{"stp", &Port::stp},
        Field{"qos", &Port::qos},
        Field{"policing", &Port::policing}, Field{"attached_mac", &Port::attached_mac},
        Field{"iface_id", &Port::iface_id}, Field{"vm_id", &Port::vm_id},
        Field{"filter", &Port::filter}};
};

// Copies of all frames of some VLANs of a bridge, to one of its ports, which then gets nothing else (a row of Mirror).
struct PortMirror {
    IfName name;
    std::optional<IfName> bridge = {};
    std::optional<Owner> owner = {};          // external_ids:netd
    std::optional<VlanSet> tags = {};         // 0 is the untagged network
    std::optional<IfName> output = {};

    const IfName& key() const { return name; }
    bool operator==(const PortMirror&) const = default;
    static constexpr auto fields = std::tuple{Field{"bridge", &PortMirror::bridge}, Field{"owner", &PortMirror::owner},
                                              Field{"tags", &PortMirror::tags}, Field{"output", &PortMirror::output}};
};

// The type of QoS row that tells Open vSwitch to leave a port's traffic control to others, here to netd.
inline constexpr const char* hands_off = "linux-noop";

std::string describe(const Bridge& bridge);
std::string describe(const Port& port);
std::string describe(const PortMirror& mirror);

}  // namespace ovs
