// The conversation about flows with one bridge of ovs-vswitchd, over its management socket.
#pragma once

#include "topology/names.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct ofpbuf;
struct vconn;

namespace ovs {

// Belongs to the thread that made it, as Session does.
class OpenFlow {
public:
    using Deadline = std::chrono::steady_clock::time_point;

    // Starts to connect and never waits; ovs-vswitchd has its bridges' sockets in `folder`: "/run/openvswitch". Who does not
    // hear is not told what others do to flows. Nobody there: Fault::backend.
    static topology::Result<std::unique_ptr<OpenFlow>> open(const std::string& folder, const topology::IfName& bridge, bool hears = true);
    ~OpenFlow();
    OpenFlow(const OpenFlow&) = delete;
    OpenFlow& operator=(const OpenFlow&) = delete;

    enum class Now { connecting, ready, lost };
    // Takes in what has come.
    Now run();
    // Registers with OVS' poll loop what the next run() waits for.
    void wait();
    topology::Result<> wait_until_ready(Deadline deadline);

    // Text in the words of ovs-ofctl. All of it at one moment, or, after an error, nothing: Fault::backend with the switch's
    // word, or timeout. What others were heard to put above netd's filters goes with it.
    topology::Result<> write(std::span<const std::string> removed, std::span<const std::string> added, Deadline deadline);

    // A meter lets so many frames a second pass of the flows that say "meter:NUMBER", and so many at once.
    struct Meter {
        std::uint16_t number;
        std::uint32_t rate, burst;
    };
    // One of that number that is there stays as it is. False: this datapath has none.
    topology::Result<bool> add_meters(std::span<const Meter> meters, Deadline deadline);
    // With them go all flows that say so.
    topology::Result<> remove_meters(std::span<const std::uint16_t> numbers, Deadline deadline);

    // After somebody else changed or removed flows of netd's, until it is taken.
    bool is_disturbed() const { return disturbed_; }
    bool take_disturbed() { return std::exchange(disturbed_, false); }
    // What was heard and has not gone yet: who connects anew is not told of it again.
    std::vector<std::string> take_intruders() { return std::exchange(intruders_, {}); }
    void expect_intruders(std::vector<std::string> intruders) { intruders_ = std::move(intruders); }

    struct Count {
        std::uint64_t cookie;
        std::uint64_t packets;
    };
    // Of netd's flows.
    topology::Result<std::vector<Count>> counts(Deadline deadline);
    struct Dropped {
        std::uint16_t meter;
        std::uint64_t packets;
    };
    topology::Result<std::vector<Dropped>> dropped_by_meters(Deadline deadline);

private:
    OpenFlow(vconn* connection, bool hears) : connection_(connection), hears_(hears) {}

    topology::Result<> greet();
    topology::Result<> send(ofpbuf* message, Deadline deadline);
    template <class Refuses>
    topology::Result<> hear_out(Refuses refuses, Deadline deadline);
    template <class Type, class Take>
    topology::Result<> ask(ofpbuf* question, Type reply, Take take, Deadline deadline);
    template <class Take>
    topology::Result<> receive_until(Take is_done, Deadline deadline);
    topology::Result<> wait_until(Deadline deadline, const char* too_late);
    void overhear(ofpbuf* message);

    vconn* connection_;
    bool hears_;
    bool greeted_ = false;
    bool lost_ = false;
    bool disturbed_ = false;
    std::vector<std::string> intruders_ = {};  // flows of others above netd's filters, that are to go
};

}  // namespace ovs
