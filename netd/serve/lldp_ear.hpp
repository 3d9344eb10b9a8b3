// Listens for LLDP on every NIC, also below bonds, bridges and Open vSwitch, and sends nothing itself.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/clerk.hpp"
#include "netd/observe/lldp.hpp"
#include "netd/observe/snapshot.hpp"

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

namespace serve {

// Lives on the loop's thread. A filter in the kernel keeps all other frames away, so that they cost netd nothing. What takes the
// lock under which links change (joining the group, leaving it, closing what has joined) is a clerk's, for it may take seconds.
class LldpEar {
public:
    static topology::Result<std::unique_ptr<LldpEar>> open(loop::EventLoop& loop, const loop::Clock& clock);
    ~LldpEar();
    LldpEar(const LldpEar&) = delete;
    LldpEar& operator=(const LldpEar&) = delete;

    // Opens an ear on NICs that came, and closes those of NICs that went: some at once, the others as the loop turns. One hears as
    // soon as the kernel lets it.
    void follow(observe::Published snapshot);

    // {NIC: {enabled, tlvs[]}} of protocol.md, of these NICs, or of all if none is named. Where nobody listens, why.
    nlohmann::json report(const std::vector<std::string>& devices);

    std::uint64_t malformed() const { return malformed_; }

private:
    struct Ear {
        loop::Fd own = {};      // only below Open vSwitch, which takes frames before protocols see them
        int index = 0;
        bool below = false;
        std::string deaf = {};  // why it hears nothing
        observe::Neighbours neighbours = {};
    };

    LldpEar(loop::EventLoop& loop, const loop::Clock& clock) : loop_(loop), clock_(clock) {}
    bool work_off();
    void attend(const topology::IfName& name);
    topology::Result<> open(loop::Fd& ear, int nic, bool below);
    void listen(const std::string& nic, int index, bool below);
    void join(const std::string& nic, int index, int socket);
    void let_nics_in();
    void close(const std::string& nic);
    void hear(int socket);

    loop::EventLoop& loop_;
    const loop::Clock& clock_;
    observe::Published snapshot_ = std::make_shared<const observe::Snapshot>();
    std::set<topology::IfName> due_;   // links that have changed and were not attended to yet
    bool are_others_ = false;          // devices by which frames may come
    std::map<std::string, Ear> ears_;
    loop::Fd shared_;           // of all NICs but those below Open vSwitch
    std::set<int> let_in_;      // the devices whose frames its filter lets through
    std::uint64_t malformed_ = 0;
    loop::EventLoop::Ticket ticket_ = 0;
    std::unique_ptr<loop::Clerk> clerk_;  // last: what it does is with the sockets above
};

}  // namespace serve
