// A thing of the host as people see it: a NIC, a bond, a VLAN, a bridge, a network, a port, a guest.
//
// A Node is made of what a backend saw and of what netd knows about it; it decides nothing and holds on to nothing.
#pragma once

#include "topology/fields.hpp"
#include "topology/owner.hpp"
#include "topology/result.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace topology {

// In the order in which a frame from outside meets them.
enum class NodeKind { nic, bond, vlan, bridge, ovs_bridge, network, port, guest, namespace_ };

constexpr NodeKind every_node_kind[] = {NodeKind::nic,    NodeKind::bond,       NodeKind::vlan,
                                        NodeKind::bridge, NodeKind::ovs_bridge, NodeKind::network,
                                        NodeKind::port,   NodeKind::guest,      NodeKind::namespace_};

// "nic", "bond", "vlan", "bridge", "ovs-bridge", "network", "port", "guest", "namespace".
std::string_view name_of(NodeKind kind);

// `down` is what somebody switched off; `no_carrier` is on, and nobody answers at the other end; `missing` is wanted by
// a definition and not there.
enum class NodeState { up, no_carrier, down, missing };

std::string_view name_of(NodeState state);   // "up", "no-carrier", "down", "missing": what JSON says
std::string_view words_of(NodeState state);  // "up", "no carrier", "down", "missing": what people read
inline std::string text_of(NodeState state) { return std::string(words_of(state)); }

// Tells a node from all others of the host. Its text is "nic:eth0", "network:web", "guest:web1"; the name is what the
// backend calls the thing, and may be anything that a guest thought of.
struct NodeId {
    NodeKind kind = NodeKind::nic;
    std::string name = {};

    // The inverse of text(); says no to a kind that does not exist and to an empty name.
    static Result<NodeId> parse(std::string_view text);
    std::string text() const;
    auto operator<=>(const NodeId&) const = default;
};

struct NodeIdHash {
    std::size_t operator()(const NodeId& id) const {
        return std::hash<std::string>{}(id.name) * 31 + static_cast<std::size_t>(id.kind);
    }
};

struct Counters {
    std::uint64_t rx_bytes = 0, tx_bytes = 0, rx_packets = 0, tx_packets = 0;
    bool operator==(const Counters&) const = default;
    static constexpr auto fields = std::tuple{
        Field{"rx_bytes", &Counters::rx_bytes}, Field{"tx_bytes", &Counters::tx_bytes},
        Field{"rx_packets", &Counters::rx_packets}, Field{"tx_packets", &Counters::tx_packets}};
};

// Attributes go by the names below; the views and pictures know these, others are shown as they are.
namespace attribute {
inline constexpr auto mtu = "mtu";              // "1500"
inline constexpr auto mac = "mac";              // "52:54:00:12:34:56"
inline constexpr auto addresses = "addresses";  // "192.0.2.10/24 2001:db8::10/64"
inline constexpr auto vlan = "vlan";            // the tag: of a vlan, and of a network that has one
inline constexpr auto base = "base";            // of a network that is not inside the host, the NIC or bond of its definition: "bond0"
inline constexpr auto speed = "speed";          // of a nic or bond, in Mbit/s: "10000"
inline constexpr auto mode = "mode";            // of a bond: "active-backup"
inline constexpr auto verdict = "verdict";      // of a bond or network that does not do what it is for: why not
inline constexpr auto active = "active";        // of a bond, the port that carries the traffic: "eno1"
inline constexpr auto roles = "roles";          // of a network: "management migration"
inline constexpr auto device = "device";        // what the kernel calls it, where that is not the label
inline constexpr auto folded = "folded";        // of a node that stands for many: how many
}  // namespace attribute

struct Node {
    NodeId id;
    std::string label = {};              // what people call it; the id's name where it is empty
    std::optional<NodeId> parent = {};   // what it is inside of: a port's guest or namespace
    NodeState state = NodeState::up;
    Owner owner = {};
    std::map<std::string, std::string> attributes = {};
    std::optional<Counters> counters = {};
    std::optional<std::string> problem = {};  // what is not as it should be, in words: "mtu is 1500, wanted 9000"

    const NodeId& key() const { return id; }
    NodeKind kind() const { return id.kind; }
    const std::string& title() const { return label.empty() ? id.name : label; }
    std::string attribute(const std::string& name) const;  // "" where there is none
    bool operator==(const Node&) const = default;

    static constexpr bool exact = true;
    static constexpr auto fields = std::tuple{
        Field{"label", &Node::label}, Field{"parent", &Node::parent},         Field{"state", &Node::state},
        Field{"owner", &Node::owner}, Field{"attributes", &Node::attributes}, Field{"counters", &Node::counters},
        Field{"problem", &Node::problem}};
};

}  // namespace topology
