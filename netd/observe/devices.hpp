// What each device of the host is to people, and the look-ups that a report of the whole host needs, made once.
#pragma once

#include "netd/observe/snapshot.hpp"
#include "topology/node.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace observe {

using bridges::Link;
using topology::IfName;
using topology::NodeId;
using topology::NodeKind;
using topology::NodeState;

// A network that a port is in, and the tag that its frames have there (none: they have none).
struct Membership {
    const intent::Network* network = nullptr;
    std::string tag = {};
};

// The bridge, of whichever kind, that a network's guests are plugged into, its device for the host, and its tag inside.
struct Realisation {
    IfName bridge, device;
    std::uint16_t tag = 0;
    bool has_device = true;  // a vlan-aware network in which the host takes no part has none, but where it is copied to somebody
};

Realisation realisation_of(const intent::Network& network, const intent::Intent& running, const bridges::State& kernel);

// Points into the snapshot, which must outlive it.
class Devices {
public:
    explicit Devices(const Snapshot& snapshot);

    // Nic, bond, vlan, bridge or port. A veth that a definition stands on is a NIC, one that is plugged in is a port.
    NodeKind kind_of(const Link& link) const;

    // The device as a node of its own; none where it is the face of something else: of an OVS bridge or datapath, or of
    // an OVS network, whose foot in the host it is.
    std::optional<NodeId> node_of(const IfName& name) const;

    const Link* link(const IfName& name) const { return snapshot_.observed.kernel.links.find(name); }
    const Link* link_of_index(int index) const;
    const std::vector<const Link*>& ports_of(const IfName& master) const;
    const intent::GuestNic* guest_nic_of(const IfName& port) const;

    const Realisation& realisation(const intent::Network& network) const;
    // The OVS network whose foot in the host this port is, or null.
    const intent::Network* network_of_device(const IfName& name) const;

    // The networks that frames of this port are in, as the bridge it is on has it now.
    std::vector<Membership> networks_of(const Link& port) const;
    std::vector<Membership> networks_of(const ovs::Port& port) const;

private:
    struct Switch {
        bool by_tag = false;
        std::map<std::uint16_t, const intent::Network*> networks = {};
    };
    using ByName = std::unordered_map<std::string, Switch>;

    void learn(const intent::Network& network);
    bool is_a_base(const IfName& name) const;
    void add(const Switch& at, std::uint16_t tag, bool tagged, std::vector<Membership>& into) const;

    const Snapshot& snapshot_;
    std::unordered_map<std::string, std::vector<const Link*>> ports_;
    std::unordered_map<int, const Link*> by_index_;
    std::unordered_map<std::string, const intent::GuestNic*> guest_nics_;
    std::unordered_map<std::string, bool> bond_ports_;
    std::map<intent::NetworkName, Realisation> realisations_;
    std::unordered_map<std::string, const intent::Network*> feet_;
    ByName switches_;
};

// Up, without carrier, or down.
NodeState state_of(const Link& link);

// A NIC or bond, told without looking at the whole host: a NIC is what nobody made, or what a definition stands on.
bool is_on_the_wire(const Link& link, const Snapshot& snapshot);

// All addresses in one line.
std::string text_of_addresses(const Link& link);

}  // namespace observe
