// A port or a bridge into the columns of its rows, in the transaction that is open.
#pragma once

#include "ovs-driver/resources.hpp"

struct ovsdb_idl_txn;
struct ovsrec_bridge;
struct ovsrec_interface;
struct ovsrec_port;

namespace ovs {

// What is not wanted in any form stays; rows that have just been made have nothing yet.
void write_port(const ovsrec_port& row, const ovsrec_interface& interface, const Port& want);
void write_bridge(ovsdb_idl_txn& transaction, const ovsrec_bridge& row, const Bridge& want);

}  // namespace ovs
