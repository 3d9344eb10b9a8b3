// rtnetlink's messages as values. Total on untrusted bytes: what makes no sense is not reported.
#pragma once

#include "bridges/bridge_vlans.hpp"
#include "bridges/resources.hpp"

#include <optional>
#include <variant>

struct nlmsghdr;

namespace bridges {

// A link by itself. Others that it names are told by index, for names change: the mirror fills them in.
struct LinkReport {
    Link link{IfName::observed("?")};
    int master = 0;
    int base = 0;     // of a VLAN
    int primary = 0;  // of a bond
    int active = 0;   // of a bond
    bool is_loopback = false;
    bool follows_root = false;   // a bridge whose spanning tree has another root: what it tells of its timers is that one's
    bool ages_quickly = false;   // a bridge for as long as the topology changes: what it tells of its ageing time is not its own
};
struct LinkGone {
    int index = 0;
};
// What an AF_BRIDGE message tells of a port, or of the bridge itself.
struct PortReport {
    struct Flags {
        bool isolated = false;
        PortFlags rest = {};
        PortForwards forwards = {};
        void give_to(Link& link) const { link.isolated = isolated, link.flags = rest, link.forwards = forwards; }
    };
    int index = 0;
    bool gone = false;  // it left the bridge
    std::optional<Flags> flags = {};    // none: the message does not say
    std::optional<PortTags> tags = {};  // nor of these
};
// A change of a port's VLANs; the entries lie in the message.
struct VlanReport {
    int index = 0;
    bool gone = false;
    Bytes entries = {};
};
// `counts`: not link-local, not made of what a router announced, and not another host's. `has_route`: one to its subnet is due with it.
struct AddressReport {
    int index = 0;
    bool gone = false;
    bool counts = false;
    bool is_autoconf = false;
    bool is_tentative = false;
    bool is_duplicate = false;
    bool expires = false;
    bool has_route = false;
    Subnet address;
    IpAddress peer;
    std::optional<OddAddress> odd = {};
};
// A route that netd may care about. A multipath route is told by its first hop.
struct RouteReport {
    Route route;
    int device = 0;
    bool gone = false;
    bool is_replacement = false;
    bool has_more_hops = false;
    bool is_taken = false;    // by a route that is not told here
    bool is_crowded = false;  // others of the same key stand behind it, or did
    std::optional<IpAddress> source = {};
};
// A route to a subnet of the link's own, as the kernel makes it with an address.
struct SubnetReport {
    int index = 0;
    bool gone = false;
    Subnet to;
    std::uint32_t metric = 0;
};
// A router that announced itself, as the kernel's default route by it tells.
struct RouterReport {
    int index = 0;
    bool gone = false;
    IpAddress router;
};
struct RuleReport {
    Rule rule;
    bool gone = false;
};
// The stack's settings of that link have changed; the message does not say them all. -1: of all links.
struct StackHint {
    int index = 0;
};

using Report = std::variant<LinkReport, LinkGone, PortReport, VlanReport, AddressReport, RouteReport, SubnetReport, RouterReport, RuleReport, StackHint>;

std::optional<Report> read_report(const nlmsghdr& message);

// The link that a RTM_NEWLINK of no family is about; 0 for every other message. Cheap, for those who wait for the last.
int link_index_of(const nlmsghdr& message);

PortReport::Flags read_flags(const Attributes& data);         // IFLA_PROTINFO, or IFLA_INFO_SLAVE_DATA of a bridge's port
std::optional<Report> read_link(const nlmsghdr& message);  // RTM_NEWLINK, RTM_DELLINK

// Routes that some routing daemon or the kernel itself looks after are none of netd's.
bool is_routing_daemon(std::uint8_t protocol);

}  // namespace bridges
