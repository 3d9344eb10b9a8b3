// Networks beside the default route leave by the router that announces itself on their wire, for as long as it does.
#pragma once

#include "netd/daemon/heard_routers.hpp"
#include "netd/loop/clock.hpp"
#include "netd/observe/backends.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netd {

class RouterFollower {
public:
    using Networks = std::vector<lower::Hearing>;  // all that hear routers, of the definitions that stand

    RouterFollower(const observe::Backends& backends, const loop::Clock& clock) : backends_(backends), clock_(clock) {}

    // Takes in what was announced, before others are told how the kernel is now, who ask routers where nobody has listened. What a
    // device that came to another wire still has of what it had as it was last told is forgotten; null: nothing was told yet.
    void hear(const Networks& networks, const bridges::State* told);
    // What an earlier netd has heard, but for what it heard by these devices in a change that was taken back.
    void believe(const std::set<topology::IfName>& left, const Networks& networks, const bridges::State* told);
    // Leads them away by what was heard. True if something was changed, or tried to be.
    bool follow(const Networks& networks, const intent::Intent& standing);

    // When there is something to hear or to follow though nothing comes.
    std::optional<std::chrono::nanoseconds> next() const;
    int descriptor() const { return ear_ ? ear_->descriptor() : -1; }

private:
    static constexpr std::chrono::seconds pause_after_refusal{30};
    void open_ear(bool is_wanted);

    observe::Backends backends_;
    const loop::Clock& clock_;
    std::optional<RouterEar> ear_;      // as long as there is somebody to be heard
    std::optional<std::chrono::nanoseconds> ear_again_ = {};  // when the socket could not be had
    std::map<int, std::string> wires_;  // of the devices that hear routers
    HeardRouters routers_;
    struct Led {
        lower::Routers routers;
        Networks networks;
        bridges::State kernel;
        bool operator==(const Led&) const = default;
    };
    std::optional<Led> led_;            // by what networks were last led away
    std::map<std::uint32_t, std::chrono::nanoseconds> ways_again_;  // tables that could not be made so, and when they are tried again
};

}  // namespace netd
