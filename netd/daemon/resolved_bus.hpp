// What netd says to systemd-resolved, and the way there: calls over the system bus, answered when it is heard.
#pragma once

#include "netd/lower/leases.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <variant>

namespace netd {

// The link of this index is to have these; or what it had before anybody said anything.
struct TellLink {
    int index = 0;
    lower::Resolver resolver = {};
    bool operator==(const TellLink&) const = default;
};
struct RevertLink {
    int index = 0;
    bool operator==(const RevertLink&) const = default;
};
using LinkCall = std::variant<TellLink, RevertLink>;

class ResolvedBus {
public:
    // Who is told from within hear(): of each answer, and that resolved has started.
    struct Ears {
        std::function<void(topology::Result<>)> answered;
        std::function<void()> started;
    };

    virtual ~ResolvedBus() = default;

    // How many answers there will be. A resolved that doesn't run says no; it is not started for that.
    virtual topology::Result<int> send(const LinkCall& call) = 0;

    // Takes what has come, or waits for it this long. An error: the bus is gone, and with it all answers.
    virtual topology::Result<> hear(std::chrono::nanoseconds patience) = 0;

    // Readable when there is something to hear.
    virtual int descriptor() const = 0;
};

using OpenBus = std::function<topology::Result<std::unique_ptr<ResolvedBus>>(ResolvedBus::Ears)>;
topology::Result<std::unique_ptr<ResolvedBus>> open_resolved_bus(ResolvedBus::Ears ears);

}  // namespace netd
