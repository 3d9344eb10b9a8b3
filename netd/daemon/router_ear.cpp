// See router_ear.hpp.
#include "netd/daemon/router_ear.hpp"

#include "netd/loop/event_loop.hpp"
#include "netd/loop/socket_option.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace netd {

using loop::set_option;
using topology::IpAddress;
using topology::Result;
using topology::Subnet;

namespace {

constexpr std::size_t most_subnets = 16;
constexpr int neighbours_hops = 255;  // no router lets it through with that many left

template <class Header>
Header header_of(std::span<const std::uint8_t> bytes) {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

IpAddress address_of(const in6_addr& address) {
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &address, bytes.size());
    return IpAddress::v6(bytes);
}

void take_subnet(std::span<const std::uint8_t> option, std::map<Subnet, std::chrono::seconds>& subnets) {
    if (option.size() != sizeof(nd_opt_prefix_info) || subnets.size() == most_subnets) return;
    const auto prefix = header_of<nd_opt_prefix_info>(option);
    if (!(prefix.nd_opt_pi_flags_reserved & ND_OPT_PI_FLAG_ONLINK) || prefix.nd_opt_pi_prefix_len == 0) return;
    const IpAddress address = address_of(prefix.nd_opt_pi_prefix);
    const auto subnet = Subnet::from(address, prefix.nd_opt_pi_prefix_len);
    if (subnet && !address.is_link_local() && !IN6_IS_ADDR_MULTICAST(&prefix.nd_opt_pi_prefix)) subnets.insert_or_assign(subnet->network(), std::chrono::seconds(ntohl(prefix.nd_opt_pi_valid_time)));
}

int preference_of(std::uint8_t flags) {
    switch (flags >> 3 & 3) {
        case 1: return 1;
        case 3: return -1;
        default: return 0;
    }
}

// Where it came from and by which device; false: from no neighbour.
bool read_way(msghdr& message, const sockaddr_in6& from, Announcement& announcement) {
    int hops = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != IPPROTO_IPV6) continue;
        if (part->cmsg_type == IPV6_RECVFRAGSIZE) return false;  // it came in fragments, which no router sends (RFC 6980)
        if (part->cmsg_type == IPV6_HOPLIMIT) std::memcpy(&hops, CMSG_DATA(part), sizeof hops);
        in6_pktinfo where;
        if (part->cmsg_type != IPV6_PKTINFO) continue;
        std::memcpy(&where, CMSG_DATA(part), sizeof where);
        announcement.device = static_cast<int>(where.ipi6_ifindex);
    }
    announcement.router = address_of(from.sin6_addr);
    return hops == neighbours_hops && announcement.device > 0 && IN6_IS_ADDR_LINKLOCAL(&from.sin6_addr);
}

}  // namespace

std::optional<Announcement> parse_announcement(std::span<const std::uint8_t> message) {
    if (message.size() < sizeof(nd_router_advert)) return std::nullopt;
    const auto header = header_of<nd_router_advert>(message);
    if (header.nd_ra_type != ND_ROUTER_ADVERT || header.nd_ra_code != 0) return std::nullopt;
    Announcement announcement{.lifetime = std::chrono::seconds(ntohs(header.nd_ra_router_lifetime)), .preference = preference_of(header.nd_ra_flags_reserved)};
    for (auto rest = message.subspan(sizeof header); !rest.empty();) {
        const std::size_t length = rest.size() < 2 ? 0 : rest[1] * 8u;
        if (length == 0 || length > rest.size()) return std::nullopt;
        if (rest[0] == ND_OPT_PREFIX_INFORMATION) take_subnet(rest.first(length), announcement.on_link);
        rest = rest.subspan(length);
    }
    return announcement;
}

Result<RouterEar> RouterEar::open() {
    loop::Fd opened(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    const int socket = opened.number();
    icmp6_filter filter;
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ND_ROUTER_ADVERT, &filter);
    const bool is_ready = opened && set_option(socket, IPPROTO_ICMPV6, ICMP6_FILTER, filter) && set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                          set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) && set_option(socket, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1);
    if (!is_ready) return loop::system_error("routers", "a socket that hears them");
    return RouterEar(std::move(opened));
}

std::vector<Announcement> RouterEar::hear() {
    constexpr int most_at_once = 64;
    std::vector<Announcement> heard;
    std::array<std::uint8_t, 1500> room;
    alignas(cmsghdr) std::array<std::uint8_t, 256> beside;
    for (int number = 0; number < most_at_once; ++number) {
        sockaddr_in6 from{};
        iovec into{room.data(), room.size()};
        msghdr message{};
        message.msg_name = &from, message.msg_namelen = sizeof from;
        message.msg_iov = &into, message.msg_iovlen = 1;
        message.msg_control = beside.data(), message.msg_controllen = beside.size();
        const ssize_t got = ::recvmsg(socket_.number(), &message, 0);
        if (got < 0) return heard;
        auto announcement = message.msg_flags & MSG_TRUNC ? std::nullopt : parse_announcement(std::span(room).first(static_cast<std::size_t>(got)));
        if (announcement && read_way(message, from, *announcement)) heard.push_back(std::move(*announcement));
    }
    return heard;
}

}  // namespace netd
