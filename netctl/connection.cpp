// The only place that knows ZeroMQ. Its sockets connect in silence and for ever, so a monitor tells us of the refusals.
#include "netctl/connection.hpp"

#include "netd/wire/json.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.hpp>

namespace netctl {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

Trouble not_there(const std::string& endpoint, std::string_view why) {
    return {Exit::not_running, fmt::format("netd does not answer at {}: {}", endpoint, why), "systemctl status netd"};
}

Trouble not_allowed(const std::string& endpoint) {
    return {Exit::denied, fmt::format("netd at {} does not let you in", endpoint), "sudo netctl, or join the group netd"};
}

Trouble nonsense(std::string_view what) {
    return {Exit::failed, fmt::format("netd's answer can't be read: {}", what), "netctl version"};
}

// libzmq says that a connect failed, and not why; the kernel does.
std::optional<Trouble> knock(const std::string& endpoint) {
    constexpr std::string_view ipc = "ipc://";
    const auto path = endpoint.substr(ipc.size());
    sockaddr_un address = {};
    if (path.size() >= sizeof address.sun_path) return not_there(endpoint, "the path is too long for a socket");
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    if (path.starts_with('@')) {
        address.sun_path[0] = '\0';
        --length;
    }
    const int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door < 0) return not_there(endpoint, std::strerror(errno));
    const int failed = connect(door, reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
    close(door);
    if (failed == EACCES || failed == EPERM) return not_allowed(endpoint);
    if (failed != 0 && failed != EAGAIN) return not_there(endpoint, std::strerror(failed));
    return std::nullopt;
}

// A socket with its monitor: what can be waited for is a message, or the news that there will be none.
class Watched {
public:
    // No two of a context have the same number: libzmq frees a monitor's name only some time after its socket is closed,
    // and a name that is taken leaves the next one without news.
    Watched(zmq::context_t& context, zmq::socket_type type, std::string endpoint, std::uint64_t number)
        : endpoint_(std::move(endpoint)), socket_(context, type), monitor_(context, zmq::socket_type::pair) {
        socket_.set(zmq::sockopt::linger, 0);
        monitor_.set(zmq::sockopt::linger, 0);
        // Without a bound: who does not listen for a while would let libzmq's own thread wait to tell of one more refusal,
        // with the lock held that closing the socket needs.
        monitor_.set(zmq::sockopt::rcvhwm, 0);
        const auto name = fmt::format("inproc://monitor-{}", number);
        constexpr int news = ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                             ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
        if (zmq_socket_monitor(socket_.handle(), name.c_str(), news) == 0) monitor_.connect(name);
        else trouble_ = not_there(endpoint_, zmq_strerror(zmq_errno()));
    }
    ~Watched() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    zmq::socket_t& socket() { return socket_; }
    const std::string& endpoint() const { return endpoint_; }

    // True: a message is there. Trouble that was found is taken with take_trouble().
    bool wait_until(Clock::time_point deadline) {
        while (!trouble_) {
            const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
            std::array<zmq::pollitem_t, 2> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0}, {monitor_.handle(), 0, ZMQ_POLLIN, 0}}};
            try {
                zmq::poll(items.data(), items.size(), std::max(left, milliseconds(0)));
            } catch (const zmq::error_t& error) {
                if (error.num() != EINTR) throw;
                continue;
            }
            if (items[0].revents & ZMQ_POLLIN) return true;
            if (items[1].revents & ZMQ_POLLIN) hear_news();
            else if (left <= milliseconds(0)) return false;
        }
        return false;
    }

    std::optional<Trouble> take_trouble() { return std::exchange(trouble_, std::nullopt); }

private:
    void hear_news() {
        zmq::message_t frame, address;
        if (!monitor_.recv(frame)) return;
        if (frame.more() && !monitor_.recv(address)) return;
        std::uint16_t event = 0;
        if (frame.size() < sizeof event) return;
        std::memcpy(&event, frame.data(), sizeof event);
        switch (event) {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: met_ = true; break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: trouble_ = not_allowed(endpoint_); break;
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: trouble_ = not_there(endpoint_, "who answers there speaks no ZeroMQ"); break;
            case ZMQ_EVENT_DISCONNECTED:
                trouble_ = not_there(endpoint_, met_ ? "it hung up" : "it took the connection and hung up");
                met_ = false;
                break;
            case ZMQ_EVENT_CONNECT_RETRIED:
                if (!met_) trouble_ = knock(endpoint_);
                break;
            default: break;
        }
    }

    std::string endpoint_;
    zmq::socket_t socket_;
    zmq::socket_t monitor_;
    std::optional<Trouble> trouble_;
    bool met_ = false;
};

Trouble bad_endpoint(const std::string& endpoint, const zmq::error_t& error) {
    return {Exit::usage, fmt::format("{} is not a place to connect to: {}", endpoint, error.what()),
            "--control ipc:///run/netd/control"};
}

// Our own request has id 1 and is the only one on its connection, so the answer's id is only checked, not searched.
Answer read_answer(const zmq::message_t& message, Asked asked) {
    auto whole = wire::parse_strict({message.data<char>(), message.size()});
    // netd's own answers may be larger and carry names of strangers; then the plain reader does.
    if (!whole) {
        auto loose = json::parse(message.data<char>(), message.data<char>() + message.size(), nullptr, false);
        if (loose.is_discarded()) return nonsense(whole.error().what);
        whole = std::move(loose);
    }
    if (!whole->is_object()) return nonsense("it is no JSON-RPC");
    if (const auto error = whole->find("error"); error != whole->end() && !error->is_null()) return read_trouble(*error, asked);
    const auto result = whole->find("result");
    if (result == whole->end()) return nonsense("it has neither a result nor an error");
    return std::move(*result);
}

}  // namespace

struct Connections::Context {
    zmq::context_t zmq;
    std::uint64_t sockets = 0;  // made so far
};

struct Call::Line {
    Line(Connections::Context& context, const std::string& endpoint, Asked asked)
        : watched(context.zmq, zmq::socket_type::req, endpoint, ++context.sockets), asked(asked) {}
    Watched watched;
    Asked asked;
    std::optional<Trouble> dead;  // it never got away
};

struct Subscription::Line {
    Line(Connections::Context& context, const std::string& endpoint)
        : watched(context.zmq, zmq::socket_type::sub, endpoint, ++context.sockets) {}
    Watched watched;
    std::optional<Trouble> dead;
};

Call::Call(std::unique_ptr<Line> line) : line_(std::move(line)) {}
Call::Call(Call&&) noexcept = default;
Call& Call::operator=(Call&&) noexcept = default;
Call::~Call() = default;

std::optional<Answer> Call::wait(milliseconds most) {
    if (line_->dead) return *line_->dead;
    if (!line_->watched.wait_until(Clock::now() + most)) {
        // A call whose connection broke gets no answer any more, even if netd comes back: it forgot who asked.
        line_->dead = line_->watched.take_trouble();
        if (line_->dead) return *line_->dead;
        return std::nullopt;
    }
    zmq::message_t message;
    if (!line_->watched.socket().recv(message, zmq::recv_flags::dontwait)) return std::nullopt;
    return read_answer(message, line_->asked);
}

Subscription::Subscription(std::unique_ptr<Line> line) : line_(std::move(line)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;

std::variant<std::monostate, Heard, Trouble> Subscription::wait(milliseconds most) {
    if (line_->dead) return *line_->dead;
    if (!line_->watched.wait_until(Clock::now() + most)) {
        if (auto trouble = line_->watched.take_trouble()) return *trouble;
        return std::monostate();
    }
    zmq::message_t topic, event;
    if (!line_->watched.socket().recv(topic, zmq::recv_flags::dontwait)) return std::monostate();
    if (!topic.more() || !line_->watched.socket().recv(event)) return std::monostate();
    auto read = json::parse(event.data<char>(), event.data<char>() + event.size(), nullptr, false);
    if (!read.is_object()) return nonsense("an event is no JSON object");
    return Heard{topic.to_string(), std::move(read)};
}

void pause(milliseconds time) { zmq::poll(static_cast<zmq::pollitem_t*>(nullptr), 0, time); }

Connections::Connections(Endpoints endpoints) : endpoints_(std::move(endpoints)), context_(std::make_unique<Context>()) {}
Connections::~Connections() = default;

Call Connections::begin(const std::string& method, const json& params, Asked asked) {
    auto line = std::make_unique<Call::Line>(*context_, endpoints_.control, asked);
    try {
        line->watched.socket().connect(endpoints_.control);
        const json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
        line->watched.socket().send(zmq::buffer(wire::dump(request)), zmq::send_flags::dontwait);
    } catch (const zmq::error_t& error) {
        line->dead = bad_endpoint(endpoints_.control, error);
    }
    return Call(std::move(line));
}

Answer Connections::call(const std::string& method, const json& params, milliseconds most, Asked asked) {
    if (auto answer = begin(method, params, asked).wait(most)) return std::move(*answer);
    return Trouble{Exit::timeout, fmt::format("netd did not answer {} within {} ms", method, most.count()), "netctl --timeout 60s, or systemctl status netd"};
}

Subscription Connections::subscribe() {
    auto line = std::make_unique<Subscription::Line>(*context_, endpoints_.events);
    try {
        line->watched.socket().connect(endpoints_.events);
        line->watched.socket().set(zmq::sockopt::subscribe, "");
    } catch (const zmq::error_t& error) {
        line->dead = bad_endpoint(endpoints_.events, error);
    }
    return Subscription(std::move(line));
}

}  // namespace netctl
