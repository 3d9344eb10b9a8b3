// The rows of QoS that belong to ports, and the rows of Mirror that belong to bridges.
#pragma once

#include "ovs-driver/state.hpp"

#include <set>
#include <string>

struct ovsdb_idl_txn;
struct ovsrec_mirror;
struct ovsrec_port;

namespace ovs {

class Session;

// Gives the port a QoS row of that type, marked as netd's; "": takes netd's away. Rows of others are replaced only where
// one is wanted, and never deleted.
void write_qos(const ovsrec_port& row, const std::string& type, ovsdb_idl_txn& transaction);

// The database never deletes a row of QoS by itself. Deletes those of netd's whose port is gone, or is `leaving` in this
// very transaction.
void sweep_qos(Session& session, const std::set<IfName>& leaving);

// The columns of a mirror that shall be; `output` is the row of its port, null if that is not spoken of.
void write_mirror(const ovsrec_mirror& row, const PortMirror& want, const ovsrec_port* output);

// Netd's mirror of that name.
const ovsrec_mirror* find_mirror(Session& session, const IfName& name);

}  // namespace ovs
