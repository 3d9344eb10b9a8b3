// Devices first, each from what the kernel has; then networks, each from its device.
#include "netd/wire/write_capabilities.hpp"

#include "bridges/bond_options.hpp"
#include "netd/intent/same_definitions.hpp"
#include "netd/lower/naming.hpp"
#include "netd/observe/bond_health.hpp"
#include "netd/observe/devices.hpp"
#include "netd/wire/address_report.hpp"
#include "netd/wire/values.hpp"
#include "netd/wire/wiring.hpp"

namespace wire {

using bridges::Link;
using nlohmann::json;
using observe::NodeKind;

namespace {

std::string text_of(const std::optional<topology::Mac>& mac) { return mac ? mac->text() : ""; }

// Engines expect the words of sysfs' readers here, not a bool.
const char* on_off(bool value) { return value ? "on" : "off"; }

class Report {
public:
    Report(const observe::Snapshot& snapshot, const observe::Drift& drift, const Told& told)
        : snapshot_(snapshot), drift_(drift), told_(told), devices_(snapshot), wirings_(snapshot, devices_), addresses_(snapshot) {
        for (const intent::Network& network : snapshot.running.networks()) hosts_.emplace(lower::top_device(network), &network);
    }

    std::string write() {
        for (const Link& link : snapshot_.observed.kernel.links) tell(link);
        for (const intent::Network& network : snapshot_.running.networks()) tell(network);
        std::string text = "{";
        for (const auto& [kind, entries] : entries_) {
            append_quoted(text, kind);
            text += ":{";
            for (const auto& [name, entry] : entries) {
                if (text.back() != '{') text += ',';
                append_quoted(text, name);
                text.append(":").append(entry);
            }
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

    void keep(const char* kind, const std::string& name, const Entry& entry) { entries_[kind].insert_or_assign(name, entry.text()); }

    void put_mtu(Entry& entry, const std::optional<topology::Mtu>& held) const {
        const std::uint32_t mtu = held ? held->number() : 0;
        if (told_.text_mtu) entry.put("mtu", std::to_string(mtu));
        else entry.put("mtu", mtu);
    }

    std::uint32_t speed_of(const Link& link) const {
        const observe::Pace* pace = snapshot_.paces.find(link.name);
        return pace ? pace->speed : 0;
    }

    // What every entry has; a device by which the host is in a network has that network's addresses.
    Entry common(const Link& link) const {
        const auto network = hosts_.find(link.name);
        Entry entry = addresses_.of(link, network == hosts_.end() ? nullptr : network->second);
        put_mtu(entry, link.mtu);
        return entry;
    }

    static void identify(const Link& link, Entry& entry) {
        entry.put("ifindex", link.facts.index);
        entry.put("hwaddr", text_of(link.mac));
    }

    void tell(const Link& link) {
        const auto id = devices_.node_of(link.name);
        if (!id) return;
        Entry entry = common(link);
        identify(link, entry);
        if (id->kind == NodeKind::nic) add_nic(link, entry);
        else if (const auto* bond = link.as<bridges::Bond>()) add_bond(link, *bond, entry);
        else if (const auto* vlan = link.as<bridges::Vlan>()) add_vlan(link.name.text(), vlan->base.text(), vlan->id.number(), entry);
        else if (const auto* bridge = link.as<bridges::Bridge>()) add_bridge(link, *bridge, entry);
    }

    // Whether the base of the network knows of its share.
    bool has_share(const intent::Network& network) const {
        const Link* base = network.base() ? devices_.link(*network.base()) : nullptr;
        const int vlan = network.vlan ? network.vlan->number() : bridges::Share::untagged;
        return base && base->traffic && base->traffic->shares.contains({.vlan = vlan});
    }

    // Absent where nothing is promised.
    void put_qos(const Link& link, Entry& entry) const {
        const intent::Base* base = snapshot_.running.bases().find(link.name);
        if (!base) return;
        json promised = json::array();
        for (const intent::Rider& rider : base->riders) {
            const intent::Network* network = rider.shaped ? snapshot_.running.networks().find(rider.network) : nullptr;
            if (network && network->host_qos && has_share(*network))
                promised.push_back({{"hostQos", write_value(*network->host_qos)}, {"vlan", network->vlan ? network->vlan->number() : bridges::Share::untagged}});
        }
        if (!promised.empty()) entry.put("qos", promised);
    }

    void add_nic(const Link& link, Entry& entry) {
        put_qos(link, entry);
        entry.put("permhwaddr", text_of(link.facts.permanent_mac ? link.facts.permanent_mac : link.mac));
        entry.put("speed", speed_of(link));
        if (link.facts.rare.get().aggregator) entry.put("ad_aggregator_id", *link.facts.rare.get().aggregator);
        keep("nics", link.name.text(), entry);
    }

    void add_bond(const Link& link, const bridges::Bond& bond, Entry& entry) {
        const auto mode = bond.options.find("mode");
        const auto defaults = bridges::default_bond_options(mode == bond.options.end() ? "balance-rr" : mode->second);
        json options = json::object();
        // The mode itself is always told, since all else depends on it.
        for (const auto& [key, value] : bond.options) {
            const auto standard = defaults.find(key);
            if (key == "mode" || standard == defaults.end() || standard->second != value) options[key] = value;
        }
        entry.put("opts", options);
        put_qos(link, entry);
        const bridges::RareFacts& rare = link.facts.rare.get();
        entry.put("slaves", names_of(devices_.ports_of(link.name)));
        entry.put("active_slave", rare.active_port ? rare.active_port->text() : "");
        entry.put("speed", speed_of(link));
        entry.put("switch", switch_of(link.name));
        if (rare.aggregator) entry.put("ad_aggregator_id", *rare.aggregator);
        entry.put("verdict", observe::bond_verdict(link, devices_.ports_of(link.name)));
        if (rare.partner_mac) entry.put("ad_partner_mac", rare.partner_mac->text());
        keep("bondings", link.name.text(), entry);
    }

    void add_vlan(const std::string& name, const std::string& base, std::uint16_t tag, Entry& entry) {
        entry.put("iface", base);
        entry.put("vlanid", tag);
        keep("vlans", name, entry);
    }

    void add_bridge(const Link& link, const bridges::Bridge& bridge, Entry& entry) {
        entry.put("ports", names_of(devices_.ports_of(link.name)));
        entry.put("stp", on_off(has_stp(bridge)));
        // Those of most are the same, and shared.
        if (usual_options_.empty() || !(usual_options_ == bridge.options)) usual_options_ = bridge.options, usual_options_text_ = dump(write_value(bridge.options));
        entry.put_written("opts", usual_options_text_);
        keep("bridges", link.name.text(), entry);
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
        const Wiring wiring = wirings_.of(network, how, *device);
        Entry entry = common(*device);
        entry.put("iface", device->name.text());
        entry.put("bridged", network.bridged);
        entry.put("switch", intent::name_of(network.switch_kind));
        if (!network.bridged) entry.put("interface", device->name.text());
        std::vector<std::string> roles;
        for (const auto role : network.roles) roles.push_back(intent::name_of(role));
        entry.put("roles", roles);
        if (snapshot_.abilities.services && !network.roles.empty())
            entry.put("services", write_value(topology::services_of(*snapshot_.abilities.services, topology::Standing::in_network(network.roles))));
        entry.put("inSync", !drift_.networks.contains(network.name.text()));
        if (network.host_qos && has_share(network)) entry.put("hostQos", write_value(*network.host_qos));
        entry.put("stp", on_off(wiring.stp));
        entry.put("ports", wiring.ports);
        entry.put("southbound", wiring.southbound);
        if (wiring.vlan) entry.put("vlanid", wiring.vlan->number());
        if (wiring.mtu) put_mtu(entry, wiring.mtu);
        keep("networks", network.name.text(), entry);
        if (network.switch_kind == intent::SwitchKind::ovs) add_faces(network, how, wiring);
    }

    // The bridge and the VLAN that an OVS network is told as.
    void add_faces(const intent::Network& network, const observe::Realisation& how, const Wiring& wiring) {
        const Link& device = *devices_.link(how.device);
        if (network.vlan && !wiring.southbound.empty()) {
            Entry vlan = network.bridged ? AddressReport::none() : common(device);
            put_mtu(vlan, device.mtu);
            if (const Link* own = devices_.link(network.bridged ? *network.base() : how.device)) identify(*own, vlan);
            add_vlan(wiring.ports.front(), wiring.southbound, network.vlan->number(), vlan);
        }
        if (!network.bridged) return;
        Entry fake = common(device);
        identify(device, fake);
        fake.put("ports", wiring.ports);
        fake.put("stp", on_off(wiring.stp));
        fake.put("opts", json::object());
        keep("bridges", how.device.text(), fake);
    }

    const observe::Snapshot& snapshot_;
    const observe::Drift& drift_;
    const Told& told_;
    observe::Devices devices_;
    Wirings wirings_;
    AddressReport addresses_;
    bridges::Options usual_options_ = {};   // of the bridge that was told last, and these as text
    std::string usual_options_text_ = {};
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
