// The C interface of libzmq and its errno, met here and nowhere else.
#include "netd/serve/zmq_handles.hpp"

#include <cassert>
#include <cerrno>
#include <new>
#include <utility>
#include <zmq.h>

namespace serve {

static_assert(sizeof(zmq_msg_t) <= 64 && alignof(zmq_msg_t) <= 8);

namespace {

Error zmq_error(std::string_view subject, std::string_view deed) {
    const int code = zmq_errno();
    const auto fault = code == EACCES || code == EPERM ? Fault::denied : code == EADDRINUSE ? Fault::conflict : Fault::backend;
    return {fault, std::string(subject), std::string(deed) + ": " + zmq_strerror(code)};
}

zmq_msg_t* message(void* raw) { return static_cast<zmq_msg_t*>(raw); }
// libzmq's getters take a pointer to non-const and change nothing.
zmq_msg_t* message(const void* raw) { return message(const_cast<void*>(raw)); }

}  // namespace

Result<std::unique_ptr<Context>> Context::open() {
    void* context = zmq_ctx_new();
    if (!context) return zmq_error("ZeroMQ", "zmq_ctx_new");
    return std::unique_ptr<Context>(new Context(context));
}

Context::~Context() {
    zmq_ctx_shutdown(context_);
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {}
}

Frame::Frame() { zmq_msg_init(message(raw())); }

Frame::Frame(std::string bytes) {
    auto held = std::make_unique<std::string>(std::move(bytes));
    const auto drop = [](void*, void* text) { delete static_cast<std::string*>(text); };
    if (zmq_msg_init_data(message(raw()), held->data(), held->size(), drop, held.get()) != 0) throw std::bad_alloc();
    (void)held.release();  // the message deletes it, in whichever thread lets go last
}

Frame::Frame(Frame&& other) noexcept : Frame() { *this = std::move(other); }

Frame& Frame::operator=(Frame&& other) noexcept {
    zmq_msg_move(message(raw()), message(other.raw()));
    return *this;
}

Frame::~Frame() { zmq_msg_close(message(raw())); }

std::string_view Frame::bytes() const {
    auto* held = message(static_cast<const void*>(storage_.data()));
    return {static_cast<const char*>(zmq_msg_data(held)), zmq_msg_size(held)};
}

bool Frame::more() const { return zmq_msg_more(message(static_cast<const void*>(storage_.data()))) != 0; }

std::string Frame::property(const char* name) const {
    const char* value = zmq_msg_gets(message(static_cast<const void*>(storage_.data())), name);
    return value ? value : "";
}

Result<Socket> Socket::open(Context& context, int type) {
    void* socket = zmq_socket(context.raw(), type);
    if (!socket) return zmq_error("ZeroMQ", "zmq_socket");
    return Socket(socket);
}

Socket::Socket(Socket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}

Socket::~Socket() {
    if (socket_) zmq_close(socket_);
}

Result<> Socket::set(int option, int value) { return set(option, {reinterpret_cast<const char*>(&value), sizeof value}); }

Result<> Socket::set(int option, std::string_view value) {
    if (zmq_setsockopt(socket_, option, value.data(), value.size()) != 0)
        return zmq_error("socket option " + std::to_string(option), "zmq_setsockopt");
    return {};
}

Result<> Socket::set_wide(int option, std::int64_t value) { return set(option, {reinterpret_cast<const char*>(&value), sizeof value}); }

Result<> Socket::bind(const std::string& endpoint) {
    if (zmq_bind(socket_, endpoint.c_str()) != 0) return zmq_error(endpoint, "bind");
    return {};
}

Result<> Socket::unbind(const std::string& endpoint) {
    if (zmq_unbind(socket_, endpoint.c_str()) != 0) return zmq_error(endpoint, "unbind");
    return {};
}

int Socket::descriptor() const {
    int number = -1;
    std::size_t size = sizeof number;
    zmq_getsockopt(socket_, ZMQ_FD, &number, &size);
    return number;
}

bool Socket::is_readable() const {
    int events = 0;
    std::size_t size = sizeof events;
    while (zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) != 0)
        if (zmq_errno() != EINTR) return false;
    return (events & ZMQ_POLLIN) != 0;
}

bool Socket::receive(Frame& into) {
    while (zmq_msg_recv(message(into.raw()), socket_, ZMQ_DONTWAIT) < 0)
        if (zmq_errno() != EINTR) return false;
    return true;
}

Socket::Sent Socket::send(std::span<Frame> frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const int flags = ZMQ_DONTWAIT | (i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
        int sent = -1;
        do sent = zmq_msg_send(message(frames[i].raw()), socket_, flags);
        while (sent < 0 && zmq_errno() == EINTR);
        if (sent >= 0) continue;
        // Only the first frame, which chooses the peer, is ever refused: libzmq then swallows or takes the rest.
        assert(i == 0);
        return zmq_errno() == EAGAIN ? Sent::full : Sent::unreachable;
    }
    return Sent::whole;
}

Result<> harden(Socket& socket, std::int64_t most_bytes, int send_high_water) {
    constexpr int handshake_ms = 2000, heartbeat_ms = 5000, patience_ms = 15000, callers_at_the_door = 1024;
    const std::pair<int, int> numbers[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_BACKLOG, callers_at_the_door},
        {ZMQ_HANDSHAKE_IVL, handshake_ms},
        {ZMQ_HEARTBEAT_IVL, heartbeat_ms},
        {ZMQ_HEARTBEAT_TIMEOUT, patience_ms},
        {ZMQ_SNDHWM, send_high_water},
    };
    for (const auto& [option, value] : numbers)
        if (auto set = socket.set(option, value); !set) return set.error();
    if (auto set = socket.set_wide(ZMQ_MAXMSGSIZE, most_bytes); !set) return set.error();
    return socket.set(ZMQ_ZAP_DOMAIN, std::string_view(zap_domain));
}

}  // namespace serve
