// See greeter.hpp. The sockets take nothing in: one has no protocol, the other one's filter blocks all.
#include "netd/daemon/greeter.hpp"

#include "netd/loop/socket_option.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <map>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <span>
#include <sys/socket.h>

namespace netd {

using observe::Greeting;
using topology::IpAddress;

namespace {

// Who asks for its own address tells all that have another for it. Whoever has it, too, answers nobody of that name, but who asks without one.
void announce(int socket, const Greeting& greeting, const IpAddress& address, bool says_its_own) {
    std::array<std::uint8_t, 28> asked{0, ARPHRD_ETHER, ETH_P_IP >> 8, ETH_P_IP & 0xff, ETH_ALEN, 4, 0, ARPOP_REQUEST};
    std::ranges::copy(greeting.mac.bytes(), asked.begin() + 8);
    if (says_its_own) std::copy_n(address.data(), 4, asked.begin() + 14);
    std::copy_n(address.data(), 4, asked.begin() + 24);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(ETH_P_ARP);
    to.sll_ifindex = greeting.device;
    to.sll_halen = ETH_ALEN;
    std::fill_n(to.sll_addr, ETH_ALEN, 0xff);
    (void)::sendto(socket, asked.data(), asked.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

// To all nodes (ff02::1) or all routers (ff02::2) of the link; without `from` the kernel takes the link-local address. While that is not
// its own for sure nothing is sent, and when it is the kernel asks the routers itself.
void multicast(int socket, int device, std::uint8_t group, const IpAddress* from, std::span<const std::uint8_t> message) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_addr.s6_addr[0] = 0xff, to.sin6_addr.s6_addr[1] = 2, to.sin6_addr.s6_addr[15] = group;
    to.sin6_scope_id = static_cast<std::uint32_t>(device);
    in6_pktinfo by{};
    by.ipi6_ifindex = static_cast<unsigned>(device);
    if (from) std::copy_n(from->data(), 16, by.ipi6_addr.s6_addr);
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof by)> control{};
    iovec part{const_cast<std::uint8_t*>(message.data()), message.size()};
    msghdr all{};
    all.msg_name = &to, all.msg_namelen = sizeof to;
    all.msg_iov = &part, all.msg_iovlen = 1;
    all.msg_control = control.data(), all.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&all);
    header->cmsg_level = IPPROTO_IPV6, header->cmsg_type = IPV6_PKTINFO, header->cmsg_len = CMSG_LEN(sizeof by);
    std::memcpy(CMSG_DATA(header), &by, sizeof by);
    (void)::sendmsg(socket, &all, 0);
}

void advertise(int socket, const Greeting& greeting, const IpAddress& address) {
    constexpr std::uint8_t overrides = 0x20;
    std::array<std::uint8_t, 32> told{ND_NEIGHBOR_ADVERT, 0, 0, 0, overrides};
    std::copy_n(address.data(), 16, told.begin() + 8);
    told[24] = ND_OPT_TARGET_LINKADDR, told[25] = 1;
    std::ranges::copy(greeting.mac.bytes(), told.begin() + 26);
    multicast(socket, greeting.device, 1, &address, told);
}

void ask_routers(int socket, const Greeting& greeting) {
    std::array<std::uint8_t, 16> asked{ND_ROUTER_SOLICIT};
    asked[8] = ND_OPT_SOURCE_LINKADDR, asked[9] = 1;
    std::ranges::copy(greeting.mac.bytes(), asked.begin() + 10);
    multicast(socket, greeting.device, 2, nullptr, asked);
}

loop::Fd open_icmp() {
    loop::Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    if (!socket) return socket;
    icmp6_filter none;
    ICMP6_FILTER_SETBLOCKALL(&none);
    loop::set_option(socket.number(), IPPROTO_ICMPV6, ICMP6_FILTER, none);
    loop::set_option(socket.number(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    loop::set_option(socket.number(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    return socket;
}

}  // namespace

Greeter::Greeter() : arp_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), icmp_(open_icmp()) {}

void Greeter::follow(const observe::Snapshot& next, Time now) {
    constexpr std::chrono::seconds pause{2};  // ANNOUNCE_INTERVAL of RFC 5227
    for (Greeting& greeting : greetings_.look(next)) {
        greet(greeting);
        said_.emplace_back(now + pause, std::move(greeting));
    }
    links_ = next.observed.kernel.links;
}

std::optional<Greeter::Time> Greeter::next() const { return said_.empty() ? std::nullopt : std::optional(said_.front().first); }

void Greeter::repeat(Time now) {
    if (said_.empty() || said_.front().first > now) return;
    std::map<int, const bridges::Link*> links;
    for (const bridges::Link& link : links_) links.emplace(link.facts.index, &link);
    for (; !said_.empty() && said_.front().first <= now; said_.pop_front()) {
        Greeting& greeting = said_.front().second;
        const auto link = links.find(greeting.device);
        if (link == links.end() || link->second->mac != greeting.mac) continue;
        const auto there = observe::addresses_of(*link->second);
        std::erase_if(greeting.addresses, [&](const IpAddress& address) { return !there.contains(address); });
        greet(greeting);
    }
}

void Greeter::greet(const Greeting& greeting) const {
    for (const IpAddress& address : greeting.addresses) {
        if (address.is_v6()) {
            advertise(icmp_.number(), greeting, address);
            continue;
        }
        for (const bool says_its_own : {false, true}) announce(arp_.number(), greeting, address, says_its_own);
    }
    if (greeting.asks_routers) ask_routers(icmp_.number(), greeting);
}

}  // namespace netd
