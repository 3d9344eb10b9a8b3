// What on the host is not as its definition says: the answer to "is it in sync", by network and attribute.
#pragma once

#include "netd/observe/snapshot.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace observe {

// A thing that is not there has attribute "presence", or, of a device's route or rule, the route in words; it is wanted
// "there" and found "missing".
struct Deviation {
    std::string subject = {};  // the device (or the OVS bridge or port)
    std::string attribute = {}, wanted = {}, found = {};
    bool operator==(const Deviation&) const = default;
    // Of one thing and its one attribute, however it is found.
    bool is_about_the_same_as(const Deviation& other) const { return subject == other.subject && attribute == other.attribute; }
};

struct Drift {
    using Deviations = std::map<std::string, std::vector<Deviation>>;
    Deviations networks = {};  // by name; what differs of a NIC or bond is told of every network on it that feels it
    Deviations bonds = {};     // of those that carry no network
    Deviations guests = {};    // by vm: of NICs that are in no network

    bool empty() const { return networks.empty() && bonds.empty() && guests.empty(); }
    bool operator==(const Drift&) const = default;
};

// Whatever planning the running definitions anew would change, and nothing else: no drift means an empty plan. While definitions can't
// follow their guests, what these did is none. Pure.
Drift find_drift(const Snapshot& snapshot);

// "mtu is 1500, wanted 9000", "is missing".
std::string words_of(const Deviation& deviation);

}  // namespace observe
