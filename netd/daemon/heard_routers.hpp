// Which routers announce themselves on which wires, for how long, and whom of them a wire's network leaves by.
#pragma once

#include "netd/daemon/router_ear.hpp"
#include "netd/lower/router_ways.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace netd {

// Times are of loop::Clock::boottime(). Pure but for what it remembers.
class HeardRouters {
public:
    using Time = std::chrono::nanoseconds;

    // These devices count, by index, each with a name of the wire that it is on; what was known of others, or of other wires, is
    // forgotten.
    void keep_only(const std::map<int, std::string>& wires);

    void take(const Announcement& announcement, Time now);
    // What an earlier netd has heard: it holds until the router had time to answer a question.
    void believe(int device, const lower::Router& router, Time now);
    // Forgets what nobody has heard of for as long as was said.
    void expire(Time now);

    // By whom a wire is left: the one that wants to be preferred; of several, who was it before; and by whom otherwise. Another one a second at most, so that
    // who announces much moves little.
    std::optional<lower::Router> of(int device) const;

    // When there is something to expire().
    std::optional<Time> next() const;

private:
    struct Heard {
        Time until{};
        int preference = 0;
    };
    struct Wire {
        std::string name = {};
        std::map<topology::IpAddress, Heard> routers = {};
        std::map<topology::Subnet, Time> on_link = {};  // each until then; also of who leads nowhere
        std::optional<lower::Router> best = {};
        Time settled{};   // since when it is that
        bool is_due = false;  // it would be another one
    };
    void settle(Wire& wire, Time now) const;

    std::map<int, Wire> wires_;
};

}  // namespace netd
