// Listens for LLDP on every NIC, also below bonds, bridges and Open vSwitch, and sends nothing itself.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/event_loop.hpp"
#include "netd/observe/lldp.hpp"
#include "netd/observe/snapshot.hpp"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace serve {

// Lives on the loop's thread. One packet socket a NIC, with a filter in the kernel, so that other frames cost netd nothing.
class LldpEar {
public:
    LldpEar(loop::EventLoop& loop, const loop::Clock& clock) : loop_(loop), clock_(clock) {}
    ~LldpEar();
    LldpEar(const LldpEar&) = delete;
    LldpEar& operator=(const LldpEar&) = delete;

    // Opens an ear on NICs that came, and closes those of NICs that went. It costs what changed.
    void follow(const observe::Snapshot& snapshot);

    // {NIC: {enabled, tlvs[]}} of protocol.md, of these NICs, or of all if none is named. Where nobody listens, why.
    nlohmann::json report(const std::vector<std::string>& devices) const;

    std::uint64_t malformed() const { return malformed_; }

private:
    struct Ear {
        loop::Fd socket = {};
        int index = 0;
        bool below = false;     // of Open vSwitch, which takes frames before protocols see them
        std::string deaf = {};  // why it hears nothing
        observe::Neighbours neighbours = {};
    };

    void listen(const std::string& nic, int index, bool below);
    void close(const std::string& nic);
    void hear(Ear& ear);

    loop::EventLoop& loop_;
    const loop::Clock& clock_;
    topology::Keyed<bridges::Link> links_;
    topology::Keyed<ovs::Port> ports_;
    std::map<std::string, Ear> ears_;
    std::uint64_t malformed_ = 0;
};

}  // namespace serve
