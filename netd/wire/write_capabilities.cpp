// Devices first, each from what the kernel has; then networks, each from its device.
#include "netd/wire/write_capabilities.hpp"

#include "bridges/bond_options.hpp"
#include "netd/intent/same_definitions.hpp"
#include "netd/lower/naming.hpp"
#include "netd/observe/bond_health.hpp"
#include "netd/observe/devices.hpp"
#include "netd/wire/address_report.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <iterator>

namespace wire {

using bridges::Link;
using nlohmann::json;
using observe::NodeKind;

namespace {

template <class Kind>
const Kind* as(const Link& link) {
    return link.kind ? std::get_if<Kind>(&*link.kind) : nullptr;
}

std::string text_of(const std::optional<topology::Mac>& mac) { return mac ? mac->text() : ""; }

// Engines expect the words of sysfs' readers here, not a bool.
const char* on_off(bool value) { return value ? "on" : "off"; }

class Report {
public:
    Report(const observe::Snapshot& snapshot, const observe::Drift& drift, const Told& told)
        : snapshot_(snapshot), drift_(drift), told_(told), devices_(snapshot), addresses_(snapshot) {
        // A bridge that many networks share would be looked through for each of them: so all ports are asked once.
        for (const Link& link : snapshot.observed.kernel.links) take_member(link);
        for (const ovs::Port& port : snapshot.observed.ovs.ports) take_member(port);
        for (const intent::Network& network : snapshot.running.networks()) hosts_.emplace(lower::top_device(network), &network);
    }

    std::string write() {
        for (const Link& link : snapshot_.observed.kernel.links) tell(link);
        for (const intent::Network& network : snapshot_.running.networks()) tell(network);
        std::string text = "{";
        for (const auto& [kind, entries] : entries_) {
            fmt::format_to(std::back_inserter(text), R"("{}":{{)", kind);
            for (const auto& [name, entry] : entries) fmt::format_to(std::back_inserter(text), "{}{}:{}", text.back() == '{' ? "" : ",", dump(name), entry);
            text += "},";
        }
        return text.append(dump(rest()), 1);
    }

private:
    // What is told of the host as a whole.
    json rest() const {
        json report;
        report["nameservers"] = snapshot_.nameservers;
        report["supportsIPv6"] = true;
        report["netConfigDirty"] = !intent::define_the_same(snapshot_.running, snapshot_.committed);
        report["ovnConfigured"] = false;
        const auto& can = snapshot_.abilities;
        report["backends"] = {
            {"kernel", {{"release", can.release}, {"vlan", can.vlan}, {"vlan_filtering", can.vlan_filtering}, {"bond", can.bond}, {"tap", can.tap}, {"filter", can.filter}, {"services", can.services.has_value()},
                        {"hfsc", can.hfsc}, {"htb", can.htb}, {"police", can.police}, {"mirred", can.mirred}, {"gates", can.gates}}},
            {"ovs", {{"connected", snapshot_.ovs_connected}, {"where", snapshot_.ovs_where}, {"datapath", snapshot_.ovs_datapath}}}};
        return report;
    }

    void keep(const char* kind, const topology::IfName& name, const json& entry) { keep(kind, name.text(), entry); }
    void keep(const char* kind, const std::string& name, const json& entry) { entries_[kind].insert_or_assign(name, dump(entry)); }

    json mtu_of(const std::optional<topology::Mtu>& held) const {
        const std::uint32_t mtu = held ? held->number() : 0;
        return told_.text_mtu ? json(std::to_string(mtu)) : json(mtu);
    }

    std::uint32_t speed_of(const Link& link) const {
        const observe::Pace* pace = snapshot_.paces.find(link.name);
        return pace ? pace->speed : 0;
    }

    // What every entry has; a device by which the host is in a network has that network's addresses.
    json common(const Link& link) const {
        const auto network = hosts_.find(link.name);
        json entry = addresses_.of(link, network == hosts_.end() ? nullptr : network->second);
        entry["mtu"] = mtu_of(link.mtu);
        return entry;
    }

    static void identify(const Link& link, json& entry) {
        entry["ifindex"] = link.facts.index;
        entry["hwaddr"] = text_of(link.mac);
    }

    void tell(const Link& link) {
        const auto id = devices_.node_of(link.name);
        if (!id) return;
        json entry = common(link);
        identify(link, entry);
        if (id->kind == NodeKind::nic) add_nic(link, std::move(entry));
        else if (const auto* bond = as<bridges::Bond>(link)) add_bond(link, *bond, std::move(entry));
        else if (const auto* vlan = as<bridges::Vlan>(link)) add_vlan(link.name.text(), vlan->base.text(), vlan->id.number(), std::move(entry));
        else if (const auto* bridge = as<bridges::Bridge>(link)) add_bridge(link, *bridge, std::move(entry));
    }

    // Whether the base of the network knows of its share.
    bool has_share(const intent::Network& network) const {
        const Link* base = network.base() ? devices_.link(*network.base()) : nullptr;
        const int vlan = network.vlan ? network.vlan->number() : bridges::Share::untagged;
        return base && base->traffic && base->traffic->shares.contains({.vlan = vlan});
    }

    // Absent where nothing is promised.
    void add_qos(const Link& link, json& entry) const {
        const intent::Base* base = snapshot_.running.bases().find(link.name);
        if (!base) return;
        for (const intent::Rider& rider : base->riders) {
            const intent::Network* network = rider.shaped ? snapshot_.running.networks().find(rider.network) : nullptr;
            if (network && network->host_qos && has_share(*network))
                entry["qos"].push_back({{"hostQos", write_value(*network->host_qos)}, {"vlan", network->vlan ? network->vlan->number() : bridges::Share::untagged}});
        }
    }

    void add_nic(const Link& link, json entry) {
        add_qos(link, entry);
        entry["permhwaddr"] = text_of(link.facts.permanent_mac ? link.facts.permanent_mac : link.mac);
        entry["speed"] = speed_of(link);
        if (link.facts.rare.get().aggregator) entry["ad_aggregator_id"] = *link.facts.rare.get().aggregator;
        keep("nics", link.name, entry);
    }

    void add_bond(const Link& link, const bridges::Bond& bond, json entry) {
        const auto mode = bond.options.find("mode");
        const auto defaults = bridges::default_bond_options(mode == bond.options.end() ? "balance-rr" : mode->second);
        json& options = entry["opts"] = json::object();
        // The mode itself is always told, since all else depends on it.
        for (const auto& [key, value] : bond.options) {
            const auto standard = defaults.find(key);
            if (key == "mode" || standard == defaults.end() || standard->second != value) options[key] = value;
        }
        add_qos(link, entry);
        const bridges::RareFacts& rare = link.facts.rare.get();
        entry["slaves"] = ports_of(link.name);
        entry["active_slave"] = rare.active_port ? rare.active_port->text() : "";
        entry["speed"] = speed_of(link);
        entry["switch"] = switch_of(link.name);
        if (rare.aggregator) entry["ad_aggregator_id"] = *rare.aggregator;
        entry["verdict"] = observe::bond_verdict(link, devices_.ports_of(link.name));
        if (rare.partner_mac) entry["ad_partner_mac"] = rare.partner_mac->text();
        keep("bondings", link.name, entry);
    }

    void add_vlan(const std::string& name, const std::string& base, std::uint16_t tag, json entry) {
        entry["iface"] = base;
        entry["vlanid"] = tag;
        keep("vlans", name, entry);
    }

    void add_bridge(const Link& link, const bridges::Bridge& bridge, json entry) {
        entry["ports"] = ports_of(link.name);
        entry["stp"] = on_off(has_stp(bridge));
        entry["opts"] = write_value(bridge.options);
        keep("bridges", link.name, entry);
    }

    static bool has_stp(const bridges::Bridge& bridge) {
        const auto stp = bridge.options.find("stp_state");
        return stp != bridge.options.end() && stp->second == "1";
    }

    json ports_of(const topology::IfName& master) const {
        json names = json::array();
        for (const Link* port : devices_.ports_of(master)) names.push_back(port->name.text());
        return names;
    }

    const char* switch_of(const topology::IfName& base) const {
        const intent::Base* there = snapshot_.running.bases().find(base);
        if (there) return intent::name_of(there->riders.begin()->switch_kind);
        const intent::Bond* bond = snapshot_.running.bonds().find(base);
        return intent::name_of(bond ? bond->switch_kind : intent::SwitchKind::legacy);
    }

    void tell(const intent::Network& network) {
        const observe::Realisation& how = devices_.realisation(network);
        // A vlan-aware network in which the host takes no part is its bridge.
        const Link* device = devices_.link(how.has_device ? how.device : how.bridge);
        if (!device) return;
        json entry = common(*device);
        entry["iface"] = device->name.text();
        entry["bridged"] = network.bridged;
        entry["switch"] = intent::name_of(network.switch_kind);
        entry["stp"] = on_off(false);
        if (!network.bridged) entry["interface"] = device->name.text();
        json& roles = entry["roles"] = json::array();
        for (const auto role : network.roles) roles.push_back(intent::name_of(role));
        if (snapshot_.abilities.services && !network.roles.empty()) entry["services"] = write_value(topology::services_of(*snapshot_.abilities.services, topology::Standing::in_network(network.roles)));
        entry["inSync"] = !drift_.networks.contains(network.name.text());
        entry["ports"] = json::array();
        entry["southbound"] = "";
        if (network.host_qos && has_share(network)) entry["hostQos"] = write_value(*network.host_qos);
        switch (network.switch_kind) {
            case intent::SwitchKind::legacy: add_bridged(network, *device, entry); break;
            case intent::SwitchKind::vlan_aware: add_vlan_aware(network, how, entry); break;
            case intent::SwitchKind::ovs: add_switched(network, how, entry); break;
        }
        keep("networks", network.name.text(), entry);
    }

    // Where it leads to the wire: the port that the definition means, if it is one.
    void add_bridged(const intent::Network& network, const Link& device, json& entry) {
        if (const auto* bridge = as<bridges::Bridge>(device)) {
            entry["ports"] = ports_of(device.name);
            entry["stp"] = on_off(has_stp(*bridge));
        }
        if (!network.base()) return;
        const auto meant = network.vlan ? lower::vlan_device(*network.base(), *network.vlan) : *network.base();
        const Link* southbound = devices_.link(meant);
        const bool is_it = southbound && (meant == device.name || (southbound->master && southbound->master->of == device.name));
        if (!is_it) return;
        entry["southbound"] = meant.text();
        if (const auto* vlan = as<bridges::Vlan>(*southbound)) entry["vlanid"] = vlan->id.number();
    }

    void add_vlan_aware(const intent::Network& network, const observe::Realisation& how, json& entry) {
        if (!network.base()) return add_bridged(network, *devices_.link(how.device), entry);
        if (network.vlan) entry["vlanid"] = network.vlan->number();
        const Link* bridge = devices_.link(how.bridge);
        // What it shares has the largest MTU of all that do.
        if (bridge && !how.has_device) entry["mtu"] = mtu_of(std::min(bridge->mtu.value_or(network.mtu), network.mtu));
        if (bridge && as<bridges::Bridge>(*bridge)) entry["stp"] = on_off(has_stp(*as<bridges::Bridge>(*bridge)));
        const Link* uplink = devices_.link(*network.base());
        if (uplink && uplink->master && uplink->master->of == how.bridge) entry["southbound"] = uplink->name.text();
        entry["ports"] = members_of(network);
    }

    template <class Port>
    void take_member(const Port& port) {
        for (const auto& one : devices_.networks_of(port)) members_[one.network].push_back(port.name.text());
    }

    json members_of(const intent::Network& network) const {
        const auto found = members_.find(&network);
        return found == members_.end() ? json::array() : json(found->second);
    }

    void add_switched(const intent::Network& network, const observe::Realisation& how, json& entry) {
        const ovs::Bridge* bridge = snapshot_.observed.ovs.bridges.find(how.bridge);
        entry["stp"] = on_off(bridge && bridge->stp.value_or(false));
        if (network.vlan) entry["vlanid"] = network.vlan->number();
        const ovs::Port* uplink = network.base() ? snapshot_.observed.ovs.ports.find(*network.base()) : nullptr;
        if (uplink && uplink->bridge == how.bridge) entry["southbound"] = uplink->name.text();
        // The uplink is told as its VLAN, and the network's foot in the host is the network itself.
        for (const json& name : members_of(network))
            if (name != entry["southbound"] && name != how.device.text()) entry["ports"].push_back(name);
        add_faces(network, how, entry);
    }

    // The bridge and the VLAN that an OVS network is told as.
    void add_faces(const intent::Network& network, const observe::Realisation& how, json& entry) {
        const std::string southbound = entry["southbound"];
        std::string wire = southbound;
        if (network.vlan && !southbound.empty()) {
            wire = lower::vlan_device(*network.base(), *network.vlan).text();
            json vlan = network.bridged ? addresses_.none() : common(*devices_.link(how.device));
            vlan["mtu"] = entry["mtu"];
            if (const Link* own = devices_.link(network.bridged ? *network.base() : how.device)) identify(*own, vlan);
            add_vlan(wire, southbound, network.vlan->number(), std::move(vlan));
        }
        if (!wire.empty()) entry["ports"].insert(entry["ports"].begin(), wire);
        if (!network.bridged) return;
        json fake = common(*devices_.link(how.device));
        identify(*devices_.link(how.device), fake);
        fake["ports"] = entry["ports"];
        fake["stp"] = entry["stp"];
        fake["opts"] = json::object();
        keep("bridges", how.device, fake);
    }

    const observe::Snapshot& snapshot_;
    const observe::Drift& drift_;
    const Told& told_;
    observe::Devices devices_;
    AddressReport addresses_;
    std::map<const intent::Network*, std::vector<std::string>> members_;
    std::map<topology::IfName, const intent::Network*> hosts_;  // devices by which the host is in a network
    // As text: thousands of entries as values take ten times the memory, and longer to free than to write.
    std::map<std::string, std::map<std::string, std::string>> entries_ = {{"networks", {}}, {"bridges", {}}, {"vlans", {}}, {"bondings", {}}, {"nics", {}}};
};

}  // namespace

std::string write_capabilities(const observe::Snapshot& snapshot, const observe::Drift& drift, const Told& told) {
    return Report(snapshot, drift, told).write();
}

std::string write_capabilities(const observe::Snapshot& snapshot, bool text_mtu) {
    return write_capabilities(snapshot, observe::find_drift(snapshot), {.text_mtu = text_mtu});
}

}  // namespace wire
