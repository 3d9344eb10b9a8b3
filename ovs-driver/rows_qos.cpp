// See rows_qos.hpp. A row of QoS knows the port that it was made for, so that it is found when that is gone.
#include "ovs-driver/rows_qos.hpp"

#include "ovs-driver/rows_read.hpp"
#include "ovs-driver/session.hpp"

#include <string_view>
#include <vector>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

constexpr const char* mark = "netd";

bool is_ours(const ovsrec_qos& row) { return smap_get(&row.external_ids, mark); }

}  // namespace

void write_qos(const ovsrec_port& row, const std::string& type, ovsdb_idl_txn& transaction) {
    if (read_qos(row) == type) return;
    const ovsrec_qos* old = row.qos;
    const ovsrec_qos* fresh = nullptr;
    if (!type.empty()) {
        auto* made = ovsrec_qos_insert(&transaction);
        ovsrec_qos_set_type(made, type.c_str());
        ovsrec_qos_update_external_ids_setkey(made, mark, row.name);
        fresh = made;
    }
    ovsrec_port_set_qos(&row, fresh);
    if (old && is_ours(*old)) ovsrec_qos_delete(old);
}

void sweep_qos(Session& session, const std::set<IfName>& leaving) {
    // The database counts references before it drops ports that no bridge has any more.
    for (const IfName& name : leaving) {
        const auto* port = session.port(name);
        if (port && port->qos && is_ours(*port->qos)) ovsrec_port_set_qos(port, nullptr);
    }
    std::vector<const ovsrec_qos*> stray;
    const ovsrec_qos* row = nullptr;
    OVSREC_QOS_FOR_EACH (row, session.idl()) {
        const char* name = smap_get(&row->external_ids, mark);
        if (!name) continue;
        const auto port_name = IfName::observed(name);
        const auto* port = session.port(port_name);
        if (!port || leaving.contains(port_name)) stray.push_back(row);
    }
    for (const auto* one : stray) ovsrec_qos_delete(one);
}

void write_mirror(const ovsrec_mirror& row, const PortMirror& want, const ovsrec_port* output) {
    if (want.owner && want.owner->role) ovsrec_mirror_update_external_ids_setkey(&row, mark, want.owner->role->c_str());
    ovsrec_mirror_set_select_all(&row, true);
    if (want.tags) {
        std::vector<std::int64_t> numbers;
        for (const auto& [first, last] : want.tags->ranges())
            for (std::int64_t id = first.number(); id <= last.number(); ++id) numbers.push_back(id);
        ovsrec_mirror_set_select_vlan(&row, numbers.data(), numbers.size());
    }
    if (output) ovsrec_mirror_set_output_port(&row, output);
}

const ovsrec_mirror* find_mirror(Session& session, const IfName& name) {
    const ovsrec_mirror* row = nullptr;
    OVSREC_MIRROR_FOR_EACH (row, session.idl()) {
        if (name.text() == row->name && smap_get(&row->external_ids, mark)) return row;
    }
    return nullptr;
}

}  // namespace ovs
