// The door for requests: one ROUTER that knows of each message who sent it, and of each answer whether it could leave.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/event_loop.hpp"
#include "netd/loop/timer.hpp"
#include "netd/observe/way_of_client.hpp"
#include "netd/serve/access.hpp"
#include "netd/serve/curve.hpp"
#include "netd/serve/zmq_handles.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace serve {

// Everything that an answer needs later, when the message itself is long gone.
struct Caller {
    std::string identity = {};  // ZeroMQ's routing id: an address, chosen by the client if he likes, never a right
    bool delimited = false;     // his envelope has the empty frame of a REQ, so the answer's has it too
    Role role = Role::none;
    Peer peer = {};
    std::string address = {};   // of an engine elsewhere, in numbers
    std::string door = {};      // and the host's own, at which he came in
    std::chrono::nanoseconds arrived = {};  // Clock::boottime()

    bool may_operate() const { return role == Role::operate; }
    bool is_remote() const { return peer.is_remote(); }
    observe::Connection connection() const { return {address, door}; }
    std::string who() const;  // for logs and refusals: "uid 1000 (pid 4242)", "engine east (192.0.2.7)"

    bool operator==(const Caller&) const = default;
};

// Lives on the loop's thread. REQ and DEALER clients, with or without the empty frame, get answers in their own form.
//
// Bounds: a frame has at most 4 MiB (libzmq hangs up on a longer one), a message one payload frame (more are taken off
// one by one and answered with an error). libzmq shows a message only when it is whole, so the frames of one that never
// ends pile up inside it, out of our sight: the unit's MemoryMax= and the group on the socket are what bounds that.
// Answers wait for a client that reads slowly, up to 32 MiB a client and 64 MiB in all beyond the 4 that libzmq has: these may be of
// 1.6 MB each where there are a thousand networks, and it keeps them for as long as who never reads is there.
class Server {
public:
    struct Options {
        std::string endpoint = "ipc:///run/netd/control";
        int group = -1;  // whom folder and socket are given to; −1: nobody
        std::optional<CurveDoor> remote = {};
    };

    struct Counters {
        std::uint64_t received = 0;     // messages with one payload from somebody with a badge
        std::uint64_t answered = 0;     // answers that libzmq took
        std::uint64_t unreachable = 0;  // answers to a client that is gone
        std::uint64_t overrun = 0;      // answers dropped because too many waited already
        std::uint64_t misshapen = 0;    // messages of more than one payload frame
        std::uint64_t strangers = 0;    // messages without a badge: no Doorkeeper was there when he came
        bool operator==(const Counters&) const = default;
    };

    // Called on the loop; the bytes live as long as the call. It may reply at once or at any later time.
    using OnMessage = std::function<void(Caller, std::string_view message)>;

    // Open the Doorkeeper first. "No": see bind_ipc().
    static Result<std::unique_ptr<Server>> open(loop::EventLoop& loop, Context& context, const loop::Clock& clock,
                                                const Options& options, OnMessage on_message);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // What cannot be delivered is counted, no more: the client asks again, or is dead.
    void reply(const Caller& to, std::string bytes);

    const Counters& counters() const { return counters_; }

private:
    struct Answer {
        bool delimited;
        Frame payload;
    };
    struct Waiting {
        std::deque<Answer> answers = {};
        std::size_t bytes = 0;
    };

    Server(loop::EventLoop& loop, Socket socket, const loop::Clock& clock, OnMessage on_message);
    bool drain();
    bool receive_one();
    void misshapen(const Caller& caller, std::string_view payload);
    Socket::Sent send(const std::string& identity, Answer& answer);
    void keep(const std::string& identity, Answer answer);
    bool send_waiting();
    bool send_waiting(const std::string& identity, Waiting& waiting);

    loop::EventLoop& loop_;
    Socket socket_;
    const loop::Clock& clock_;
    OnMessage on_message_;
    std::string door_ = {};  // the one address of the remote door
    std::map<std::string, Waiting> waiting_;
    std::size_t waiting_bytes_ = 0;
    Counters counters_ = {};
    loop::EventLoop::Ticket hook_ = 0;
    std::unique_ptr<loop::Timer> again_;  // ends a wait, for answers that could not be sent
};

}  // namespace serve
