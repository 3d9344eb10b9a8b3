// Ops to rows. Never a whole set of ports or external_ids: with two writers one would wipe out the other's.
#include "ovs-driver/rows_write.hpp"

#include "ovs-driver/rows_qos.hpp"
#include "ovs-driver/rows_read.hpp"
#include "ovs-driver/session.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

struct NewBridge {
    const ovsrec_bridge* row = nullptr;
    std::vector<ovsrec_port*> ports = {};
};

// ---- single columns: each writes what is wanted and not yet so ----

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

// All three columns, as a rest of an old mode would change the meaning of the new one.
void write_vlans(const ovsrec_port& row, const char* mode, std::optional<std::int64_t> tag, const VlanSet& trunks) {
    std::vector<std::int64_t> numbers;
    for (const auto& [first, last] : trunks.ranges())
        for (std::int64_t id = first.number(); id <= last.number(); ++id) numbers.push_back(id);
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

void write_filter(const ovsrec_port& row, const std::optional<topology::Filter>& want) {
    if (!want) return;
    const char* known = smap_get(&row.external_ids, "netd-filter");
    if (!known || want->text() != known) ovsrec_port_update_external_ids_setkey(&row, "netd-filter", want->text().c_str());
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

void write_port(const ovsrec_port& row, const ovsrec_interface& interface, const Port& want) {
    write_owner(row, want);
    write_tagging(row, want.tagging);
    write_filter(row, want.filter);
    if (want.isolated && *want.isolated != row.protected_) ovsrec_port_set_protected_(&row, *want.isolated);
    write_interface(interface, want);
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

void write_bridge(ovsdb_idl_txn& transaction, const ovsrec_bridge& row, const Bridge& want) {
    write_owner(row, want);
    const std::string known = row.datapath_type && *row.datapath_type ? row.datapath_type : "system";
    if (want.datapath && *want.datapath != known) ovsrec_bridge_set_datapath_type(&row, want.datapath->c_str());
    const char* mac = smap_get(&row.other_config, "hwaddr");
    if (want.mac && *want.mac == no_mac && mac) ovsrec_bridge_update_other_config_delkey(&row, "hwaddr");
    if (want.mac && !(*want.mac == no_mac) && (!mac || want.mac->text() != mac))
        ovsrec_bridge_update_other_config_setkey(&row, "hwaddr", want.mac->text().c_str());
    if (want.stp && *want.stp != row.stp_enable) ovsrec_bridge_set_stp_enable(&row, *want.stp);
    if (want.protocols && *want.protocols != read_protocols(row)) write_protocols(row, *want.protocols);
    if (want.fail_mode && *want.fail_mode != (row.fail_mode ? row.fail_mode : ""))
        ovsrec_bridge_set_fail_mode(&row, want.fail_mode->empty() ? nullptr : want.fail_mode->c_str());
    if (want.controllers && *want.controllers != read_controllers(row)) write_controllers(transaction, row, *want.controllers);
}

// ---- whole ops ----

class Writer {
public:
    Writer(Session& session, ovsdb_idl_txn& transaction, const State& mirror)
        : session_(session), transaction_(transaction), mirror_(mirror) {}

    Result<> write(std::span<const Op> ops) {
        for (const Op& op : ops) take_away(op);  // while a name still finds the old row and not a new one
        for (const Op& op : ops) {
            const auto* bridge = std::get_if<Create<Bridge>>(&op);
            if (!bridge) continue;
            if (auto made = create(bridge->now); !made) return made;
        }
        for (const Op& op : ops) {
            if (auto written = std::visit([&](const auto& held) { return carry_out(held); }, op); !written) return written;
        }
        for (auto& [name, made] : created_) ovsrec_bridge_set_ports(made.row, made.ports.data(), made.ports.size());
        sweep_qos(session_, leaving_ports_);
        return {};
    }

private:
    // What leaves in the same transaction is not in the way of what comes under its name. The ports of a bridge go with
    // it: nothing else refers to them.
    void take_away(const Op& op) {
        if (const auto* port = std::get_if<Remove<Port>>(&op)) {
            if (const auto* row = session_.port(port->was.name)) detach(*row);
            leaving_ports_.insert(port->was.name);
        }
        if (const auto* mirror = std::get_if<Remove<PortMirror>>(&op)) take_away(mirror->was);
        if (const auto* bridge = std::get_if<Remove<Bridge>>(&op)) {
            for (const Port& port : mirror_.ports)
                if (port.bridge == bridge->was.name) leaving_ports_.insert(port.name);
            if (const auto* row = session_.bridge(bridge->was.name))
                ovsrec_open_vswitch_update_bridges_delvalue(session_.root(), row);
            leaving_bridges_.insert(bridge->was.name);
        }
    }

    std::pair<ovsrec_port*, ovsrec_interface*> insert_port(const IfName& name) {
        auto* interface = ovsrec_interface_insert(&transaction_);
        ovsrec_interface_set_name(interface, name.c_str());
        auto* port = ovsrec_port_insert(&transaction_);
        ovsrec_port_set_name(port, name.c_str());
        ovsrec_port_set_interfaces(port, &interface, 1);
        return {port, interface};
    }

    Result<> create(const Bridge& want) {
        if (session_.bridge(want.name) && !leaving_bridges_.contains(want.name))
            return Error{Fault::conflict, want.name.text(), "somebody else has made a bridge of this name"};
        const auto* row = ovsrec_bridge_insert(&transaction_);
        ovsrec_bridge_set_name(row, want.name.c_str());
        write_bridge(transaction_, *row, want);
        const auto [local, interface] = insert_port(want.name);
        ovsrec_interface_set_type(interface, "internal");
        ovsrec_open_vswitch_update_bridges_addvalue(session_.root(), row);
        created_.insert_or_assign(want.name, NewBridge{row, {local}});
        return {};
    }

    // verify: if somebody removed the bridge meanwhile, the port would be added to nothing, and that would be a success.
    Result<> attach(ovsrec_port* port, const Port& want) {
        if (!want.bridge) return Error{Fault::invalid, want.name.text(), "a port needs a bridge"};
        if (const auto made = created_.find(*want.bridge); made != created_.end()) {
            made->second.ports.push_back(port);
            return {};
        }
        const auto* bridge = leaving_bridges_.contains(*want.bridge) ? nullptr : session_.bridge(*want.bridge);
        if (!bridge) return Error{Fault::not_found, want.bridge->text(), "Open vSwitch has no such bridge"};
        ovsrec_bridge_verify_name(bridge);
        ovsrec_bridge_update_ports_addvalue(bridge, port);
        return {};
    }

    void detach(const ovsrec_port& port) {
        const Port* known = mirror_.ports.find(IfName::observed(port.name));
        if (!known || !known->bridge || leaving_bridges_.contains(*known->bridge)) return;
        const auto* bridge = session_.bridge(*known->bridge);
        if (bridge) ovsrec_bridge_update_ports_delvalue(bridge, &port);
    }

    // A row of Mirror lives as long as its bridge refers to it.
    void take_away(const PortMirror& was) {
        const auto* row = find_mirror(session_, was.name);
        const auto* bridge = row && was.bridge && !leaving_bridges_.contains(*was.bridge) ? session_.bridge(*was.bridge) : nullptr;
        if (bridge) ovsrec_bridge_update_mirrors_delvalue(bridge, row);
    }

    Result<const ovsrec_port*> output_of(const PortMirror& want) const {
        if (!want.output) return nullptr;
        const auto made = made_ports_.find(*want.output);
        const auto* row = made != made_ports_.end() ? made->second : session_.port(*want.output);
        if (row) return row;
        return Error{Fault::not_found, want.output->text(), "Open vSwitch has no such port to send copies to"};
    }

    Result<> carry_out(const Create<PortMirror>& op) {
        const auto output = output_of(op.now);
        if (!output) return output.error();
        const auto* bridge = op.now.bridge ? session_.bridge(*op.now.bridge) : nullptr;
        if (!bridge) return Error{Fault::not_found, op.now.name.text(), "Open vSwitch has no such bridge"};
        auto* row = ovsrec_mirror_insert(&transaction_);
        ovsrec_mirror_set_name(row, op.now.name.c_str());
        write_mirror(*row, op.now, *output);
        ovsrec_bridge_verify_name(bridge);
        ovsrec_bridge_update_mirrors_addvalue(bridge, row);
        return {};
    }

    Result<> carry_out(const Update<PortMirror>& op) {
        const auto output = output_of(op.now);
        if (!output) return output.error();
        const auto* row = find_mirror(session_, op.now.name);
        if (!row) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this mirror"};
        ovsrec_mirror_verify_name(row);
        write_mirror(*row, op.now, *output);
        return {};
    }

    // Done before everything else.
    Result<> carry_out(const Remove<PortMirror>&) { return {}; }
    Result<> carry_out(const Remove<Port>&) { return {}; }
    Result<> carry_out(const Remove<Bridge>&) { return {}; }
    Result<> carry_out(const Create<Bridge>&) { return {}; }

    Result<> carry_out(const Update<Bridge>& op) {
        const auto* row = session_.bridge(op.now.name);
        if (!row) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this bridge"};
        ovsrec_bridge_verify_name(row);
        write_bridge(transaction_, *row, op.now);
        return {};
    }

    Result<> carry_out(const Create<Port>& op) {
        const auto& name = op.now.name;
        if (session_.port(name) && !leaving_ports_.contains(name))
            return Error{Fault::conflict, name.text(), "somebody else has made a port of this name"};
        const auto [port, interface] = insert_port(name);
        write_port(*port, *interface, op.now);
        if (op.now.qos) write_qos(*port, *op.now.qos, transaction_);
        made_ports_.insert_or_assign(name, port);
        return attach(port, op.now);
    }

    Result<> carry_out(const Update<Port>& op) {
        const auto& name = op.now.name;
        const auto* row = session_.port(name);
        const Port* known = mirror_.ports.find(name);
        if (!row || !known) return Error{Fault::conflict, name.text(), "somebody else has removed this port"};
        if (row->n_interfaces != 1) return Error{Fault::conflict, name.text(), "this port is a bond of Open vSwitch"};
        ovsrec_port_verify_name(row);
        write_port(*row, *row->interfaces[0], op.now);
        if (op.now.qos) write_qos(*row, *op.now.qos, transaction_);
        if (!op.now.bridge || (op.now.bridge == known->bridge && !leaving_bridges_.contains(*known->bridge))) return {};
        detach(*row);
        return attach(const_cast<ovsrec_port*>(row), op.now);  // only its uuid is taken
    }

    Session& session_;
    ovsdb_idl_txn& transaction_;
    const State& mirror_;
    std::map<IfName, NewBridge> created_;
    std::map<IfName, const ovsrec_port*> made_ports_;
    std::set<IfName> leaving_ports_, leaving_bridges_;
};

}  // namespace

topology::Result<> write_ops(Session& session, ovsdb_idl_txn& transaction, const State& mirror,
                             std::span<const Op> ops) {
    return Writer(session, transaction, mirror).write(ops);
}

}  // namespace ovs
