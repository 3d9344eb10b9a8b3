// What a hypervisor has that netd shapes: domains (the virtual machines, only looked at) and their NICs, as values.
#pragma once

#include "topology/fields.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace guests {

using topology::Field;
using topology::IfName;
using topology::Mac;
using topology::Mtu;

struct Text {
    std::string of;
    const std::string& text() const { return of; }
    auto operator<=>(const Text&) const = default;
};

// A virtual machine that is there, running or not.
struct Domain {
    std::string name;
    std::string uuid = {};
    bool active = false;  // running or paused: it has devices that can be plugged
    Text key() const { return {name}; }
    bool operator==(const Domain&) const = default;
};

// How a NIC of a domain is connected, as its hypervisor tells it. Reported, never wanted.
struct NicFacts {
    bool ours = false;         // on a tap that netd made (type 'ethernet', managed='no')
    bool isolated = false;     // kept apart from other such ports by the hypervisor itself
    std::string bridge = {};   // type 'bridge', or the bridge behind its network: plugged in by the hypervisor itself
    std::string network = {};  // libvirt's network that it was put on by name
    std::vector<std::uint16_t> tags = {};  // that the hypervisor gave to the port itself
    std::set<IfName> twins = {};           // the devices of the domain's other NICs with this MAC, of which no more is known
    bool operator==(const NicFacts&) const = default;
};

// As in bridges/: a wanted NIC leaves unset what it does not care about.
struct Nic {
    std::string domain = {};
    Mac mac;
    std::optional<IfName> device = {};        // the host's end
    std::optional<std::string> alias = {};    // "ua-…": how the NIC is named when it shall go
    std::optional<std::string> model = {};    // virtio, e1000e, rtl8139
    std::optional<std::uint32_t> queues = {};
    std::optional<bool> link = {};            // cable in
    // What a guest is told when the NIC is plugged in and can't be told later: no difference by itself.
    std::optional<Mtu> mtu = {};
    std::optional<bool> offloads = {};        // false: the guest computes its checksums itself
    NicFacts facts = {};

    struct Key {
        std::string domain;
        Mac mac;
        auto operator<=>(const Key&) const = default;
        std::string text() const { return domain + "/" + mac.text(); }
    };
    Key key() const { return {domain, mac}; }
    bool operator==(const Nic&) const = default;
    static constexpr auto fields = std::tuple{
        Field{"domain", &Nic::domain}, Field{"mac", &Nic::mac},       Field{"device", &Nic::device},
        Field{"alias", &Nic::alias},   Field{"model", &Nic::model},   Field{"queues", &Nic::queues},
        Field{"link", &Nic::link},     Field{"mtu", &Nic::mtu},       Field{"offloads", &Nic::offloads}};
};

// A logical network as the hypervisor may offer it to those who define guests there: by name.
struct Offer {
    std::string name;
    std::string bridge = {};
    bool ovs = false;
    std::optional<std::uint16_t> tag = {};  // of Open vSwitch: the hypervisor tags the port
    Text key() const { return {name}; }
    bool operator==(const Offer&) const = default;
};

std::string describe(const Nic& nic);

}  // namespace guests
