// The ZAP end of access: a ROUTER rather than a REP, so that a slow user database holds up nobody but who needs it.
#include "netd/serve/doorkeeper.hpp"

#include <array>
#include <poll.h>
#include <unistd.h>
#include <vector>
#include <zmq.h>

namespace serve {

namespace {

constexpr std::size_t most_waiting = 256;
constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";

// routing id, "", version, request id, domain, address, identity, mechanism; credentials follow, if any.
constexpr std::size_t fewest_frames = 8, most_frames = 12;

}  // namespace

Doorkeeper::Doorkeeper(loop::EventLoop& loop, Socket socket, std::unique_ptr<Questions> ask, std::unique_ptr<Answers> answered)
    : loop_(loop), socket_(std::move(socket)), ask_(std::move(ask)), answered_(std::move(answered)) {}

Result<std::unique_ptr<Doorkeeper>> Doorkeeper::open(loop::EventLoop& loop, Context& context, LookUp look_up, EngineOf engine_of) {
    auto socket = Socket::open(context, ZMQ_ROUTER);
    if (!socket) return socket.error();
    if (auto set = socket->set(ZMQ_LINGER, 0); !set) return set.error();
    if (auto bound = socket->bind(zap_endpoint); !bound) return bound.error();
    auto ask = Questions::open(most_waiting);
    if (!ask) return ask.error();
    auto answered = Answers::open();
    if (!answered) return answered.error();

    auto door = std::unique_ptr<Doorkeeper>(
        new Doorkeeper(loop, std::move(*socket), std::move(*ask), std::move(*answered)));
    auto* self = door.get();
    if (auto watched = loop.watch(self->socket_.descriptor(), [] {}); !watched) return watched.error();
    auto watched = loop.watch(self->answered_->descriptor(), [self] {
        for (const auto& found : self->answered_->take()) self->answer(found.question, found.role);
    });
    if (!watched) return watched.error();
    self->hook_ = loop.before_wait([self] { return self->drain(); });
    // It holds the mailboxes, which outlive it, and nothing else of ours.
    self->clerk_ = std::thread([look_up = std::move(look_up), engine_of = std::move(engine_of), &ask = *self->ask_, &answered = *self->answered_] {
        for (;;) {
            pollfd ready{ask.descriptor(), POLLIN, 0};
            ::poll(&ready, 1, -1);
            auto next = ask.take_one();
            if (!next) continue;
            if (!*next) return;
            answered.push(look(std::move(**next), look_up, engine_of));
        }
    });
    return door;
}

Doorkeeper::~Doorkeeper() {
    loop_.forget(hook_);
    loop_.unwatch(socket_.descriptor());
    loop_.unwatch(answered_->descriptor());
    if (!clerk_.joinable()) return;
    (void)ask_->take();  // nobody waits for these answers any more
    ask_->push(std::nullopt);
    clerk_.join();
}

bool Doorkeeper::drain() {
    constexpr int most_at_once = 64;
    int done = 0;
    while (done < most_at_once && socket_.is_readable()) {
        ++done;
        if (auto question = receive()) decide(std::move(*question));
    }
    return done > 0;
}

std::optional<Doorkeeper::Question> Doorkeeper::receive() {
    std::vector<std::string> frames;
    for (Frame frame; socket_.receive(frame);) {
        if (frames.size() < most_frames) frames.emplace_back(frame.bytes());
        if (!frame.more()) break;
    }
    const bool is_zap = frames.size() >= fewest_frames && frames[1].empty() && frames[2] == "1.0";
    if (!is_zap) {
        ++counters_.malformed;
        return std::nullopt;
    }
    Question question{frames[0], frames[3]};
    constexpr std::size_t key_bytes = 32;
    const bool has_key = frames.size() > fewest_frames && frames[8].size() == key_bytes;
    if (frames[7] == "CURVE" && frames[4] == zap_domain && has_key) {
        question.key = std::move(frames[8]);
        return question;
    }
    const auto peer = parse_peer(frames[5]);
    if (!peer || frames[4] != zap_domain || frames[7] != "NULL") {
        ++counters_.malformed;
        refuse(question, "400", "not over this socket");
        return std::nullopt;
    }
    question.peer = *peer;
    return question;
}

// An engine whose key is known may all; who has another key is nobody.
Doorkeeper::Found Doorkeeper::look(Question question, const LookUp& look_up, const EngineOf& engine_of) {
    if (question.key.empty()) {
        const Role role = look_up(question.peer);
        return {std::move(question), role};
    }
    const auto engine = engine_of ? engine_of(question.key) : std::nullopt;
    question.peer.engine = engine.value_or("");
    return {std::move(question), engine ? Role::operate : Role::none};
}

void Doorkeeper::decide(Question question) {
    if (!question.key.empty()) return ask(std::move(question));
    if (const auto role = role_without_asking(question.peer, ::geteuid())) return answer(question, *role);
    ask(std::move(question));
}

void Doorkeeper::ask(Question question) {
    if (ask_->try_push(question)) return;
    ++counters_.overrun;
    refuse(question, "300", "busy, try again");
}

void Doorkeeper::answer(const Question& question, Role role) {
    if (role == Role::none) {
        ++counters_.refused;
        return refuse(question, "400", "this user may not");
    }
    ++counters_.admitted;
    send(question, "200", "OK", write_badge({role, question.peer}));
}

void Doorkeeper::refuse(const Question& question, std::string_view status, std::string_view why) {
    send(question, status, why, "");
}

void Doorkeeper::send(const Question& question, std::string_view status, std::string_view text, std::string user) {
    std::array<Frame, 8> frames{Frame(question.asker), Frame(), Frame("1.0"), Frame(question.request),
                                Frame(std::string(status)), Frame(std::string(text)), Frame(std::move(user)), Frame()};
    // Ignored: the connection that asked may be gone by now, and nobody else waits for this.
    (void)socket_.send(frames);
}

}  // namespace serve
