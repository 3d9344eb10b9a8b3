// Hears routers that announce themselves: ICMPv6 of RFC 4861. To ask them to is the greeter's.
#pragma once

#include "netd/loop/fd.hpp"
#include "topology/numbers.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace netd {

struct Announcement {
    int device = 0;  // the index of the one by which it came
    topology::IpAddress router = {};
    std::chrono::seconds lifetime{};  // 0: it leads nowhere (any more)
    int preference = 0;               // RFC 4191: -1, 0, 1
    std::map<topology::Subnet, std::chrono::seconds> on_link = {};  // subnets of the wire, and for how long; 0: not any more
};

// Of the message itself, without device and router. None: it is no announcement, or one that RFC 4861 (6.1.2) has nobody heed. Pure.
std::optional<Announcement> parse_announcement(std::span<const std::uint8_t> message);

// One socket hears all devices. Frames that the host's rules refuse are not heard.
class RouterEar {
public:
    // Errors: denied without CAP_NET_RAW.
    static topology::Result<RouterEar> open();

    // What has come, but for what came from no neighbour. Never waits; what is left over keeps the descriptor readable.
    std::vector<Announcement> hear();

    int descriptor() const { return socket_.number(); }

private:
    explicit RouterEar(loop::Fd socket) : socket_(std::move(socket)) {}

    loop::Fd socket_;
};

}  // namespace netd
