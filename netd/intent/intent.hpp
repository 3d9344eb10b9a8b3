// What the host shall be: all definitions that hold, with the look-ups that keep a change as cheap as what it changes.
#pragma once

#include "netd/intent/definition.hpp"
#include "topology/keyed.hpp"

#include <optional>
#include <string>
#include <vector>

namespace intent {

using topology::Keyed;

// A network as its base sees it.
struct Rider {
    NetworkName network;
    std::optional<VlanId> vlan = {};
    Mtu mtu = {};
    bool bridged = true;
    bool on_host = false;  // has an address (or is bridgeless): the host itself takes part in it
    bool stp = false;
    bool shaped = false;   // has a share of the base (hostQos)
    SwitchKind switch_kind = SwitchKind::legacy;
    const NetworkName& key() const { return network; }
    bool operator==(const Rider&) const = default;
};

// A NIC or bond with the networks on it.
struct Base {
    IfName device;
    Keyed<Rider> riders = {};
    const IfName& key() const { return device; }
    bool operator==(const Base&) const = default;
    Mtu mtu() const;                                  // the largest of what is on it; 1500 with nothing on it
    const Rider* with_tag(std::optional<VlanId> tag) const;
    // What the network without a tag is inside of a filtering bridge: the highest number that no other network of it has.
    VlanId inner_tag() const;
    std::optional<VlanId> number_inside() const;      // that, if there is a network without a tag
};

// The NICs of guests on one network.
struct Plugged {
    NetworkName network;
    Keyed<GuestNic> nics = {};
    const NetworkName& key() const { return network; }
    bool operator==(const Plugged&) const = default;
};

// A NIC of a guest, as its MAC finds it.
struct Bearer {
    Mac mac;
    std::string vm;
    struct Key {
        Mac mac;
        std::string vm;
        auto operator<=>(const Key&) const = default;
        std::string text() const { return mac.text() + "/" + vm; }
    };
    Key key() const { return {mac, vm}; }
    bool operator==(const Bearer&) const = default;
};

// The networks on which the host has an address of one subnet.
struct Resident {
    NetworkName network;
    const NetworkName& key() const { return network; }
    bool operator==(const Resident&) const = default;
};
struct Neighbourhood {
    Subnet subnet;
    Keyed<Resident> networks = {};
    const Subnet& key() const { return subnet; }
    bool operator==(const Neighbourhood&) const = default;
};

class Intent {
public:
    const Keyed<Network>& networks() const { return networks_; }
    const Keyed<Bond>& bonds() const { return bonds_; }
    const Keyed<GuestNic>& nics() const { return nics_; }
    const Keyed<Base>& bases() const { return bases_; }

    const Network* network(std::string_view name) const;
    const Keyed<GuestNic>& plugged_into(const NetworkName& network) const;
    // Those that get a copy of the network's traffic.
    const Keyed<GuestNic>& watching(const NetworkName& network) const;
    // Those that have this MAC, whoever's they are.
    std::vector<const GuestNic*> with_mac(const Mac& mac) const;
    // The bond that has this NIC as a port, or null.
    const Bond* bond_of(const IfName& nic) const;
    const Network* default_route() const;
    // Those whose definitions give the host an address of a subnet that has addresses in common with one of these.
    std::set<NetworkName> on_subnets(const std::set<Subnet>& subnets) const;
    // Whether there are several of them.
    bool is_shared(const Subnet& subnet) const;

    void put(const Network& network);
    void put(const Bond& bond);
    void put(const GuestNic& nic);
    void remove(const NetworkName& network);
    void remove_bond(const IfName& bond);
    void remove(const GuestNic::Key& nic);

    bool operator==(const Intent& other) const {
        return networks_ == other.networks_ && bonds_ == other.bonds_ && nics_ == other.nics_;
    }

private:
    template <class Visit>
    void around(const Subnet& subnet, Visit&& visit) const;
    void ride(const Network& network);
    void unride(const Network& network);
    void settle(const Network& network);
    void unsettle(const Network& network);

    Keyed<Network> networks_;
    Keyed<Bond> bonds_;
    Keyed<GuestNic> nics_;
    Keyed<Base> bases_;
    Keyed<Plugged> plugged_, watching_;
    Keyed<Bearer> bearers_;
    Keyed<Neighbourhood> neighbourhoods_;
    std::map<std::pair<bool, std::uint8_t>, int> lengths_;  // of IPv6 or not, how long: how many neighbourhoods have it
    std::optional<NetworkName> default_route_;
};

// The difference between two intents, which is what a journal keeps and a request asks for.
struct Delta {
    std::vector<topology::Change<Network>> networks = {};
    std::vector<topology::Change<Bond>> bonds = {};
    std::vector<topology::Change<GuestNic>> nics = {};
    bool empty() const { return networks.empty() && bonds.empty() && nics.empty(); }
};
Delta difference(const Intent& was, const Intent& now);
Intent with(Intent was, const Delta& delta);

}  // namespace intent
