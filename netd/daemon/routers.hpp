// Routers that announce themselves on one wire (RFC 4861, RFC 4191), and by which of them the network leaves. Whoever is on that wire may say what
// he likes, as often as he likes: so few are known, and what they say makes a change only now and then. Pure.
#pragma once

#include "netd/lower/leases.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace netd {

// What one announcement says. Without a lifetime its sender is no router any more.
struct Advert {
    topology::IpAddress router;
    int preference = 0;  // 1: rather than others, -1: rather not
    std::chrono::seconds lasts{};
    std::set<topology::Subnet> on_link = {};
    bool operator==(const Advert&) const = default;
};

// An ICMPv6 message, from whom it came, and how many hops it had left; nullopt: no announcement of a router on the wire.
std::optional<Advert> read_advert(std::span<const std::uint8_t> message, const topology::IpAddress& from, int hops);

class Routers {
public:
    static constexpr std::size_t most = 8;
    static constexpr std::chrono::seconds pace{3};        // between changes
    static constexpr std::chrono::seconds shortest{10};   // that a router lasts, or it would end between two changes

    // The router that an earlier netd left, and until when it is one. Its preference it tells again.
    void remember(const lower::Lease& told, std::chrono::nanoseconds end);
    bool knows(const topology::IpAddress& router) const;
    void take(const Advert& advert, std::chrono::nanoseconds now);
    // The addresses that the kernel made there.
    void have(std::set<topology::Subnet> autoconf) { autoconf_ = std::move(autoconf); }

    // What is to be told anew; a lease without a gateway: there is no router. Once each.
    struct News {
        lower::Lease lease = {};
        std::chrono::nanoseconds end{};
    };
    std::optional<News> news(std::chrono::nanoseconds now);
    // When there may be some though nothing is heard.
    std::optional<std::chrono::nanoseconds> next() const;

private:
    struct Router {
        topology::IpAddress address;
        int preference = 0;
        std::chrono::nanoseconds end{};
        std::set<topology::Subnet> on_link = {};
    };
    const Router* best() const;
    Router& least_of_all();

    std::vector<Router> known_;  // who came first first
    std::set<topology::Subnet> autoconf_;
    lower::Lease told_;
    std::chrono::nanoseconds told_end_{}, again_{};
    bool waits_ = false;  // there are news, but too soon
};

}  // namespace netd
