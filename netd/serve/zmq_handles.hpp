// ZeroMQ's context, sockets and messages, each owned by type; zmq.h itself stays in the sources of this folder.
#pragma once

#include "topology/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace serve {

using topology::Error;
using topology::Fault;
using topology::Result;

// Outlives every socket made of it. Not usable in a child after fork().
class Context {
public:
    static Result<std::unique_ptr<Context>> open();
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    void* raw() const { return context_; }

private:
    explicit Context(void* context) : context_(context) {}
    void* context_;
};

// One frame. The bytes live as long as it does, or until it receives again.
class Frame {
public:
    Frame();
    explicit Frame(std::string bytes);  // takes the text over; nothing is copied on the way out
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    ~Frame();

    std::string_view bytes() const;
    bool more() const;                           // another frame of the same message follows
    std::string property(const char* name) const;  // "User-Id", "Peer-Address"; empty if there is none
    void* raw() { return storage_.data(); }

private:
    alignas(8) std::array<std::byte, 64> storage_;
};

// Belongs to one thread. It never blocks.
class Socket {
public:
    static Result<Socket> open(Context& context, int type);
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    Result<> set(int option, int value);
    Result<> set(int option, std::string_view value);
    Result<> set_wide(int option, std::int64_t value);
    Result<> bind(const std::string& endpoint);
    Result<> unbind(const std::string& endpoint);

    // Tells of changes only (edge-triggered): look with is_readable() before each wait, too.
    int descriptor() const;
    bool is_readable() const;

    // False: nothing is there. All frames of a message are there as soon as its first one is.
    bool receive(Frame& into);

    enum class Sent { whole, unreachable, full };
    // One message of these frames, all or none. They are empty afterwards if it went, and untouched if not.
    Sent send(std::span<Frame> frames);

private:
    explicit Socket(void* socket) : socket_(socket) {}
    void* socket_;
};

// What every socket of the daemon gets: no linger, handshakes within 2 s, heartbeats every 5 s and 15 s of patience,
// at most this many bytes a frame from outside, and the ZAP domain without which nobody would be asked who he is.
Result<> harden(Socket& socket, std::int64_t most_bytes, int send_high_water);

// Where the daemon's sockets ask who a peer is; answered by the Doorkeeper.
inline constexpr const char* zap_domain = "netd";

}  // namespace serve
