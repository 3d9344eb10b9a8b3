// Clients as strangers write them: one on plain libzmq, and one on bare bytes for what libzmq would never send.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/timer.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>
#include <zmq.h>

namespace zmq_client {

// A folder of this test's own, gone afterwards.
struct Folder {
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "netd-XXXXXX";
        REQUIRE(::mkdtemp(name.data()));
        path = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
};

// Turns the loop until it is so. False: two minutes were not enough.
inline bool comes_true(loop::EventLoop& loop, const std::function<bool()>& what) {
    bool late = false;
    const auto patience = std::move(*loop::Timer::open(loop, [&] { late = true; }));
    REQUIRE(patience->at(loop::SystemClock{}.boottime() + std::chrono::seconds{120}));
    REQUIRE(loop.run_until([&] { return late || what(); }));
    return !late;
}

using Frames = std::vector<std::string>;

class Client {
public:
    Client(int type, const std::string& endpoint, const std::string& routing_id = {}, int patience_ms = 60'000)
        : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)) {
        set(ZMQ_LINGER, 0);
        set(ZMQ_RCVTIMEO, patience_ms);
        set(ZMQ_SNDTIMEO, patience_ms);
        if (!routing_id.empty()) zmq_setsockopt(socket_, ZMQ_ROUTING_ID, routing_id.data(), routing_id.size());
        if (type == ZMQ_SUB) {
            set(ZMQ_RCVHWM, 10);
            zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "", 0);
        }
        zmq_connect(socket_, endpoint.c_str());
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }

    void set(int option, int value) { zmq_setsockopt(socket_, option, &value, sizeof value); }
    void* raw() const { return socket_; }

    bool send(const Frames& frames) {
        for (std::size_t i = 0; i < frames.size(); ++i)
            if (zmq_send(socket_, frames[i].data(), frames[i].size(), i + 1 < frames.size() ? ZMQ_SNDMORE : 0) < 0) return false;
        return true;
    }

    // Nothing came before patience was over.
    std::optional<Frames> receive() {
        Frames frames;
        for (bool more = true; more;) {
            zmq_msg_t message;
            zmq_msg_init(&message);
            if (zmq_msg_recv(&message, socket_, 0) < 0) return std::nullopt;
            frames.emplace_back(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
            more = zmq_msg_more(&message) != 0;
            zmq_msg_close(&message);
        }
        return frames;
    }

    std::optional<Frames> ask(const Frames& frames) { return send(frames) ? receive() : std::nullopt; }

private:
    void* context_;
    void* socket_;
};

// ZMTP 3.0 by hand.
class RawClient {
public:
    explicit RawClient(const std::string& endpoint) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const std::string path = endpoint.substr(std::string_view("ipc://").size());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::connect(fd_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }

    // False: the other side hung up.
    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Says who we are; nothing may follow before is_welcome(), or libzmq hangs up.
    bool introduce(const std::string& socket_type) {
        std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL", 16);
        greeting.resize(64, '\0');
        const std::string type_size{'\0', '\0', '\0', static_cast<char>(socket_type.size())};
        const std::string ready = "\5READY\xBSocket-Type" + type_size + socket_type;
        return write(greeting + '\4' + static_cast<char>(ready.size()) + ready);
    }

    // Waits for the other side's greeting and READY, which comes when the doorkeeper has said yes.
    bool is_welcome() {
        const auto greeting = read(64), header = greeting.empty() ? "" : read(2);
        if (header.empty() || header[0] != '\4') return false;
        return read(static_cast<unsigned char>(header[1])).starts_with("\5READY");
    }

    static std::string frame_header(bool more, std::uint64_t size) {
        std::string header{more ? '\3' : '\2'};
        for (int shift = 56; shift >= 0; shift -= 8) header += static_cast<char>(size >> shift);
        return header;
    }

    // Reads on until the other side has hung up.
    bool is_hung_up_within(int milliseconds) {
        std::array<char, 4096> bytes{};
        for (pollfd ready{fd_.number(), POLLIN, 0}; ::poll(&ready, 1, milliseconds) == 1;)
            if (::recv(fd_.number(), bytes.data(), bytes.size(), 0) <= 0) return true;
        return false;
    }

private:
    // Empty: the other side hung up.
    std::string read(std::size_t size) {
        std::string bytes(size, '\0');
        return ::recv(fd_.number(), bytes.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size) ? bytes : std::string();
    }

    loop::Fd fd_;
};

// One that was let in. The server gives two seconds for a handshake: who was held up for longer comes again.
inline RawClient welcome_at(const std::string& endpoint, const std::string& socket_type) {
    for (int attempt = 0; attempt < 4; ++attempt)
        if (RawClient raw(endpoint); raw.introduce(socket_type) && raw.is_welcome()) return raw;
    RawClient last(endpoint);
    REQUIRE((last.introduce(socket_type) && last.is_welcome()));
    return last;
}

}  // namespace zmq_client
