// The seam to the kernel: a mirror of what it has, and the one way to change it.
#pragma once

#include "bridges/state.hpp"
#include "topology/filter.hpp"
#include "topology/result.hpp"
#include "topology/services.hpp"

#include <set>
#include <span>
#include <string>
#include <vector>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Progress;
using topology::Result;

// What the kernel can do, found out once at start. False: refused before anything is touched.
struct Abilities {
    bool vlan = false;            // 802.1Q devices
    bool vlan_filtering = false;  // bridges that filter by VLAN
    bool bond = false;
    bool tap = false;
    bool filter = false;          // nftables for bridges
    bool hfsc = false;            // shares of a link, by VLAN; this, police and mirred have their classifier (flower), too
    bool htb = false;             // limits of what leaves by a link
    bool police = false;          // limits of what comes in by a link
    bool mirred = false;          // copies of what passes
    std::optional<topology::Services> services = {};  // what the host answers by role; none: the kernel can't keep it to that
    std::string release = {};     // uname -r
    bool checksums = false;       // frames can be held against where they ask for a checksum (BPF)
    bool gates = false;           // nftables tells by which bridge a frame comes (nft_meta_bridge)
    bool operator==(const Abilities&) const = default;
};

// What was heard since the last time.
struct Heard {
    bool changed = false;
    bool overrun = false;  // notifications were lost and everything was looked at again
    bool unfiltered = false;  // somebody else changed the filters of ports, the rules of the host, or what they go by
};

class Kernel {
public:
    virtual ~Kernel() = default;

    // Looks at everything and makes it the mirror. Called at start; hear() does it by itself after an overrun.
    virtual Result<> look() = 0;

    // Brings the mirror up to date with the notifications that wait; never blocks for more to come.
    virtual Result<Heard> hear() = 0;

    // Looks at these links themselves, for what notifications do not tell (sysctls).
    virtual Result<> look_at(std::span<const IfName> links) = 0;

    // The mirror as of the last look or hear.
    virtual const State& state() const = 0;

    // Carries out the ops of one phase and level as one batch, then hears what came of it, so that state() shows it.
    // New links carry the transaction's group until they carry their owner. Links are addressed by index, taken from
    // the mirror. Errors: the kernel's text, with the name of the link.
    virtual Progress apply(std::span<const Op> ops) = 0;

    // Readable when hear() has something to tell; for poll.
    virtual int descriptor() const = 0;

    virtual const Abilities& abilities() const = 0;

    // Whether hear() has been told since the last question that somebody else changed the filters of ports, the rules of the host,
    // or what they go by; whoever called it.
    virtual bool take_unfiltered() { return false; }

    // Whose filters, and gates or rules of the host, somebody else had taken away and a change put back beside what it was about;
    // or could not put back, and why. Each is told once.
    struct Restored {
        std::set<IfName> ports = {}, devices = {};
        std::string why = {};
    };
    virtual Restored take_restored() { return {}; }

    // Takes away the filters of ports that somebody else, or a netd that died, has left without a link, and of these ports.
    virtual Result<> forget_filters(const std::set<IfName>& released) = 0;

    // From whom the host takes nothing: besides those so far from these; and from these alone. What the kernel can't do is not missed.
    virtual Result<> take_no_more_from(const topology::Unheard&) { return {}; }
    virtual Result<> take_nothing_from(const topology::Unheard&) { return {}; }
};

}  // namespace bridges
