// Column by column: each writes what is wanted and not yet so.
#include "ovs-driver/columns_write.hpp"

#include "ovs-driver/rows_read.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

void write_owner(const ovsrec_port& row, const Port& want) {
    if (!want.owner || *want.owner == read_owner(smap_get(&row.external_ids, "netd"))) return;
    if (want.owner->role) ovsrec_port_update_external_ids_setkey(&row, "netd", want.owner->role->c_str());
    else ovsrec_port_update_external_ids_delkey(&row, "netd");
}

void write_owner(const ovsrec_bridge& row, const Bridge& want) {
    if (!want.owner || *want.owner == read_owner(smap_get(&row.external_ids, "netd"))) return;
    if (want.owner->role) ovsrec_bridge_update_external_ids_setkey(&row, "netd", want.owner->role->c_str());
    else ovsrec_bridge_update_external_ids_delkey(&row, "netd");
}

std::vector<std::int64_t> numbers_of(const VlanSet& tags) {
    std::vector<std::int64_t> numbers;
    for (const auto& [first, last] : tags.ranges())
        for (std::int64_t id = first.number(); id <= last.number(); ++id) numbers.push_back(id);
    return numbers;
}

// All three columns, as a rest of an old mode would change the meaning of the new one.
void write_vlans(const ovsrec_port& row, const char* mode, std::optional<std::int64_t> tag, const VlanSet& trunks) {
    const auto numbers = numbers_of(trunks);
    ovsrec_port_set_vlan_mode(&row, mode);
    ovsrec_port_set_tag(&row, tag ? &*tag : nullptr, tag ? 1 : 0);
    ovsrec_port_set_trunks(&row, numbers.data(), numbers.size());
}

void write_tagging(const ovsrec_port& row, const std::optional<Tagging>& want) {
    if (!want || want == read_tagging(row)) return;
    if (std::holds_alternative<Nowhere>(*want)) return write_vlans(row, "access", tag_of_nowhere, {});
    if (const auto* access = std::get_if<Access>(&*want)) return write_vlans(row, "access", access->tag.number(), {});
    const auto& trunk = std::get<Trunk>(*want);
    if (trunk.native) return write_vlans(row, "native-untagged", trunk.native->number(), trunk.tags);
    write_vlans(row, "trunk", std::nullopt, trunk.tags);
}

void write_cvlans(const ovsrec_port& row, const std::optional<VlanSet>& want) {
    if (!want || (want->empty() && row.n_cvlans == 0)) return;
    const auto numbers = numbers_of(*want);
    ovsrec_port_set_cvlans(&row, numbers.data(), numbers.size());
}

void write_flood_vlans(const ovsrec_bridge& row, const std::optional<VlanSet>& want) {
    if (!want || (want->empty() && row.n_flood_vlans == 0)) return;
    const auto numbers = numbers_of(*want);
    ovsrec_bridge_set_flood_vlans(&row, numbers.data(), numbers.size());
}

void write_priority_tags(const ovsrec_port& row, const std::optional<std::string>& want) {
    const char* known = smap_get(&row.other_config, "priority-tags");
    if (!want || *want == std::string_view(known ? known : "")) return;
    if (want->empty()) ovsrec_port_update_other_config_delkey(&row, "priority-tags");
    else ovsrec_port_update_other_config_setkey(&row, "priority-tags", want->c_str());
}

void write_filter(const ovsrec_port& row, const std::optional<topology::Filter>& want) {
    if (!want) return;
    const char* known = smap_get(&row.external_ids, "netd-filter");
    if (!known || want->text() != known) ovsrec_port_update_external_ids_setkey(&row, "netd-filter", want->text().c_str());
}

// ovs-vswitchd speaks the protocol of both with whoever is at a port, before any flow has a say.
void write_stp(const ovsrec_port& row, const std::optional<bool>& want) {
    if (!want) return;
    for (const char* key : {"stp-enable", "rstp-enable"}) {
        const char* known = smap_get(&row.other_config, key);
        if (*want && known) ovsrec_port_update_other_config_delkey(&row, key);
        if (!*want && (!known || std::string_view(known) != "false")) ovsrec_port_update_other_config_setkey(&row, key, "false");
    }
}

void write_external_id(const ovsrec_interface& row, const char* key, const std::optional<std::string>& want) {
    if (!want) return;
    const char* known = smap_get(&row.external_ids, key);
    if (*want == std::string_view(known ? known : "")) return;
    if (want->empty()) ovsrec_interface_update_external_ids_delkey(&row, key);
    else ovsrec_interface_update_external_ids_setkey(&row, key, want->c_str());
}

void write_interface(const ovsrec_interface& row, const Port& want) {
    const bool internal = row.type && std::string_view(row.type) == "internal";
    if (want.internal && *want.internal != internal) ovsrec_interface_set_type(&row, *want.internal ? "internal" : "");
    const std::string mac = want.mac && !(*want.mac == no_mac) ? want.mac->text() : "";
    if (want.mac && mac != (row.mac ? row.mac : "")) ovsrec_interface_set_mac(&row, mac.empty() ? nullptr : mac.c_str());
    const std::int64_t mtu = want.mtu ? want.mtu->number() : 0, known = row.n_mtu_request ? *row.mtu_request : 0;
    if (want.mtu && mtu != known) ovsrec_interface_set_mtu_request(&row, &mtu, mtu ? 1 : 0);
    if (want.policing) {
        const auto rate = static_cast<std::int64_t>(want.policing->rate), burst = static_cast<std::int64_t>(want.policing->burst);
        if (row.ingress_policing_rate != rate) ovsrec_interface_set_ingress_policing_rate(&row, rate);
        if (row.ingress_policing_burst != burst) ovsrec_interface_set_ingress_policing_burst(&row, burst);
    }
    write_external_id(row, "attached-mac", want.attached_mac);
    write_external_id(row, "iface-id", want.iface_id);
    write_external_id(row, "vm-id", want.vm_id);
    if (want.ofport_request && !(row.n_ofport_request && *row.ofport_request == *want.ofport_request))
        ovsrec_interface_set_ofport_request(&row, &*want.ofport_request, 1);
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) words.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

void write_protocols(const ovsrec_bridge& row, const std::string& wanted) {
    const auto words = words_of(wanted);
    std::vector<const char*> versions;
    for (const std::string& word : words) versions.push_back(word.c_str());
    ovsrec_bridge_set_protocols(&row, versions.data(), versions.size());
}

void write_controllers(ovsdb_idl_txn& transaction, const ovsrec_bridge& row, const std::string& wanted) {
    std::vector<ovsrec_controller*> controllers;
    for (const std::string& target : words_of(wanted)) {
        controllers.push_back(ovsrec_controller_insert(&transaction));
        ovsrec_controller_set_target(controllers.back(), target.c_str());
    }
    ovsrec_bridge_set_controller(&row, controllers.data(), controllers.size());
}

}  // namespace

void write_port(const ovsrec_port& row, const ovsrec_interface& interface, const Port& want) {
    write_owner(row, want);
    write_tagging(row, want.tagging);
    write_cvlans(row, want.cvlans);
    write_priority_tags(row, want.priority_tags);
    write_filter(row, want.filter);
    write_stp(row, want.stp);
    if (want.isolated && *want.isolated != row.protected_) ovsrec_port_set_protected_(&row, *want.isolated);
    write_interface(interface, want);
}

void write_bridge(ovsdb_idl_txn& transaction, const ovsrec_bridge& row, const Bridge& want) {
    write_owner(row, want);
    const std::string known = row.datapath_type && *row.datapath_type ? row.datapath_type : "system";
    if (want.datapath && *want.datapath != known) ovsrec_bridge_set_datapath_type(&row, want.datapath->c_str());
    const char* mac = smap_get(&row.other_config, "hwaddr");
    if (want.mac && *want.mac == no_mac && mac) ovsrec_bridge_update_other_config_delkey(&row, "hwaddr");
    if (want.mac && !(*want.mac == no_mac) && (!mac || want.mac->text() != mac))
        ovsrec_bridge_update_other_config_setkey(&row, "hwaddr", want.mac->text().c_str());
    if (want.stp && *want.stp != row.stp_enable) ovsrec_bridge_set_stp_enable(&row, *want.stp);
    if (want.rstp && *want.rstp != row.rstp_enable) ovsrec_bridge_set_rstp_enable(&row, *want.rstp);
    if (want.protocols && *want.protocols != read_protocols(row)) write_protocols(row, *want.protocols);
    if (want.fail_mode && *want.fail_mode != (row.fail_mode ? row.fail_mode : ""))
        ovsrec_bridge_set_fail_mode(&row, want.fail_mode->empty() ? nullptr : want.fail_mode->c_str());
    if (want.controllers && *want.controllers != read_controllers(row)) write_controllers(transaction, row, *want.controllers);
    write_flood_vlans(row, want.flood_vlans);
}

}  // namespace ovs
