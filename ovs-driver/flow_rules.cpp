// The first flow that matches decides, so they are written in the order in which they are tried. Why each is there:
// docs/decisions/0018 and 0019.
#include "ovs-driver/flow_rules.hpp"

#include <fmt/format.h>

namespace ovs {
namespace {

using topology::Filter;
using topology::FilterLevel;
using topology::IpAddress;

constexpr std::string_view fragment_of_multicast = "ipv6,ipv6_dst=ff00::/8,ip_frag=yes";
constexpr std::string_view to_many = "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00";  // a broadcast, too
// Of a trunk: no flow can ask of which kind a tag is, and one of 802.1ad would leave as such, for another network of the switches there. A tag
// that is written where there is none is one of 802.1Q.
constexpr std::string_view as_802_1q = "move:NXM_OF_VLAN_TCI[]->NXM_NX_REG0[0..15],strip_vlan,move:NXM_NX_REG0[0..15]->NXM_OF_VLAN_TCI[],";
constexpr int highest = lowest_of_filters + 1000;  // above those of ovs-vswitchd itself when a controller is silent (61680)

class Rules {
public:
    Rules(std::uint16_t ofport, const FilteredPort& port, std::uint8_t generation, bool metered)
        : ofport_(ofport), port_(port), filter_(port.filter), generation_(generation), metered_(metered), mine_("dl_src=" + filter_.mac.text()) {}

    std::vector<std::string> write() {
        tags();
        control();
        if (!keeps_to_its_mac(filter_)) {
            pass("");
            return std::move(flows_);
        }
        others_parts();
        for (const auto& mac : port_.host) drop("dl_dst=" + mac.text(), reason_of("host"));
        if (filter_.level.value() == FilterLevel::strict) {
            own_addresses();
        } else {
            pass(mine_ + ",arp,arp_sha=" + filter_.mac.text());
            drop("arp", reason_of("mac"));
            pass(mine_);
        }
        drop("", reason_of("mac"));
        return std::move(flows_);
    }

private:
    void add(std::string_view match, std::uint8_t reason, std::string_view action) {
        flows_.push_back(fmt::format("cookie={:#x},priority={},in_port={}{}{},actions={}", Cookie{generation_, ofport_, reason}.number(),
                                     highest - static_cast<int>(flows_.size()), ofport_, match.empty() ? "" : ",", match, action));
    }
    void drop(std::string_view match, std::uint8_t reason) { add(match, reason, "drop"); }
    void pass(std::string_view match) {
        if (filter_.trunk) pass(fmt::format("{}{}vlan_tci=0x1000/0x1000", match, match.empty() ? "" : ","), as_802_1q);
        pass(match, "");
    }
    void pass(std::string_view match, std::string_view before) {
        if (metered_) add(fmt::format("{},{}", match, to_many), Cookie::passes, fmt::format("meter:{},{}NORMAL", ofport_, before));
        add(match, Cookie::passes, fmt::format("{}NORMAL", before));
    }

    // A priority tag, too, is a tag. Open vSwitch looks behind one tag only: what it sees there is the protocol.
    void tags() {
        constexpr auto reason = reason_of("tag");
        if (!filter_.trunk) drop("vlan_tci=0x1000/0x1000", reason);
        for (const char* kind : {"0x8100", "0x88a8", "0x9100", "0x9200", "0x9300"}) drop(fmt::format("dl_type={}", kind), reason);
        // LLC. What Open vSwitch takes for that may be SNAP to the kernel's datapath, which then keeps the verdict for all of the ethertype.
        drop("dl_type=0x05ff", reason_of("ethertype"));
    }

    void control() {
        constexpr auto reason = reason_of("control");
        for (const char* to : {"01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0", "01:80:c2:00:00:20/ff:ff:ff:ff:ff:f0", "01:00:0c:cc:cc:cc/ff:ff:ff:ff:ff:fe", "01:00:0c:cd:cd:cd"})
            drop(fmt::format("dl_dst={}", to), reason);
        // And wherever they go: pause, slow protocols, 802.1X, LLDP, rings and alarms of switches (MRP; ERPS and all of CFM), tags of switches' ports.
        for (const char* kind : {"0x8808", "0x8809", "0x888e", "0x88cc", "0x88e3", "0x8902", "0x8926", "0x893f"}) drop(fmt::format("dl_type={}", kind), reason);
    }

    // What servers, routers and multicast routers say.
    void others_parts() {
        for (const char* kind : {"udp", "udp6"}) {
            // Cut short by the IP header's length, of which the kernel's datapath takes no notice: it keeps the verdict for the ports it sees.
            drop(fmt::format("{},tp_src=0,tp_dst=0,ip_frag=not_later", kind), reason_of("fragment"));
            for (const char* port : {"tp_src=67", "tp_src=547", "tp_dst=68", "tp_dst=546"}) drop(fmt::format("{},{}", kind, port), reason_of("dhcp"));
        }
        for (const char* match : {"icmp6,icmp_type=134", "icmp6,icmp_type=137", "icmp,icmp_type=5", "icmp,icmp_type=9"}) drop(match, reason_of("router"));
        // A first fragment that ends before the message begins has type 0.
        for (const auto match : {fragment_of_multicast, std::string_view("icmp6,icmp_type=0")}) drop(match, reason_of("fragment"));
        // What Open vSwitch does not read on in (a length of 0, of which Linux takes no notice) it takes for this protocol.
        for (const char* match : {"ip,nw_proto=0", "ipv6,nw_proto=0"}) drop(match, reason_of("fragment"));
        for (const char* match : {"ip,nw_proto=103", "ipv6,nw_proto=103", "icmp6,icmp_type=130", "icmp6,icmp_type=151"}) drop(match, reason_of("multicast"));
        // Open vSwitch does not tell one IGMP message from the other: queries, and routers' words, go where no report does.
        for (const char* to : {"224.0.0.1", "224.0.0.4", "224.0.0.106"}) drop(fmt::format("ip,nw_proto=2,nw_dst={}", to), reason_of("multicast"));
    }

    void own_addresses() {
        const auto all = filter_.all_addresses();
        const auto arp = mine_ + ",arp,arp_sha=" + filter_.mac.text();
        // Who is the router, for VRRP, HSRP and GLBP.
        for (const char* kind : {"ip,nw_proto=112", "ipv6,nw_proto=112"}) drop(kind, reason_of("router"));
        for (const char* to : {"udp,nw_dst=224.0.0.0/4", "udp6,ipv6_dst=ff00::/8"})
            for (const char* port : {"tp_dst=1985", "tp_dst=2029", "tp_dst=3222"}) drop(fmt::format("{},{}", to, port), reason_of("router"));
        // No such thing is honest, and one frame can be a thousand on the wire.
        for (const char* kind : {"tcp", "tcp6"}) drop(fmt::format("{},{}", kind, to_many), reason_of("storm"));
        for (const IpAddress& address : all) {
            if (address.is_v6() || address.is_unspecified()) continue;
            pass(fmt::format("{},arp_spa={}", arp, address.text()));
            pass(fmt::format("{},arp_spa=0.0.0.0,arp_tpa={}", arp, address.text()));  // is it anybody's, it asks before it takes it
        }
        drop(arp, reason_of("arp"));
        drop("arp", reason_of("mac"));
        pass(mine_ + ",dl_type=0x8035");
        for (const IpAddress& address : all)
            if (!address.is_v6() && !address.is_unspecified()) pass(fmt::format("{},ip,nw_src={}", mine_, address.text()));
        pass(mine_ + ",udp,nw_src=0.0.0.0,tp_dst=67");
        drop(mine_ + ",ip", reason_of("address"));
        neighbours(all);
        for (const IpAddress& address : all)
            if (address.is_v6() && !address.is_unspecified()) pass(fmt::format("{},ipv6,ipv6_src={}", mine_, address.text()));
        for (const int type : {131, 133, 143}) pass(fmt::format("{},icmp6,ipv6_src=::,icmp_type={}", mine_, type));
        drop(mine_ + ",ipv6", reason_of("address"));
        drop(mine_, reason_of("ethertype"));
    }

    // Whom a guest may say that it is, or wants to be.
    void neighbours(const std::set<IpAddress>& all) {
        for (const IpAddress& target : all) {
            if (!target.is_v6() || target.is_unspecified()) continue;
            for (const IpAddress& source : all)
                if (source.is_v6() && !source.is_unspecified()) pass(fmt::format("{},icmp6,ipv6_src={},icmp_type=136,icmp_code=0,nd_target={}", mine_, source.text(), target.text()));
            pass(fmt::format("{},icmp6,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target={}", mine_, target.text()));
        }
        drop(mine_ + ",icmp6,icmp_type=136", reason_of("neighbour"));
        drop(mine_ + ",icmp6,ipv6_src=::,icmp_type=135", reason_of("neighbour"));
    }

    const std::uint16_t ofport_;
    const FilteredPort& port_;
    const Filter& filter_;
    const std::uint8_t generation_;
    const bool metered_;
    const std::string mine_;
    std::vector<std::string> flows_;
};

}  // namespace

bool limits_storms(const FilteredPort& port) { return port.filter.level.value() == FilterLevel::strict; }

bool keeps_to_its_mac(const Filter& filter) { return filter.level.value() != FilterLevel::trusted; }

std::vector<std::string> flows_of(std::uint16_t ofport, const FilteredPort& port, std::uint8_t generation, bool metered) {
    return Rules(ofport, port, generation, metered && limits_storms(port)).write();
}

}  // namespace ovs
