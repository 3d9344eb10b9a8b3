// The life of an OVSDB IDL: which columns it hears of, and when its rows are to be believed.
#include "ovs-driver/session.hpp"

#include "ovs-driver/library.hpp"

#include <cassert>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
void Session::Destroy::operator()(ovsdb_idl* idl) const { ovsdb_idl_destroy(idl); }

void DropTransaction::operator()(ovsdb_idl_txn* transaction) const { ovsdb_idl_txn_destroy(transaction); }

Session::Session(std::string remote) : remote_(std::move(remote)) {
    set_up_library();
    idl_.reset(ovsdb_idl_create_unconnected(&ovsrec_idl_class, false));
    monitor_columns();
    bridges_ = ovsdb_idl_index_create1(idl(), &ovsrec_bridge_col_name);
    ports_ = ovsdb_idl_index_create1(idl(), &ovsrec_port_col_name);
    interfaces_ = ovsdb_idl_index_create1(idl(), &ovsrec_interface_col_name);
    if (!remote_.empty()) ovsdb_idl_set_remote(idl(), remote_.c_str(), true);
}

Session::~Session() = default;

// No statistics and no status: they change every few seconds and nobody here reads them.
void Session::monitor_columns() {
    const ovsdb_idl_column* tracked[] = {
        &ovsrec_open_vswitch_col_bridges,
        &ovsrec_bridge_col_name, &ovsrec_bridge_col_ports, &ovsrec_bridge_col_external_ids,
        &ovsrec_bridge_col_other_config, &ovsrec_bridge_col_datapath_type, &ovsrec_bridge_col_stp_enable, &ovsrec_bridge_col_rstp_enable,
        &ovsrec_bridge_col_protocols, &ovsrec_bridge_col_fail_mode, &ovsrec_bridge_col_controller, &ovsrec_bridge_col_flood_vlans, &ovsrec_controller_col_target,
        &ovsrec_port_col_name, &ovsrec_port_col_interfaces, &ovsrec_port_col_tag, &ovsrec_port_col_vlan_mode,
        &ovsrec_port_col_trunks, &ovsrec_port_col_cvlans, &ovsrec_port_col_external_ids, &ovsrec_port_col_protected_, &ovsrec_port_col_other_config,
        &ovsrec_interface_col_name, &ovsrec_interface_col_type, &ovsrec_interface_col_mac,
        &ovsrec_interface_col_mtu_request, &ovsrec_interface_col_external_ids, &ovsrec_interface_col_ofport,
        &ovsrec_port_col_qos, &ovsrec_qos_col_type, &ovsrec_qos_col_external_ids, &ovsrec_interface_col_ingress_policing_rate,
        &ovsrec_interface_col_ingress_policing_burst, &ovsrec_bridge_col_mirrors, &ovsrec_mirror_col_name,
        &ovsrec_mirror_col_select_all, &ovsrec_mirror_col_select_vlan, &ovsrec_mirror_col_output_port, &ovsrec_mirror_col_external_ids,
        &ovsrec_interface_col_error, &ovsrec_interface_col_ifindex, &ovsrec_interface_col_mac_in_use,
        &ovsrec_interface_col_ofport_request};
    for (const auto* column : tracked) ovsdb_idl_track_add_column(idl(), column);
    for (const auto* column : {&ovsrec_open_vswitch_col_cur_cfg, &ovsrec_open_vswitch_col_next_cfg,
                               &ovsrec_open_vswitch_col_datapath_types})
        ovsdb_idl_add_column(idl(), column);
}

void Session::run() {
    ovsdb_idl_run(idl());
    notice_connection();
    notice_rebirth();
}

// The IDL calls itself connected once the socket is. Its rows are those of before until the first answer has come.
void Session::notice_connection() {
    if (!ovsdb_idl_is_connected(idl())) {
        live_ = false;
        silent_since_ = seqno();
    } else if (seqno() != silent_since_) {
        live_ = true;
    }
}

// After a new connection the IDL forgets all rows and reads them anew, and the removals in between are never told. Then
// the one row of Open_vSwitch was inserted a second time.
void Session::notice_rebirth() {
    const auto* row = root();
    if (!row) return;
    const unsigned born = ovsdb_idl_row_get_seqno(&row->header_, OVSDB_IDL_CHANGE_INSERT);
    if (generation_ && born == root_born_) return;
    root_born_ = born;
    ++generation_;
}

unsigned Session::seqno() const { return ovsdb_idl_get_seqno(idl()); }

void Session::wait(std::span<const int> readable, Clock::time_point deadline) {
    for (const int fd : readable) {
        assert(fd > 0);
        poll_fd_wait(fd, POLLIN);
    }
    ovsdb_idl_wait(idl());
    poll_timer_wait_until(monotonic_ms(deadline));
    poll_block();
}

const ovsrec_open_vswitch* Session::root() const { return ovsrec_open_vswitch_first(idl()); }

const ovsrec_bridge* Session::bridge(const IfName& name) const {
    auto* key = ovsrec_bridge_index_init_row(bridges_);
    ovsrec_bridge_index_set_name(key, name.c_str());
    const auto* found = ovsrec_bridge_index_find(bridges_, key);
    ovsrec_bridge_index_destroy_row(key);
    return found;
}

const ovsrec_port* Session::port(const IfName& name) const {
    auto* key = ovsrec_port_index_init_row(ports_);
    ovsrec_port_index_set_name(key, name.c_str());
    const auto* found = ovsrec_port_index_find(ports_, key);
    ovsrec_port_index_destroy_row(key);
    return found;
}

const ovsrec_interface* Session::interface(const IfName& name) const {
    auto* key = ovsrec_interface_index_init_row(interfaces_);
    ovsrec_interface_index_set_name(key, name.c_str());
    const auto* found = ovsrec_interface_index_find(interfaces_, key);
    ovsrec_interface_index_destroy_row(key);
    return found;
}

std::string words_of_refusal(const char* error) {
    if (!error) return "no reason given";
    json* parsed = json_from_string(error);
    std::string words = error;
    if (parsed->type == JSON_OBJECT) {
        const auto* details = static_cast<json*>(shash_find_data(json_object(parsed), "details"));
        if (details && details->type == JSON_STRING) words = json_string(details);
    }
    json_destroy(parsed);
    return words;
}

}  // namespace ovs
