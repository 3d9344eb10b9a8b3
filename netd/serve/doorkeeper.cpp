// The ZAP end of access: a ROUTER rather than a REP, so that a slow user database holds up nobody but who needs it.
#include "netd/serve/doorkeeper.hpp"

#include <array>
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

Doorkeeper::Doorkeeper(loop::EventLoop& loop, Socket socket, LookUp look_up, EngineOf engine_of)
    : loop_(loop), socket_(std::move(socket)), look_up_(std::move(look_up)), engine_of_(std::move(engine_of)) {}

Result<std::unique_ptr<Doorkeeper>> Doorkeeper::open(loop::EventLoop& loop, Context& context, LookUp look_up, EngineOf engine_of) {
    auto socket = Socket::open(context, ZMQ_ROUTER);
    if (!socket) return socket.error();
    if (auto set = socket->set(ZMQ_LINGER, 0); !set) return set.error();
    if (auto bound = socket->bind(zap_endpoint); !bound) return bound.error();
    auto users = loop::Clerk::open(loop, "netd-users", most_waiting);
    if (!users) return users.error();
    auto keys = loop::Clerk::open(loop, "netd-keys", most_waiting);
    if (!keys) return keys.error();

    auto door = std::unique_ptr<Doorkeeper>(new Doorkeeper(loop, std::move(*socket), std::move(look_up), std::move(engine_of)));
    auto* self = door.get();
    if (auto watched = loop.watch(self->socket_.descriptor(), [] {}); !watched) return watched.error();
    self->hook_ = loop.before_wait([self] { return self->drain(); });
    self->users_ = std::move(*users);
    self->keys_ = std::move(*keys);
    return door;
}

Doorkeeper::~Doorkeeper() {
    loop_.forget(hook_);
    loop_.unwatch(socket_.descriptor());
}

bool Doorkeeper::drain() {
    constexpr int most_at_once = 64;
    int done = 0;
    while (done < most_at_once && socket_.is_readable()) {
        ++done;
        if (auto question = receive()) decide(*question);
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

void Doorkeeper::decide(const Question& question) {
    if (!question.key.empty()) return ask_for_engine(question);
    if (const auto role = role_without_asking(question.peer, ::geteuid())) return answer(question, *role);
    ask_for_user(question);
}

void Doorkeeper::ask_for_user(const Question& question) {
    const bool is_asked = users_->try_give([this, question] {
        const Role role = look_up_(question.peer);
        return [this, question, role] { answer(question, role); };
    });
    if (!is_asked) turn_away(question);
}

// An engine whose key is known may all; who has another key is nobody. Who is refused never comes again over the same socket, so while a key
// can't be read he is told to.
void Doorkeeper::ask_for_engine(const Question& question) {
    const bool is_asked = keys_->try_give([this, question] {
        const auto engine = engine_of_ ? engine_of_(question.key) : Result<std::optional<std::string>>(std::nullopt);
        auto known = question;
        known.peer.engine = engine ? engine->value_or("") : "";
        return [this, known, is_told = bool(engine)] {
            if (!is_told) return refuse(known, "300", "a key can't be read, try again");
            answer(known, known.peer.is_remote() ? Role::operate : Role::none);
        };
    });
    if (!is_asked) turn_away(question);
}

void Doorkeeper::turn_away(const Question& question) {
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
