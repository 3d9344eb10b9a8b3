// Follows the IDL's change tracking: removals first, then bridges (they know which ports they have), then ports.
#include "ovs-driver/mirror.hpp"

#include "ovs-driver/rows_read.hpp"
#include "ovs-driver/session.hpp"

#include <utility>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

// Resources that are as they were keep their node, so that comparing two states costs what differs.
template <class R>
bool put_if_new(topology::Keyed<R>& into, R resource) {
    const R* known = into.find(resource.key());
    if (known && *known == resource) return false;
    into.put(std::move(resource));
    return true;
}

}  // namespace

Mirror::RowId Mirror::id_of(const uuid& id) {
    return {id.parts[0], id.parts[1], id.parts[2], id.parts[3]};
}

bool Mirror::follow(Session& session) {
    changed_ = false;
    if (session.generation() != generation_) {
        read_everything(session);
    } else {
        Ids moved;
        forget_ports(session);
        follow_bridges(session, moved);
        follow_ports(session, moved);
        follow_mirrors(session);
    }
    ovsdb_idl_track_clear(session.idl());
    return changed_;
}

// Against the old state, so that after a reconnect what stayed the same is the same.
void Mirror::read_everything(Session& session) {
    generation_ = session.generation();
    const State before = std::exchange(state_, {});
    places_.clear();
    bridges_.clear();
    const ovsrec_bridge* bridge = nullptr;
    Ids all;
    OVSREC_BRIDGE_FOR_EACH (bridge, session.idl()) {
        put(*bridge);
        place_ports(*bridge, all);
    }
    const ovsrec_port* port = nullptr;
    OVSREC_PORT_FOR_EACH (port, session.idl()) put(*port);
    read_mirrors(session);
    changed_ = !(before == state_);
    if (!changed_) state_ = before;
}

void Mirror::forget_ports(Session& session) {
    const ovsrec_port* row = nullptr;
    OVSREC_PORT_FOR_EACH_TRACKED (row, session.idl()) {
        if (!ovsrec_port_is_deleted(row)) continue;
        const auto place = places_.extract(id_of(row->header_.uuid));
        if (place) changed_ |= state_.ports.erase(place.mapped().port);
    }
}

void Mirror::follow_bridges(Session& session, Ids& moved) {
    const ovsrec_bridge* row = nullptr;
    OVSREC_BRIDGE_FOR_EACH_TRACKED (row, session.idl()) {
        if (ovsrec_bridge_is_deleted(row)) forget_bridge(row->header_.uuid);
    }
    OVSREC_BRIDGE_FOR_EACH_TRACKED (row, session.idl()) {
        if (ovsrec_bridge_is_deleted(row)) continue;
        // A bridge is also told of when one of its ports changed; only its own columns matter here.
        put(*row);
        if (ovsrec_bridge_is_new(row) || ovsrec_bridge_is_updated(row, OVSREC_BRIDGE_COL_PORTS))
            place_ports(*row, moved);
    }
}

// They are few: if one has changed, all are read. A mirror does not know its bridge.
void Mirror::follow_mirrors(Session& session) {
    bool stirred = false;
    const ovsrec_mirror* mirror = nullptr;
    OVSREC_MIRROR_FOR_EACH_TRACKED (mirror, session.idl()) stirred = true;
    const ovsrec_bridge* bridge = nullptr;
    OVSREC_BRIDGE_FOR_EACH_TRACKED (bridge, session.idl())
        stirred = stirred || ovsrec_bridge_is_deleted(bridge) || ovsrec_bridge_is_updated(bridge, OVSREC_BRIDGE_COL_MIRRORS);
    if (!stirred) return;
    const auto before = state_.mirrors;
    read_mirrors(session);
    changed_ |= !(before == state_.mirrors);
}

void Mirror::read_mirrors(Session& session) {
    topology::Keyed<PortMirror> mirrors;
    const ovsrec_bridge* bridge = nullptr;
    OVSREC_BRIDGE_FOR_EACH (bridge, session.idl())
        for (std::size_t i = 0; i < bridge->n_mirrors; ++i) mirrors.put(read_mirror(*bridge->mirrors[i], IfName::observed(bridge->name)));
    state_.mirrors = std::move(mirrors);
}

void Mirror::forget_bridge(const uuid& id) {
    const auto bridge = bridges_.extract(id_of(id));
    if (bridge) changed_ |= state_.bridges.erase(bridge.mapped());
}

void Mirror::place_ports(const ovsrec_bridge& row, Ids& moved) {
    for (std::size_t i = 0; i < row.n_ports; ++i) {
        const ovsrec_port& port = *row.ports[i];
        const RowId id = id_of(port.header_.uuid);
        const auto [at, is_new] = places_.try_emplace(id, Place{IfName::observed(port.name)});
        if (!is_new && at->second.bridge && at->second.bridge->text() == row.name) continue;
        at->second.bridge = IfName::observed(row.name);
        moved.insert(id);
    }
}

void Mirror::follow_ports(Session& session, Ids& moved) {
    const ovsrec_port* row = nullptr;
    OVSREC_PORT_FOR_EACH_TRACKED (row, session.idl()) {
        if (ovsrec_port_is_deleted(row)) continue;
        put(*row);
        moved.erase(id_of(row->header_.uuid));
    }
    for (const RowId& id : moved) {  // told by their bridge only
        const uuid key = {{id[0], id[1], id[2], id[3]}};
        if ((row = ovsrec_port_get_for_uuid(session.idl(), &key))) put(*row);
    }
}

void Mirror::put(const ovsrec_bridge& row) {
    bridges_.insert_or_assign(id_of(row.header_.uuid), IfName::observed(row.name));
    changed_ |= put_if_new(state_.bridges, read_bridge(row));
}

void Mirror::put(const ovsrec_port& row) {
    const auto place = places_.find(id_of(row.header_.uuid));
    if (place == places_.end() || !place->second.bridge) return;  // in no bridge: OVSDB is about to drop it
    const IfName& bridge = *place->second.bridge;
    if (is_local_port(row, bridge)) return;
    changed_ |= put_if_new(state_.ports, read_port(row, bridge));
}

}  // namespace ovs
