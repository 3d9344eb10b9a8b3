// That two things of the host belong together, and how.
//
// Every edge leads from what is nearer the wire to what is nearer the guest, whichever of the two the kernel calls the
// master: NIC → bond → VLAN → bridge → network → port → guest. So "what does it stand on" is one direction for all.
#pragma once

#include "topology/fields.hpp"
#include "topology/node.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace topology {

// enslaved  one is a port of the other: nic → bond, nic, bond or vlan → bridge; bridge → a port of unknown network
// stacked   the second is made on top of the first: nic, bond or bridge → vlan
// realises  the first is what the network is made of: bridge, ovs-bridge, vlan, nic or port → network
// plugged   network → a port in it, port → the guest or namespace whose NIC it is
// peer      two ends of a pair or patch: port → port, port → namespace, bridge → bridge
enum class EdgeKind { enslaved, stacked, realises, plugged, peer };

constexpr EdgeKind every_edge_kind[] = {EdgeKind::enslaved, EdgeKind::stacked, EdgeKind::realises, EdgeKind::plugged,
                                        EdgeKind::peer};

std::string_view name_of(EdgeKind kind);

struct Edge {
    struct Key {
        NodeId from, to;
        EdgeKind kind = EdgeKind::enslaved;
        std::string text() const;
        auto operator<=>(const Key&) const = default;
    };

    EdgeKind kind = EdgeKind::enslaved;
    NodeId from, to;
    std::string label = {};  // the VLAN tag, where frames on it have one: "100", "1-10,20"

    Key key() const { return {from, to, kind}; }
    bool operator==(const Edge&) const = default;
    static constexpr auto fields = std::tuple{Field{"label", &Edge::label}};
};

}  // namespace topology
