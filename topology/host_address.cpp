// Addresses that are somebody's, but never one host's.
#include "topology/host_address.hpp"

#include <cstdint>

namespace topology {
namespace {

// Whether all bits behind the prefix are as in `wanted`, which is all zeros or all ones.
bool host_bits_are(const Subnet& address, unsigned wanted) {
    for (unsigned bit = address.length(); bit < 32; ++bit)
        if ((address.address().data()[bit / 8] >> (7 - bit % 8) & 1u) != wanted) return false;
    return true;
}

}  // namespace

std::string_view unfit_for_a_host(const Subnet& address) {
    const bool is_v6 = address.is_v6();
    const std::uint8_t first = address.address().data()[0];
    if (address.length() == 0) return "a prefix of length 0 is the whole world";
    if (address.address().is_unspecified() || (!is_v6 && first == 0)) return "it stands for no address at all";
    if (is_v6 ? first == 0xff : first >= 224) return "it is a multicast, broadcast or reserved address";
    if (is_v6 ? address.address().text() == "::1" : first == 127) return "it is the loopback's";
    if (is_v6 || address.length() > 30) return {};   // RFC 3021: both addresses of a /31 are hosts
    if (host_bits_are(address, 0)) return "it is the name of its subnet";
    return host_bits_are(address, 1) ? "it is the broadcast address of its subnet" : "";
}

}  // namespace topology
