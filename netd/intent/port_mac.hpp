// The MAC of the host's end of a guest's NIC.
#pragma once

#include "topology/numbers.hpp"

namespace intent {

// As libvirt has it: the guest's but for its first byte. What is sent to a port's own MAC a bridge takes for the host's, and whoever
// holds a tap may give it any, another guest's too.
inline topology::Mac mac_of_port(const topology::Mac& guests) {
    auto bytes = guests.bytes();
    bytes[0] = bytes[0] == 0xfe ? 0xfa : 0xfe;
    return topology::Mac::of(bytes);
}

}  // namespace intent
