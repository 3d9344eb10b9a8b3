// What a network must be beside the others, and on this host.
#include "bridges/marks.hpp"
#include "netd/intent/links.hpp"
#include "netd/intent/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace intent {
namespace {

using bridges::Link;

class NetworkCheck {
public:
    NetworkCheck(const Network& network, const Intent& wanted, Neighbours& neighbours, const Intent& running, const Facts& facts, Complaints& complaints)
        : network_(network), wanted_(wanted), neighbours_(neighbours), running_(running), facts_(facts), complaints_(complaints) {}

    void run() {
        nic();
        bonding();
        riders();
        options();
        vlan_device();
        name();
        backend();
        default_route();
        shares();
    }

private:
    void refuse(int code, Fault fault, std::string_view attribute, std::string what) {
        const std::string& name = network_.name.text();
        complaints_.push_back({code, attribute.empty() ? pointer({"networks", name}) : pointer({"networks", name, attribute}), fault, std::move(what)});
    }

    void nic() {
        if (!network_.nic) return;
        const std::string& nic = network_.nic->text();
        const Link* link = facts_.kernel.links.find(*network_.nic);
        if (!link) return refuse(code::bad_nic, Fault::not_found, "nic", fmt::format("there is no NIC '{}' on this host", nic));
        if (!is_nic(*link)) return refuse(code::bad_nic, Fault::invalid, "nic", fmt::format("'{}' is not a NIC but a {}", nic, link->kind ? name_of(*link->kind) : "device"));
        if (is_switchs_own(*network_.nic, facts_)) return refuse(code::bad_nic, Fault::invalid, "nic", fmt::format("'{}' is not a NIC but Open vSwitch's own device", nic));
        if (const Bond* bond = neighbours_.bond_of(*network_.nic))
            return refuse(code::used_nic, Fault::conflict, "nic", fmt::format("'{}' is a port of {}", nic, bond->name.text()));
        belongs_to_others("nic", *link);
        if (is_base_a_port()) is_shared("nic", *link);
    }

    // Of a bridge, or of Open vSwitch's.
    bool is_base_a_port() const { return network_.switch_kind != SwitchKind::legacy || (network_.bridged && !network_.vlan); }

    // The kernel gives a link to one that takes all that comes in by it, and to no second. Open vSwitch's userspace datapath listens beside.
    void is_shared(std::string_view attribute, const Link& link) {
        if (network_.switch_kind == SwitchKind::ovs && facts_.ovs_datapath == "netdev") return;
        if (const IfName* upper = neighbours_.macvlan_on(link))
            refuse(code::used_nic, Fault::conflict, attribute,
                   fmt::format("'{}' carries '{}', which takes all that comes in by it, so that it can be no port of a bridge; remove that first", link.name.text(), upper->text()));
    }

    // What somebody else made a port of something is taken over only from a bridge that is this network's, and stays one.
    void belongs_to_others(std::string_view attribute, const Link& link) {
        const bool has_bridge = network_.bridged && network_.switch_kind == SwitchKind::legacy;
        if (const IfName* owner = foreign_owner_of(link, has_bridge ? network_.name.text() : "", wanted_, facts_))
            refuse(code::used_nic, Fault::conflict, attribute,
                   fmt::format("'{}' belongs to '{}', which netd did not make; take it out of there first", link.name.text(), owner->text()));
    }

    void bonding() {
        if (!network_.bonding) return;
        const Link* link = facts_.kernel.links.find(*network_.bonding);
        if (link && is_base_a_port()) is_shared("bonding", *link);
        if (wanted_.bonds().contains(*network_.bonding)) return;
        if (link && link->as<bridges::Bond>() && !is_ours(*link)) return belongs_to_others("bonding", *link);
        refuse(code::bad_bond, Fault::not_found, "bonding",
               fmt::format("there is no bond '{}', neither on this host nor in the request", network_.bonding->text()));
    }

    void riders() {
        const auto device = network_.base();
        const auto* others = device ? neighbours_.on(*device) : nullptr;
        if (!others) return;
        const auto [from, to] = others->by_tag.equal_range(network_.vlan);
        const auto other = std::find_if(from, to, [&](const auto& entry) { return entry.second->network != network_.name; });
        if (other != to) same_tag(*other->second);
        for (const auto& [kind, other] : others->first_of) {
            if (kind == network_.switch_kind) continue;
            return refuse(code::bad_parameters, Fault::conflict, "switch",
                          fmt::format("network '{}' on {} is on switch {}; all networks of a NIC or bond are on one kind, so send them in one request",
                                      other->network.text(), device->text(), name_of(kind)));
        }
    }

    // The filtering bridge is one for all networks of its NIC or bond, and so are its options.
    void options() {
        const auto device = network_.base();
        const auto* others = device ? neighbours_.on(*device) : nullptr;
        if (!others || network_.switch_kind != SwitchKind::vlan_aware) return;
        const Network* other = network_.has_stp() ? others->without_stp : rules_out_stp(network_) ? others->with_stp : nullptr;
        if (other && other->name != network_.name)
            return refuse(code::bad_parameters, Fault::conflict, network_.stp ? "stp" : "custom",
                          fmt::format("of networks '{}' and '{}' one has STP, and the other no stp_state or a forward_delay below 200 (2 s); on switch vlan-aware the bridge of {} is one for all",
                                      network_.name.text(), other->name.text(), device->text()));
        for (const auto& [key, value] : network_.custom.bridge_opts)
            for (const auto& [theirs, who] : others->options.at(key)) {
                if (theirs == value) continue;
                return refuse(code::bad_parameters, Fault::conflict, "custom",
                              fmt::format("bridge option {} is {} for network '{}' on {}; on switch vlan-aware the bridge is one for all of them, so send the same for each",
                                          key, theirs, who->name.text(), device->text()));
            }
    }

    void same_tag(const Rider& other) {
        if (network_.vlan)
            return refuse(code::bad_parameters, Fault::conflict, "vlan",
                          fmt::format("VLAN {} on {} is already used by network '{}'", network_.vlan->number(), network_.base()->text(), other.network.text()));
        refuse(code::used_nic, Fault::conflict, network_.nic ? "nic" : "bonding",
               fmt::format("{} already carries the untagged network '{}'", network_.base()->text(), other.network.text()));
    }

    // A VLAN device that somebody else made is taken over where netd would make the same. Another one has the tag's frames, whatever the switch.
    void vlan_device() {
        const auto base = network_.base();
        if (!base || !network_.vlan) return;
        const bool is_legacy = network_.switch_kind == SwitchKind::legacy;
        const auto name = IfName::parse(fmt::format("{}.{}", base->text(), network_.vlan->number()));
        const Network* namesake = is_legacy && name ? wanted_.network(name->text()) : nullptr;
        if (namesake && has_device_of_its_name(*namesake))
            return refuse(code::bad_vlan, Fault::conflict, "vlan", fmt::format("network '{}' has the device that VLAN {} of {} would be", name->text(), network_.vlan->number(), base->text()));
        const Link* link = is_legacy && name ? facts_.kernel.links.find(*name) : nullptr;
        const bridges::Vlan* vlan = link ? vlan_of(*link) : nullptr;
        if (link && !is_ours(*link) && !(vlan && *vlan == bridges::Vlan{*base, *network_.vlan}))
            return refuse(code::bad_vlan, Fault::conflict, "vlan",
                          fmt::format("the host has a device '{}' that is not VLAN {} of {} and not netd's; rename or remove it", name->text(), network_.vlan->number(), base->text()));
        if (link && network_.bridged) is_shared("vlan", *link);
        const IfName* theirs = neighbours_.foreign_vlan(*base, *network_.vlan);
        if (theirs && !(link && *theirs == link->name))
            refuse(code::bad_vlan, Fault::conflict, "vlan",
                   fmt::format("the host has VLAN {} of {} as '{}', which is not netd's and gets its frames; remove it", network_.vlan->number(), base->text(), theirs->text()));
    }

    // The device that would have the network's name must not be somebody else's, nor one of netd's own switches.
    void name() {
        if (const auto base = network_.base(); base && network_.switch_kind != SwitchKind::legacy) own_switch(*base);
        if (!has_device_of_its_name(network_)) return;
        const bool is_legacy = network_.switch_kind == SwitchKind::legacy;
        const bool becomes_bridge = is_legacy || (network_.switch_kind == SwitchKind::vlan_aware && !network_.base());
        // Its own foot in Open vSwitch makes room when it comes from there.
        const Network* now = running_.networks().find(network_.name);
        const bool makes_room = becomes_bridge && now && now->switch_kind == SwitchKind::ovs;
        auto name = IfName::parse(network_.name.text());
        const Link* link = name ? facts_.kernel.links.find(*name) : nullptr;
        const bool is_bridge = link && link->as<bridges::Bridge>();
        // An internal port of Open vSwitch bears its mark in the database, not on the link.
        const bool is_internal = link && (link->facts.kind == "openvswitch" || link->facts.kind == "tun");
        if ((link && !makes_room && !is_ours(*link) && !(becomes_bridge ? is_bridge : is_internal)) || (name && wanted_.bonds().contains(*name)))
            refuse(code::bad_bridge, Fault::conflict, "",
                   is_bridge ? fmt::format("the host has a bridge '{}' that is not netd's; remove it, or choose another name", network_.name.text())
                             : fmt::format("the host has a device '{}' that is not a bridge and not netd's; choose another name", network_.name.text()));
        else if (link && is_for_something_else(*link))
            refuse(code::bad_bridge, Fault::conflict, "", fmt::format("netd has made the device '{}' for something else ({}); choose another name", name->text(), link->owner->alias()));
        else if (link && network_.switch_kind == SwitchKind::ovs && is_foreign_to_switch(*name))
            refuse(code::bad_bridge, Fault::conflict, "", fmt::format("Open vSwitch has a device '{}' that netd did not make; choose another name", name->text()));
        for (const std::string_view prefix : {"vb-", "ovs-"}) {
            if (!network_.name.text().starts_with(prefix)) continue;
            const auto device = IfName::parse(network_.name.text().substr(prefix.size()));
            if (device && wanted_.bases().contains(*device))
                refuse(code::bad_bridge, Fault::conflict, "", fmt::format("'{}' is what netd calls its own switch on {}; choose another name", network_.name.text(), device->text()));
        }
    }

    // What netd would call its own switch there is not a network's device.
    void own_switch(const IfName& base) {
        const std::string own = (network_.switch_kind == SwitchKind::ovs ? "ovs-" : "vb-") + base.text();
        const Network* namesake = running_.network(own) ? wanted_.network(own) : nullptr;  // a new one is refused by its name
        if (namesake && namesake->name != network_.name && has_device_of_its_name(*namesake))
            refuse(code::bad_bridge, Fault::conflict, "switch", fmt::format("network '{}' has the name of what netd calls its own switch on {}", namesake->name.text(), base.text()));
    }

    // A bridge; or, on a switch that several networks have together, an internal port, or a VLAN device: where the host takes part, or,
    // any day, where a guest mirrors it.
    static bool has_device_of_its_name(const Network& network) {
        if (network.switch_kind == SwitchKind::legacy) return network.bridged;
        return true;
    }

    // Another network's VLAN device, a guest's tap, a switch; but not what goes in the same request.
    bool is_for_something_else(const Link& link) const {
        const std::string role = is_ours(link) ? link.owner->role.value_or("") : "";
        if (role.empty() || role == bridges::unmarked_role) return false;
        if (role.starts_with("network ")) return role.substr(8) != network_.name.text() && wanted_.network(role.substr(8));
        if (!role.starts_with("bond ")) return true;
        const auto bond = IfName::parse(role.substr(5));
        return bond && wanted_.bonds().contains(*bond);
    }

    bool is_foreign_to_switch(const IfName& name) const {
        if (!facts_.ovs) return false;
        if (const ovs::Port* port = facts_.ovs->ports.find(name)) return !port->owner || !port->owner->is_ours();
        return facts_.ovs->bridges.contains(name);
    }

    void backend() {
        const auto& can = facts_.abilities;
        if (network_.switch_kind == SwitchKind::ovs && !facts_.ovs_connected)
            refuse(code::no_ovs, Fault::backend, "switch",
                   facts_.ovs_where.empty() ? "this netd was told to use no Open vSwitch (--ovs); use switch legacy or vlan-aware"
                                              : fmt::format("Open vSwitch does not answer at {}; start openvswitch-switch, or use switch legacy or vlan-aware", facts_.ovs_where));
        else if (network_.switch_kind == SwitchKind::ovs && facts_.is_vswitchd_gone)
            refuse(code::no_ovs, Fault::backend, "switch", "ovs-vswitchd is not running or does not answer, so nobody would carry it out; start openvswitch-switch anew, or use switch legacy or vlan-aware");
        if (network_.switch_kind == SwitchKind::vlan_aware && network_.base() && !can.vlan_filtering)
            refuse(code::refused, Fault::backend, "switch",
                   fmt::format("kernel {} has no VLAN filtering of bridges (CONFIG_BRIDGE_VLAN_FILTERING); use switch legacy or ovs", can.release));
        if (!facts_.resolver_obstacle.empty() && (!network_.nameservers.empty() || !network_.search.empty()))
            refuse(code::refused, Fault::backend, network_.nameservers.empty() ? "search" : "nameservers", facts_.resolver_obstacle);
        if ((network_.bootproto == BootProto::dhcp || network_.dhcpv6) && !facts_.has_dhcp_client)
            refuse(code::refused, Fault::backend, network_.dhcpv6 ? "dhcpv6" : "bootproto", "this host has no DHCP client; install package dhcpcd-base, or give a static address");
        if (needs_vlan_device() && !can.vlan)
            refuse(code::refused, Fault::backend, "vlan",
                   fmt::format("kernel {} has no 802.1Q devices (module 8021q); load it, or use switch ovs, which does not need it", can.release));
    }

    // HFSC shares a link among classes: who had none would get what is left, which is nothing when it counts.
    void shares() {
        const auto device = network_.base();
        const Neighbours::OfBase* others = device ? neighbours_.on(*device) : nullptr;
        if (!others) return;
        if (const auto other = others->first_shaped.find(!network_.host_qos); other != others->first_shaped.end()) {
            const std::string &name = network_.name.text(), &neighbour = other->second->network.text();
            return refuse(code::bad_parameters, Fault::conflict, "hostQos",
                          fmt::format("network '{}' has hostQos and '{}' has none; all networks of {} have it, or none has", network_.host_qos ? name : neighbour,
                                      network_.host_qos ? neighbour : name, device->text()));
        }
        if (!network_.host_qos) return;
        if (!facts_.abilities.hfsc)
            refuse(code::refused, Fault::backend, "hostQos", fmt::format("kernel {} has no HFSC (module sch_hfsc); load it, or leave hostQos out", facts_.abilities.release));
        if (network_.host_qos->in) intake();
    }

    void intake() {
        if (!facts_.abilities.police)
            refuse(code::refused, Fault::backend, "hostQos",
                   fmt::format("kernel {} has no policing (module act_police), so that hostQos.in can't be kept; load it, or leave in out", facts_.abilities.release));
        if (network_.switch_kind == SwitchKind::ovs && facts_.ovs_datapath == "netdev")
            refuse(code::refused, Fault::backend, "hostQos",
                   "the userspace datapath of Open vSwitch takes frames before hostQos.in could drop them; use its kernel datapath (module openvswitch), or leave in out");
    }

    bool needs_vlan_device() const {
        if (network_.switch_kind == SwitchKind::legacy) return network_.vlan.has_value();
        return network_.switch_kind == SwitchKind::vlan_aware && network_.is_on_host() && network_.base();
    }

    void default_route() {
        if (!network_.default_route) return;
        if (const Network* other = neighbours_.other_with_default_route(network_))
            refuse(code::bad_parameters, Fault::conflict, "defaultRoute", fmt::format("network '{}' has the default route in the same request; one can", other->name.text()));
    }

    const Network& network_;
    const Intent& wanted_;
    Neighbours& neighbours_;
    const Intent& running_;
    const Facts& facts_;
    Complaints& complaints_;
};

}  // namespace

void check_among(const Network& network, const Intent& wanted, Neighbours& neighbours, const Intent& running, const Facts& facts, Complaints& complaints) {
    NetworkCheck(network, wanted, neighbours, running, facts, complaints).run();
}

}  // namespace intent
