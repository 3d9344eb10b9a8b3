// What traffic control does on a link, as values.
#pragma once

#include "topology/fields.hpp"
#include "topology/names.hpp"

#include <cstdint>
#include <optional>
#include <set>

namespace bridges {

using topology::Field;
using topology::IfName;

// A service curve of HFSC: m1 bit/s for the first d µs, m2 bit/s from then on. The kernel is told bytes/s and µs, and
// tells the same again: its own steps (64 ns; bytes by 2^-24 of them) round up by less than one of these, and reading cuts that off.
struct Curve {
    std::uint64_t m1 = 0, d = 0, m2 = 0;
    static constexpr std::uint64_t in_bytes(std::uint64_t bits) { return (bits + 7) / 8; }
    bool operator==(const Curve& other) const;  // to the kernel
    static constexpr auto fields = std::tuple{Field{"m1", &Curve::m1}, Field{"d", &Curve::d}, Field{"m2", &Curve::m2}};
};
// What frames of one VLAN get of a link that many share (a class of HFSC).
struct Share {
    static constexpr int untagged = -1;      // and all that no other share is about
    int vlan = untagged;
    std::optional<Curve> ls = {}, ul = {}, rt = {};  // link share, upper limit, real time
    static constexpr bool exact = true;
    bool operator==(const Share&) const = default;
    bool operator<(const Share& other) const { return vlan < other.vlan; }
    static constexpr auto fields = std::tuple{Field{"vlan", &Share::vlan}, Field{"ls", &Share::ls}, Field{"ul", &Share::ul},
                                              Field{"rt", &Share::rt}};
};
// A limit: average for as long as it takes, `burst` bytes at once or, if that is set, at the speed of `peak`.
struct Limit {
    std::uint64_t average = 0, peak = 0;  // bytes/s; peak 0: as fast as it goes
    std::uint64_t burst = 0;              // bytes; the kernel counts in time, so that a little gets lost
    bool operator==(const Limit& other) const;
    static constexpr auto fields = std::tuple{Field{"average", &Limit::average}, Field{"peak", &Limit::peak}, Field{"burst", &Limit::burst}};
};
// What may come in by the link of frames of one VLAN; the rest is dropped.
struct Intake {
    int vlan = Share::untagged;           // untagged: frames without a tag
    Limit limit = {};
    static constexpr bool exact = true;
    bool operator==(const Intake&) const = default;
    bool operator<(const Intake& other) const { return vlan < other.vlan; }
    static constexpr auto fields = std::tuple{Field{"vlan", &Intake::vlan}, Field{"limit", &Intake::limit}};
};
// What netd's own traffic control does on the link. That of others is not seen in here, and not touched: netd's qdiscs
// and filters have numbers of their own (traffic_control.hpp).
struct Traffic {
    std::set<Share> shares = {};          // of what leaves by the link; HFSC
    std::optional<Limit> out = {};        // of all that leaves by the link: toward a guest; HTB
    std::optional<Limit> in = {};         // of all that comes in by it: from a guest; police
    std::set<Intake> intakes = {};        // of what comes in by it, by VLAN; police
    std::set<IfName> copies = {};         // links that get a copy of all that passes, both ways; mirred
    std::set<IfName> copies_in = {};      // links that get a copy of what comes in by it; none of those above
    bool checksums = false;               // a frame that comes in by it may have a checksum written into its own header, and no other byte; BPF
    static constexpr bool exact = true;
    bool operator==(const Traffic&) const = default;
    static constexpr auto fields = std::tuple{Field{"shares", &Traffic::shares}, Field{"out", &Traffic::out},
                                              Field{"in", &Traffic::in}, Field{"intakes", &Traffic::intakes}, Field{"copies", &Traffic::copies},
                                              Field{"copies_in", &Traffic::copies_in}, Field{"checksums", &Traffic::checksums}};
};

}  // namespace bridges
