// The voice of the daemon: every event goes to whoever listens, numbered, and to nobody at the expense of the daemon.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/event_loop.hpp"
#include "netd/serve/curve.hpp"
#include "netd/serve/zmq_handles.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace serve {

// Lives on the loop's thread. A subscriber that reads slowly loses events once 1000 wait for it, and sees by the hole in
// `seq` that it should ask for a snapshot. Subscriptions are input: one is at most 1 KiB (libzmq hangs up on more).
class Publisher {
public:
    struct Options {
        std::string endpoint = "ipc:///run/netd/events";
        int group = -1;
        std::string boot = {};  // tells the numbers of one run of the daemon from those of the next
        std::optional<CurveDoor> remote = {};
    };

    struct Counters {
        std::uint64_t published = 0;
        std::uint64_t subscriptions = 0;  // that a prefix found its first listener
        bool operator==(const Counters&) const = default;
    };

    // Open the Doorkeeper first. "No": see bind_ipc().
    static Result<std::unique_ptr<Publisher>> open(loop::EventLoop& loop, Context& context, const loop::Clock& clock,
                                                   const Options& options);
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    // Frame 1 is the topic, frame 2 the event (an object) with these members added: `seq`, one more for each event of
    // this run from 1 on; `topicSeq`, the same within the topic, for those who listen to some topics only; `boot`;
    // `time` in UTC; and `event`, the topic, unless the caller set it. Returns the event's number.
    std::uint64_t publish(std::string_view topic, nlohmann::json event);

    const Counters& counters() const { return counters_; }

private:
    Publisher(loop::EventLoop& loop, Socket socket, const loop::Clock& clock, std::string boot);
    bool drain();

    loop::EventLoop& loop_;
    Socket socket_;
    const loop::Clock& clock_;
    std::string boot_;
    std::map<std::string, std::uint64_t, std::less<>> by_topic_;  // as many as there are kinds of events
    Counters counters_ = {};
    loop::EventLoop::Ticket hook_ = 0;
};

// "2026-01-31T12:00:00.123Z".
std::string utc(std::chrono::nanoseconds since_1970);

}  // namespace serve
