// Takes messages off the ROUTER for a moment at a time, so that timers, signals and answers to others have their turn under any load, and hands
// answers back without ever waiting for a client.
#include "netd/serve/server.hpp"

#include "netd/serve/ipc.hpp"
#include "netd/wire/request.hpp"

#include <array>
#include <zmq.h>

namespace serve {

namespace {

constexpr int most_messages_a_turn = 64;
constexpr std::chrono::milliseconds longest_turn{10};  // but for the message that is being answered then
constexpr int answers_in_flight = 4;  // a client, inside libzmq, where nobody counts their bytes
constexpr std::chrono::milliseconds a_while{50};
constexpr std::size_t most_waiting_bytes_a_client = std::size_t{32} << 20;
constexpr std::size_t most_waiting_bytes = std::size_t{64} << 20;

}  // namespace

std::string Caller::who() const {
    if (is_remote()) return "engine " + peer.engine + " (" + address + ")";
    return "uid " + std::to_string(peer.uid) + " (pid " + std::to_string(peer.pid) + ")";
}

Server::Server(loop::EventLoop& loop, Socket socket, const loop::Clock& clock, OnMessage on_message)
    : loop_(loop), socket_(std::move(socket)), clock_(clock), on_message_(std::move(on_message)) {}

Result<std::unique_ptr<Server>> Server::open(loop::EventLoop& loop, Context& context, const loop::Clock& clock,
                                             const Options& options, OnMessage on_message) {
    auto socket = Socket::open(context, ZMQ_ROUTER);
    if (!socket) return socket.error();
    if (auto done = harden(*socket, wire::most_bytes, answers_in_flight); !done) return done.error();
    // Without it an answer to nobody is dropped in silence; with it we can count. Handover stays off: who has a routing
    // id keeps it, and a second client of that name gets no connection.
    if (auto set = socket->set(ZMQ_ROUTER_MANDATORY, 1); !set) return set.error();
    if (auto bound = bind_ipc(*socket, options.endpoint, options.group); !bound) return bound.error();
    if (options.remote)
        if (auto bound = bind_curve(*socket, *options.remote); !bound) return bound.error();

    auto server = std::unique_ptr<Server>(new Server(loop, std::move(*socket), clock, std::move(on_message)));
    auto* self = server.get();
    if (options.remote) self->door_ = address_in(options.remote->endpoint);
    auto again = loop::Timer::open(loop, [] {});
    if (!again) return again.error();
    self->again_ = std::move(*again);
    // The hook does the work, since the descriptor tells only of changes; the descriptor merely ends the wait.
    if (auto watched = loop.watch(self->socket_.descriptor(), [] {}); !watched) return watched.error();
    self->hook_ = loop.before_wait([self] { return self->drain(); });
    return server;
}

Server::~Server() {
    loop_.forget(hook_);
    loop_.unwatch(socket_.descriptor());
}

bool Server::drain() {
    bool worked = send_waiting();
    const auto begun = clock_.boottime();
    for (int done = 0; done < most_messages_a_turn && receive_one(); ++done) {
        worked = true;
        if (clock_.boottime() - begun >= longest_turn) break;
    }
    if (waiting_.empty()) return worked;
    worked |= send_waiting();
    if (!worked) std::ignore = again_->at(clock_.boottime() + a_while);
    return worked;
}

bool Server::receive_one() {
    Frame identity, payload;
    if (!socket_.receive(identity)) return false;
    Caller caller{std::string(identity.bytes())};
    if (!identity.more() || !socket_.receive(payload)) return true;  // ROUTER always has a second frame
    if (payload.bytes().empty() && payload.more()) {
        caller.delimited = true;
        socket_.receive(payload);
    }
    std::size_t further = 0;
    for (bool more = payload.more(); more; ++further) {
        Frame dropped;
        more = socket_.receive(dropped) && dropped.more();
    }

    const auto badge = parse_badge(payload.property("User-Id"));
    if (!badge || badge->role == Role::none) {
        ++counters_.strangers;
        return true;
    }
    caller.role = badge->role;
    caller.peer = badge->peer;
    if (caller.is_remote()) {
        caller.address = payload.property("Peer-Address");
        caller.door = door_;
    }
    caller.arrived = clock_.boottime();
    if (further > 0) {
        misshapen(caller, payload.bytes());
        return true;
    }
    ++counters_.received;
    on_message_(std::move(caller), payload.bytes());
    return true;
}

void Server::misshapen(const Caller& caller, std::string_view payload) {
    ++counters_.misshapen;
    reply(caller, wire::write_error(wire::refusal(wire::salvage_id(payload), wire::Rpc::invalid_request, "", "a message has one frame, and this one had more")));
}

void Server::reply(const Caller& to, std::string bytes) {
    Answer answer{to.delimited, Frame(std::move(bytes))};
    if (waiting_.contains(to.identity)) return keep(to.identity, std::move(answer));
    switch (send(to.identity, answer)) {
        case Socket::Sent::whole: ++counters_.answered; return;
        case Socket::Sent::unreachable: ++counters_.unreachable; return;
        case Socket::Sent::full: return keep(to.identity, std::move(answer));
    }
}

Socket::Sent Server::send(const std::string& identity, Answer& answer) {
    std::array<Frame, 3> frames{Frame(identity), answer.delimited ? Frame() : std::move(answer.payload), Frame()};
    if (answer.delimited) frames[2] = std::move(answer.payload);
    const std::size_t last = answer.delimited ? 2 : 1;
    const auto sent = socket_.send(std::span(frames).first(last + 1));
    if (sent == Socket::Sent::full) answer.payload = std::move(frames[last]);
    return sent;
}

void Server::keep(const std::string& identity, Answer answer) {
    const std::size_t size = answer.payload.bytes().size();
    auto& waiting = waiting_[identity];
    const bool is_over = waiting.bytes + size > most_waiting_bytes_a_client || waiting_bytes_ + size > most_waiting_bytes;
    // One answer may always wait, however large: a client that asks one question at a time loses none.
    if (!waiting.answers.empty() && is_over) {
        ++counters_.overrun;
        return;
    }
    waiting.bytes += size;
    waiting_bytes_ += size;
    waiting.answers.push_back(std::move(answer));
}

// libzmq tells by its descriptor that a client has read on, but any look for messages may eat that news: so it is tried after those, too, and
// while something waits the loop does not sleep for long.
bool Server::send_waiting() {
    bool worked = false;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        worked |= send_waiting(at->first, at->second);
        at = at->second.answers.empty() ? waiting_.erase(at) : std::next(at);
    }
    return worked;
}

bool Server::send_waiting(const std::string& identity, Waiting& waiting) {
    bool worked = false;
    while (!waiting.answers.empty()) {
        auto& answer = waiting.answers.front();
        const std::size_t size = answer.payload.bytes().size();
        const auto sent = send(identity, answer);
        if (sent == Socket::Sent::full) return worked;
        ++(sent == Socket::Sent::whole ? counters_.answered : counters_.unreachable);
        waiting.bytes -= size;
        waiting_bytes_ -= size;
        waiting.answers.pop_front();
        worked = true;
    }
    return worked;
}

}  // namespace serve
