// Answers libzmq's question, once a connection, whether this peer may come in and as what (ZAP, RFC 27).
#pragma once

#include "netd/loop/clerk.hpp"
#include "netd/serve/access.hpp"
#include "netd/serve/zmq_handles.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace serve {

// Open it before any socket binds, and keep it longer than they live: without it libzmq lets everybody in (the Server
// then finds no badge on their messages and drops them). The questions come over the loop; user databases are asked in one
// thread, and the folder of engines' keys is read in another, so that no engine waits for a user database. A role holds for the life of the connection. Over ipc, and over TCP
// with CURVE where the keys of engines are known; other mechanisms are refused.
class Doorkeeper {
public:
    // Blocks as it likes; called in a thread of its own.
    using LookUp = std::function<Role(const Peer&)>;
    // The name of the engine that has this public key of 32 bytes, or a "no" if that can't be told now; so is this.
    using EngineOf = std::function<Result<std::optional<std::string>>(std::string_view key)>;

    struct Counters {
        std::uint64_t admitted = 0;
        std::uint64_t refused = 0;    // known, and has no role
        std::uint64_t malformed = 0;  // no question in the sense of ZAP, or not over ipc
        std::uint64_t overrun = 0;    // too many waited for the user database already; they try again by themselves
        bool operator==(const Counters&) const = default;
    };

    static Result<std::unique_ptr<Doorkeeper>> open(loop::EventLoop& loop, Context& context, LookUp look_up, EngineOf engine_of = {});
    ~Doorkeeper();  // waits for a look-up under way
    Doorkeeper(const Doorkeeper&) = delete;
    Doorkeeper& operator=(const Doorkeeper&) = delete;

    const Counters& counters() const { return counters_; }

private:
    // What an answer must repeat.
    struct Question {
        std::string asker = {};  // libzmq's own routing id
        std::string request = {};
        Peer peer = {};
        std::string key = {};  // over TCP
    };

    Doorkeeper(loop::EventLoop& loop, Socket socket, LookUp look_up, EngineOf engine_of);
    bool drain();
    std::optional<Question> receive();
    void decide(const Question& question);
    void ask_for_user(const Question& question);
    void ask_for_engine(const Question& question);
    void turn_away(const Question& question);
    void answer(const Question& question, Role role);
    void refuse(const Question& question, std::string_view status, std::string_view why);
    void send(const Question& question, std::string_view status, std::string_view text, std::string user);

    loop::EventLoop& loop_;
    Socket socket_;
    LookUp look_up_;      // called by the clerks alone
    EngineOf engine_of_;
    Counters counters_ = {};
    loop::EventLoop::Ticket hook_ = 0;
    std::unique_ptr<loop::Clerk> users_, keys_;  // last: they are gone before what they use
};

}  // namespace serve
