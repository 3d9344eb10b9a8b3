// Puts changes into an open transaction: by mutation where others write too, and only what differs from what is there.
#pragma once

#include "ovs-driver/state.hpp"
#include "topology/result.hpp"

#include <span>

struct ovsdb_idl_txn;

namespace ovs {

class Session;

// Every op says what shall be; what already is so is not written. A port or bridge to remove that is gone is no error.
// `mirror` knows the bridge of each port. Errors: conflict (somebody made or removed it meanwhile), not_found (bridge
// of a new port), invalid (port without a bridge). After an error the transaction must be dropped.
topology::Result<> write_ops(Session& session, ovsdb_idl_txn& transaction, const State& mirror, std::span<const Op> ops);

}  // namespace ovs
