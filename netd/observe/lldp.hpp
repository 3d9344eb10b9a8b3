// What a switch says of itself (IEEE 802.1AB), read from bytes that anybody on the wire may have made up.
#pragma once

#include "topology/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace observe {

// As oVirt's engine reads it. Texts are escaped: UTF-8 without control characters, whatever was sent.
struct LldpTlv {
    std::uint8_t type = 0;
    std::uint32_t oui = 0;     // organisation; 0 where the standard itself has the TLV
    std::uint8_t subtype = 0;  // of the organisation
    std::string name = {};
    std::map<std::string, std::string> properties = {};
    bool operator==(const LldpTlv&) const = default;
};

struct LldpUnit {
    std::string sender = {};         // chassis and port, as sent: who says the same again
    std::chrono::seconds ttl = {};   // 0: he leaves
    std::vector<LldpTlv> tlvs = {};  // those that are known, in the order sent
    bool operator==(const LldpUnit&) const = default;
};

// The payload of a frame of ethertype 88cc. "No": chassis, port and time to live are not the first three, a TLV is longer
// than what is there, or one of the known ones has not what it must have. Unknown TLVs are passed over. Pure.
topology::Result<LldpUnit> parse_lldp(std::span<const std::uint8_t> payload);

// Those who were heard at one NIC, at most so many; who has nothing more to say by his own word is forgotten.
class Neighbours {
public:
    static constexpr std::size_t most = 8;

    void hear(LldpUnit unit, std::chrono::nanoseconds now);

    // The TLVs of the one who was heard last and is still there; none if nobody is.
    std::vector<LldpTlv> tlvs(std::chrono::nanoseconds now) const;

private:
    struct Neighbour {
        LldpUnit unit;
        std::chrono::nanoseconds until;
    };
    std::vector<Neighbour> heard_;  // the last one at the end
};

}  // namespace observe
