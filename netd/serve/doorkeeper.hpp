// Answers libzmq's question, once a connection, whether this peer may come in and as what (ZAP, RFC 27).
#pragma once

#include "netd/loop/event_loop.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/serve/access.hpp"
#include "netd/serve/zmq_handles.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

namespace serve {

// Open it before any socket binds, and keep it longer than they live: without it libzmq lets everybody in (the Server
// then finds no badge on their messages and drops them). The questions come over the loop; user databases are asked in a
// thread of its own. A role holds for the life of the connection. Over ipc, and over TCP
// with CURVE where the keys of engines are known; other mechanisms are refused.
class Doorkeeper {
public:
    // Blocks as it likes; called in the other thread.
    using LookUp = std::function<Role(const Peer&)>;
    // The name of the engine that has this public key of 32 bytes; called there too.
    using EngineOf = std::function<std::optional<std::string>(std::string_view key)>;

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
    struct Found {
        Question question = {};
        Role role = Role::none;
    };
    static Found look(Question question, const LookUp& look_up, const EngineOf& engine_of);
    using Questions = loop::Mailbox<std::optional<Question>>;  // nothing: go home
    using Answers = loop::Mailbox<Found>;

    Doorkeeper(loop::EventLoop& loop, Socket socket, std::unique_ptr<Questions> ask, std::unique_ptr<Answers> answered);
    bool drain();
    std::optional<Question> receive();
    void decide(Question question);
    void ask(Question question);
    void answer(const Question& question, Role role);
    void refuse(const Question& question, std::string_view status, std::string_view why);
    void send(const Question& question, std::string_view status, std::string_view text, std::string user);

    loop::EventLoop& loop_;
    Socket socket_;
    std::unique_ptr<Questions> ask_;
    std::unique_ptr<Answers> answered_;
    Counters counters_ = {};
    loop::EventLoop::Ticket hook_ = 0;
    std::thread clerk_;
};

}  // namespace serve
