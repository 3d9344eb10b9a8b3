// See router_ear.hpp. The kernel has looked at the checksum; what is no announcement from the wire its filters drop.
#include "netd/daemon/router_ear.hpp"

#include "netd/daemon/lease_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace netd {

using topology::IpAddress;
using topology::Subnet;

namespace {

constexpr std::chrono::seconds rest{1};
constexpr int at_once = 16;  // messages, between rests

bool set(int socket, int level, int option, const auto& value) { return ::setsockopt(socket, level, option, &value, sizeof value) == 0; }

// What was forwarded, or comes from farther than the wire, shall not fill the queue.
bool let_only_the_wire_in(int socket) {
    const auto header = [](unsigned offset) { return static_cast<std::uint32_t>(SKF_NET_OFF) + offset; };
    std::array<sock_filter, 7> steps{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, header(7)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 255, 0, 4), BPF_STMT(BPF_LD | BPF_H | BPF_ABS, header(8)),
                                      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffc0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xfe80, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
                                      BPF_STMT(BPF_RET | BPF_K, 0)}};
    return set(socket, SOL_SOCKET, SO_ATTACH_FILTER, sock_fprog{steps.size(), steps.data()});
}

// What came before it was bound may be from anywhere, and goes before anything is let in.
loop::Fd open_ear(int device) {
    loop::Fd ear(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    if (!ear) return ear;
    icmp6_filter adverts, none;
    ICMP6_FILTER_SETBLOCKALL(&none);
    ICMP6_FILTER_SETBLOCKALL(&adverts);
    ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &adverts);
    const int number = ear.number();
    const bool is_set = set(number, IPPROTO_ICMPV6, ICMP6_FILTER, none) && set(number, SOL_SOCKET, SO_BINDTOIFINDEX, device) && let_only_the_wire_in(number) &&
                        set(number, SOL_SOCKET, SO_RCVBUF, 16 * 1024) && set(number, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    for (char byte = 0; ::recv(number, &byte, 1, 0) >= 0;) {}
    return is_set && set(number, IPPROTO_ICMPV6, ICMP6_FILTER, adverts) ? std::move(ear) : loop::Fd();
}

int hops_left(msghdr& message) {
    int hops = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_HOPLIMIT) std::memcpy(&hops, CMSG_DATA(part), sizeof hops);
    return hops;
}

IpAddress address_of(const sockaddr_in6& from) {
    std::array<std::uint8_t, 16> bytes;
    std::copy_n(from.sin6_addr.s6_addr, bytes.size(), bytes.begin());
    return IpAddress::v6(bytes);
}

// To its own address alone the host speaks from that very one. Nothing is sent.
bool is_the_hosts_own(const IpAddress& address, int device) {
    const loop::Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to{}, from{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(9);
    to.sin6_scope_id = static_cast<std::uint32_t>(device);
    std::copy_n(address.data(), 16, to.sin6_addr.s6_addr);
    socklen_t size = sizeof from;
    return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 && ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&from), &size) == 0 &&
           address_of(from) == address;
}

// An address says whose a packet is only where no other device has it: who announces the prefix of another wire could make the kernel give it twice.
std::map<IpAddress, int> devices_with(const bridges::State& host) {
    std::map<IpAddress, int> count;
    for (const bridges::Link& link : host.links) {
        std::set<IpAddress> all;
        for (const Subnet& one : link.facts.rare.get().autoconf) all.insert(one.address());
        if (link.addresses)
            for (const Subnet& one : *link.addresses)
                if (one.is_v6()) all.insert(one.address());
        for (const IpAddress& one : all) ++count[one];
    }
    return count;
}

}  // namespace

RouterEar::RouterEar(const loop::Clock& clock) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), clock_(&clock) {}

void RouterEar::attend(const lower::Clients& hearers, const bridges::State& host, const LeaseFolder& leases) {
    std::erase_if(wires_, [&](const auto& entry) { return !hearers.contains(entry.first); });
    if (hearers.empty()) return next_.reset();
    const auto devices = devices_with(host);
    for (const auto& [key, hearer] : hearers) {
        const auto [found, is_new] = wires_.try_emplace(key);
        Wire& wire = found->second;
        const auto left = leases.offered().find(key);
        const auto end = leases.end_of(key);
        if (is_new && left != leases.offered().end() && end) wire.routers.remember(left->second, *end);
        const bridges::Link* link = host.links.find(hearer.device);
        if (const int device = link ? link->facts.index : 0; wire.device != device || (device && !wire.ear)) {
            wire.device = device;
            wire.rests.reset();
            wire.ear = device ? open_ear(device) : loop::Fd();
            listen(wire);
        }
        std::set<Subnet> made;
        if (link) {
            made = link->facts.rare.get().autoconf;
            std::erase_if(made, [&](const Subnet& one) { return link->facts.rare.get().tentative.contains(one) || devices.at(one.address()) > 1; });
        }
        wire.routers.have(std::move(made));
    }
    next_ = clock_->boottime();
}

// Once, that is until it is listened to again.
void RouterEar::listen(Wire& wire) const {
    if (!wire.ear) return;
    epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.ptr = &wire}};
    if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, wire.ear.number(), &event) != 0) ::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, wire.ear.number(), &event);
}

void RouterEar::hear(Wire& wire) const {
    for (int turn = 0; turn < at_once; ++turn) {
        std::array<std::uint8_t, 2048> heard;
        alignas(cmsghdr) std::array<std::uint8_t, 256> control;
        sockaddr_in6 from{};
        iovec part{heard.data(), heard.size()};
        msghdr message{};
        message.msg_name = &from, message.msg_namelen = sizeof from;
        message.msg_iov = &part, message.msg_iovlen = 1;
        message.msg_control = control.data(), message.msg_controllen = control.size();
        const ssize_t length = ::recvmsg(wire.ear.number(), &message, 0);
        if (length < 0) break;
        const auto advert = message.msg_flags & MSG_TRUNC ? std::nullopt : read_advert(std::span(heard).first(static_cast<std::size_t>(length)), address_of(from), hops_left(message));
        if (!advert || (!wire.routers.knows(advert->router) && is_the_hosts_own(advert->router, wire.device))) continue;
        wire.routers.take(*advert, clock_->boottime());
    }
    wire.rests = clock_->boottime() + rest;
}

void RouterEar::hear(const LeaseFolder& leases) {
    std::array<epoll_event, 64> events{};
    const int count = wires_.empty() ? 0 : ::epoll_wait(epoll_.number(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) hear(*static_cast<Wire*>(events[static_cast<std::size_t>(i)].data.ptr));
    const auto now = clock_->boottime();
    if (count <= 0 && (!next_ || now < *next_)) return;
    next_.reset();
    for (auto& [key, wire] : wires_) {
        if (wire.rests && *wire.rests <= now) {
            wire.rests.reset();
            listen(wire);
        }
        if (const auto news = wire.routers.news(now))
            std::ignore = leave(leases.news_file(key), news->lease.gateway ? text_of_router(news->lease, now, std::chrono::ceil<std::chrono::seconds>(news->end - now)) : "");
        for (const auto& due : {wire.rests, wire.routers.next()})
            if (due) next_ = next_ ? std::min(*next_, *due) : *due;
    }
}

}  // namespace netd
