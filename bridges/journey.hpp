// Every link on its way from what it is to what it shall be, tied to what lies below it and above it: what the planner
// looks at when it decides what must go first.
#pragma once

#include "bridges/state.hpp"

#include <map>
#include <optional>
#include <vector>

namespace bridges {

struct Journey {
    const Link* want = nullptr;  // null: nothing is wanted of it
    const Link* have = nullptr;  // null: not there
    Journey* base_now = nullptr;
    Journey* base_then = nullptr;
    Journey* master_now = nullptr;
    Journey* master_then = nullptr;
    std::vector<Journey*> ports_now = {}, ports_then = {};

    bool goes = false;     // it is removed, to be made anew or for good; or it dies with its base
    bool emptied = false;  // a bond whose ports must leave before it changes
    bool bounced = false;  // a bond that goes down and up again to change
    bool lingers = false;  // the last of a bond's ports to leave it, when others have come: so the bond keeps its carrier and its MAC

    int place = 0;      // what it stands on has a lower one: bases and masters, as they shall be
    int complete = 0;   // of a bridge that VLANs stand on: the place by which its ports are in it
    bool carries = false;  // something that is wanted stands on it
    int height = 0;     // MTUs rise from below: a base is below its VLANs, ports are below their bridge
    bool late = false;  // it, or what it stands on, is made by somebody else in between

    // What is there of it once all that goes is gone. Unset where it isn't there, or nobody can know an attribute.
    std::optional<Link> left = {};
    std::optional<Mtu> mtu_then = {};  // in the end, if that can be known
    bool stirred = false;  // it is down for a moment, or its base is: the kernel drops its routes
    bool loses_v4 = false; // its last IPv4 address goes, if only for a moment, and the kernel drops its IPv4 routes

    const IfName& name() const { return want ? want->name : have->name; }
    bool is_new() const { return want && !left; }
};

bool is_bond(const Link* link);
bool is_bridge(const Link* link);

// Whether the journey's link is, in the end, a bond or a bridge.
bool becomes_bond(const Journey& journey);
bool becomes_bridge(const Journey& journey);

// A bond that has to go down to become what is wanted.
bool must_be_down(const Link* want, const Link* have);

// What is wanted of a link becomes a change of what is there, not a removal and a creation.
bool is_same_thing(const Link& want, const Link& have);

class Journeys {
public:
    // `want` is completed by what it implies: ports that nobody spoke of come back to a bond that had to be emptied. What
    // nobody can set (the MAC of a bond's port, IPv6 where the MTU is too small for it) is wanted no more.
    Journeys(const State& want, const State& have);
    Journeys(const Journeys&) = delete;
    Journeys& operator=(const Journeys&) = delete;

    // Those that are in want or have, by name.
    const std::vector<Journey*>& all() { return all_; }
    // The same, each after what it stands on.
    const std::vector<Journey*>& from_below() { return from_below_; }
    const Journey* find(const IfName& name) const;

private:
    void complete();
    void leave_out_ipv6();
    void tie();
    void decide_what_goes();
    void decide_who_lingers();
    void find_places();
    void find_heights();

    State want_, have_;
    std::map<IfName, Journey> by_name_;
    std::vector<Journey*> all_, from_below_;
};

}  // namespace bridges
