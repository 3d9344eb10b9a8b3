// The one place that knows how OVS' schema says tags, owners and types.
#include "ovs-driver/rows_read.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

std::string_view text_of(const char* text) { return text ? text : ""; }

// What is not there is told as such ("", no MAC at all, an MTU of 0), so that what is remembered of a row has it taken away
// again.
std::string value_of(const struct smap& map, const char* key) { return std::string(text_of(smap_get(&map, key))); }

std::optional<Mac> read_mac(const char* text) {
    if (!text || !*text) return no_mac;
    auto mac = Mac::parse(text);
    return mac ? std::optional(*mac) : std::nullopt;
}

std::optional<Mac> read_mac_in_use(const char* text) {
    auto mac = Mac::parse(text_of(text));
    return mac ? std::optional(*mac) : std::nullopt;
}

// What another netd wrote and this one can't read is none, and is written anew.
std::optional<topology::Filter> read_filter(const char* text) {
    auto filter = topology::Filter::parse(text_of(text));
    return filter ? std::optional(*filter) : std::nullopt;
}

// OVS takes an access port without a tag for one of VLAN 0.
std::optional<VlanId> read_tag(const ovsrec_port& row) {
    auto tag = VlanId::from(row.n_tag ? *row.tag : 0);
    return tag ? std::optional(*tag) : std::nullopt;
}

// An unreadable number must not make the set smaller: an empty one means every tag.
std::optional<VlanSet> read_tags(const std::int64_t* numbers, std::size_t count) {
    VlanSet tags;
    for (std::size_t i = 0; i < count; ++i) {
        auto tag = VlanId::from(numbers[i]);
        if (!tag) return std::nullopt;
        tags.insert(*tag);
    }
    return tags;
}

// Its own interface has its name.
const ovsrec_interface& own_interface(const ovsrec_port& row) {
    for (std::size_t i = 0; i < row.n_interfaces; ++i)
        if (text_of(row.interfaces[i]->name) == row.name) return *row.interfaces[i];
    return *row.interfaces[0];
}

std::string read_others(const ovsrec_port& row) {
    std::set<std::string> others;
    for (std::size_t i = 0; i < row.n_interfaces; ++i)
        if (text_of(row.interfaces[i]->name) != row.name) others.emplace(text_of(row.interfaces[i]->name));
    return fmt::format("{}", fmt::join(others, ","));
}

// Other types (patch, tunnels, DPDK) are neither.
std::optional<bool> read_internal(std::string_view type) {
    if (type == "internal") return true;
    if (type.empty() || type == "system") return false;
    return std::nullopt;
}

}  // namespace

Owner read_owner(const char* mark) { return mark ? Owner::ours(mark) : Owner::foreign(); }

std::string read_protocols(const ovsrec_bridge& row) { return fmt::format("{}", fmt::join(row.protocols, row.protocols + row.n_protocols, ",")); }

std::string read_controllers(const ovsrec_bridge& row) {
    std::set<std::string> targets;
    for (std::size_t i = 0; i < row.n_controller; ++i) targets.emplace(text_of(row.controller[i]->target));
    return fmt::format("{}", fmt::join(targets, ","));
}

Bridge read_bridge(const ovsrec_bridge& row) {
    return Bridge{.name = IfName::observed(row.name),
                  .owner = read_owner(smap_get(&row.external_ids, "netd")),
                  .datapath = *row.datapath_type ? row.datapath_type : "system",
                  .mac = read_mac(smap_get(&row.other_config, "hwaddr")),
                  .stp = row.stp_enable,
                  .rstp = row.rstp_enable,
                  .protocols = read_protocols(row),
                  .fail_mode = std::string(text_of(row.fail_mode)),
                  .controllers = read_controllers(row),
                  .flood_vlans = read_tags(row.flood_vlans, row.n_flood_vlans)};
}

std::optional<Tagging> read_tagging(const ovsrec_port& row) {
    const auto mode = text_of(row.vlan_mode);
    if (mode == "access" || (mode.empty() && row.n_tag)) {
        if (row.n_tag && *row.tag == tag_of_nowhere) return Nowhere{};
        const auto tag = read_tag(row);
        return tag ? std::optional<Tagging>(Access{*tag}) : std::nullopt;
    }
    const auto tags = read_tags(row.trunks, row.n_trunks);
    if (!tags) return std::nullopt;
    if (mode == "trunk" || mode.empty()) return Trunk{.tags = *tags};
    const auto native = read_tag(row);
    if (mode == "native-untagged" && native) return Trunk{.tags = *tags, .native = *native};
    return std::nullopt;
}

PortFacts read_facts(const ovsrec_interface& row) {
    return PortFacts{.ofport = row.n_ofport ? *row.ofport : 0,
                     .error = std::string(text_of(row.error)),
                     .ifindex = row.n_ifindex ? *row.ifindex : 0,
                     .mac = read_mac_in_use(row.mac_in_use)};
}

// Only what netd made: the QoS of others is theirs.
std::string read_qos(const ovsrec_port& row) {
    return row.qos && smap_get(&row.qos->external_ids, "netd") ? row.qos->type : "";
}

PortMirror read_mirror(const ovsrec_mirror& row, const IfName& bridge) {
    PortMirror mirror{.name = IfName::observed(row.name), .bridge = bridge, .owner = read_owner(smap_get(&row.external_ids, "netd"))};
    mirror.tags.emplace();
    for (std::size_t i = 0; i < row.n_select_vlan; ++i)
        if (auto tag = VlanId::from(row.select_vlan[i])) mirror.tags->insert(*tag);
    if (row.output_port && row.select_all) mirror.output = IfName::observed(row.output_port->name);
    return mirror;
}

Port read_port(const ovsrec_port& row, const IfName& bridge) {
    Port port{.name = IfName::observed(row.name), .bridge = bridge, .owner = read_owner(smap_get(&row.external_ids, "netd"))};
    if (row.n_interfaces == 0 || (row.n_interfaces > 1 && !port.owner->is_ours())) return port;
    const ovsrec_interface& interface = own_interface(row);
    port.others = read_others(row);
    port.cvlans = read_tags(row.cvlans, row.n_cvlans);
    port.priority_tags = value_of(row.other_config, "priority-tags");
    port.internal = read_internal(text_of(interface.type));
    port.tagging = read_tagging(row);
    port.mtu = Mtu::observed(interface.n_mtu_request ? static_cast<std::uint32_t>(*interface.mtu_request) : 0);
    port.mac = read_mac(interface.mac);
    port.isolated = row.protected_;
    port.stp = smap_get_bool(&row.other_config, "stp-enable", true) || smap_get_bool(&row.other_config, "rstp-enable", true);
    port.filter = read_filter(smap_get(&row.external_ids, "netd-filter"));
    port.qos = read_qos(row);
    port.policing = Policing{static_cast<std::uint64_t>(interface.ingress_policing_rate), static_cast<std::uint64_t>(interface.ingress_policing_burst)};
    port.attached_mac = value_of(interface.external_ids, "attached-mac");
    port.iface_id = value_of(interface.external_ids, "iface-id");
    port.vm_id = value_of(interface.external_ids, "vm-id");
    if (interface.n_ofport_request) port.ofport_request = *interface.ofport_request;
    port.facts = read_facts(interface);
    return port;
}

bool is_local_port(const ovsrec_port& row, const IfName& bridge) { return bridge.text() == row.name; }

}  // namespace ovs
