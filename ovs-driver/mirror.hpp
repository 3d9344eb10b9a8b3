// The State that OVSDB's rows make, kept true row by row: one changed port costs one port, not a look at three thousand.
#pragma once

#include "ovs-driver/state.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>

struct ovsrec_bridge;
struct ovsrec_port;
struct uuid;

namespace ovs {

class Session;

class Mirror {
public:
    // Takes in what the session has told since the last time; true if the state is another one now.
    bool follow(Session& session);

    const State& state() const { return state_; }

private:
    using RowId = std::array<std::uint32_t, 4>;
    struct RowHash {
        std::size_t operator()(const RowId& id) const { return (std::size_t{id[0]} << 32 | id[1]) ^ id[3]; }
    };
    // A deleted row is known by its id only, and a port does not know its bridge.
    struct Place {
        IfName port;
        std::optional<IfName> bridge = {};
    };
    using Ids = std::unordered_set<RowId, RowHash>;

    static RowId id_of(const uuid& id);
    void read_everything(Session& session);
    void follow_bridges(Session& session, Ids& moved);
    void follow_ports(Session& session, Ids& moved);
    void forget_ports(Session& session);
    void forget_bridge(const uuid& id);
    void follow_mirrors(Session& session);
    void read_mirrors(Session& session);
    void place_ports(const ovsrec_bridge& row, Ids& moved);
    void put(const ovsrec_bridge& row);
    void put(const ovsrec_port& row);

    State state_;
    std::unordered_map<RowId, Place, RowHash> places_;
    std::unordered_map<RowId, IfName, RowHash> bridges_;
    unsigned generation_ = 0;
    bool changed_ = false;
};

}  // namespace ovs
