// What of the drift is put right, when, and when netd gives up: whoever undoes it each time has his reasons.
#pragma once

#include "netd/lower/attainable.hpp"
#include "netd/observe/drift.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace observe {

// The part of the drift that planning anew would put right now; what waits for a NIC, for Open vSwitch or for a guest that is
// gone is left out, unless it is on the wire of another network meanwhile. Pure.
Drift curable(const Drift& drift, const Snapshot& snapshot, const std::function<bool(const intent::GuestNic&)>& guest_is_there);

// The names of those that have drift.
struct Parts {
    std::set<std::string> networks = {}, bonds = {}, guests = {};
    bool empty() const { return networks.empty() && bonds.empty() && guests.empty(); }
    std::size_t size() const { return networks.size() + bonds.size() + guests.size(); }
    bool operator==(const Parts&) const = default;
};

// Networks and bonds that came to wait for a NIC or for Open vSwitch, from the start on: they are brought about when that comes, also
// where drift is left. Not those that differed before: somebody changed them.
class LeftOut {
public:
    // Each snapshot, since what went may be back before anybody looks; `known` is the drift of before. Costs what changes, but where
    // something went that definitions stand on.
    void follow(const Snapshot& was, const Snapshot& next, const Drift& known);
    // What waits no more and is as defined is left out no more.
    void look(const Snapshot& snapshot, const Drift& drift);
    // The part of the drift that is of these.
    Drift of(Drift drift) const;

private:
    Parts parts_;
};

// The ports of guests. Whoever holds the other end of one may give it a neighbour's MAC without any privilege, and on a Linux bridge
// the neighbour is cut off then.
std::set<std::string> ports_of_guests(const intent::Intent& intent);

// Keeps count of tries. Each deviation is tried at once, then with growing pauses, at most five times a minute; the sixth
// time it is contested: reported and left, until it has been as defined for once. Tries that were refused don't count.
class Mending {
public:
    using Time = std::chrono::nanoseconds;

    // What is to be tried now. Those tried before and not yet answered are left out. The MACs of `ports` are contested and not left:
    // they are tried on, every four seconds.
    Parts due(const Drift& curable, Time now, const std::set<std::string>& ports = {});

    // The try is over. What was refused is nobody's quarrel: it is tried again for ever, at last once a minute.
    void tried(const Parts& refused, Time now);
    // What stood in the way is gone: what was refused is tried again at once.
    void forget_refusals() { refusals_.clear(); }

    // When something is due that had to wait; none if nothing waits.
    std::optional<Time> next() const { return next_; }

    // Contested by now, and those that came to be so since the last time one asked.
    const Drift& contested() const { return contested_; }
    Drift take_newly_contested() { return std::exchange(newly_contested_, {}); }

private:
    using Deviations = Drift::Deviations;
    // What was contested and is as defined now has its tries anew.
    void forgive(const Deviations& was, const Deviations& still, char kind);
    void judge(const Deviations& found, char kind, Time now, const std::set<std::string>& ports, std::set<std::string>& due, Deviations& contested, Deviations& newly);

    struct Refusal {
        int times = 0;
        Time again = {};  // not before
    };

    std::map<std::string, std::deque<Time>> tries_;
    std::map<std::string, Refusal> refusals_;
    Drift contested_, newly_contested_;
    std::optional<Time> next_;
    bool under_way_ = false;
};

}  // namespace observe
