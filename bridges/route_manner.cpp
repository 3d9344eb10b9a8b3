// See route_manner.hpp.
#include "bridges/route_manner.hpp"

#include <linux/icmpv6.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace bridges {

namespace {

// What moves by itself, or is a matter of who made the hops. And the source of an IPv6 route: the kernel refuses it for the second
// in which it looks whether an address is somebody else's.
bool is_passing(int family, int type, const nlattr* attribute) {
    if (type == RTA_PREFSRC) return family == AF_INET6;
    if (type == RTA_PREF) return Attributes::value<std::uint8_t>(attribute) == ICMPV6_ROUTER_PREF_MEDIUM;
    return type == RTA_CACHEINFO || type == RTA_NH_ID;
}

bool is_said_by_route(int type) {
    return type == RTA_TABLE || type == RTA_DST || type == RTA_PRIORITY || type == RTA_OIF || type == RTA_GATEWAY || type == RTA_VIA;
}

// Whether a hop has carrier is no part of the route.
template <class Visit>
void each_hop(std::vector<std::byte>& hops, Visit&& visit) {
    for (std::size_t at = 0; at + sizeof(rtnexthop) <= hops.size();) {
        rtnexthop hop;
        std::memcpy(&hop, hops.data() + at, sizeof hop);
        visit(hop);
        std::memcpy(hops.data() + at, &hop, sizeof hop);
        if (hop.rtnh_len < sizeof hop) return;
        at += RTNH_ALIGN(hop.rtnh_len);
    }
}

std::vector<std::byte> payload_of(const nlattr* attribute) {
    const Bytes bytes = Attributes::payload(attribute);
    return {bytes.begin(), bytes.end()};
}

std::string hex_of(Bytes bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : bytes) {
        text += digits[static_cast<int>(byte) >> 4];
        text += digits[static_cast<int>(byte) & 15];
    }
    return text;
}

std::vector<std::byte> bytes_of(const std::string& hex) {
    const auto digit = [](char of) { return of <= '9' ? of - '0' : of - 'a' + 10; };
    std::vector<std::byte> bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) bytes.push_back(static_cast<std::byte>(digit(hex[at]) << 4 | digit(hex[at + 1])));
    return bytes;
}

}  // namespace

std::string route_manner(const nlmsghdr& message) {
    rtmsg header = *header_of<rtmsg>(message);
    header.rtm_flags &= RTNH_F_ONLINK;
    const Attributes attributes(attributes_of<rtmsg>(message));
    const bool has_gateway = attributes.has(RTA_GATEWAY) || attributes.has(RTA_VIA) || attributes.has(RTA_MULTIPATH);
    bool is_plain = !header.rtm_flags && header.rtm_scope == (has_gateway || header.rtm_family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
    Message kept(RTM_NEWROUTE, 0, header, message.nlmsg_len);
    Attributes::each(attributes_of<rtmsg>(message), [&](int type, const nlattr* attribute) {
        if (is_passing(header.rtm_family, type, attribute)) return;
        is_plain &= is_said_by_route(type);
        auto bytes = payload_of(attribute);
        if (type == RTA_MULTIPATH) each_hop(bytes, [](rtnexthop& hop) { hop.rtnh_flags &= RTNH_F_ONLINK; });
        kept.bytes(attribute->nla_type, bytes.data(), bytes.size());
    });
    if (is_plain) return {};
    return hex_of({reinterpret_cast<const std::byte*>(kept.raw()) + NLMSG_HDRLEN, kept.raw()->nlmsg_len - NLMSG_HDRLEN});
}

std::optional<Message> write_in_its_manner(const Route& route, int device, const State& host) {
    const auto told = bytes_of(route.manner);
    if (told.size() < sizeof(rtmsg)) return std::nullopt;
    rtmsg header;
    std::memcpy(&header, told.data(), sizeof header);
    bool is_whole = true;
    Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header, told.size());
    Attributes::each(Bytes(told).subspan(sizeof header), [&](int type, const nlattr* attribute) {
        if (type == RTA_OIF) return message.number(RTA_OIF, device);
        auto bytes = payload_of(attribute);
        if (type == RTA_MULTIPATH)
            each_hop(bytes, [&](const rtnexthop& hop) {
                is_whole &= std::ranges::any_of(host.links, [&](const Link& link) { return link.facts.index == hop.rtnh_ifindex; });
            });
        message.bytes(attribute->nla_type, bytes.data(), bytes.size());
    });
    return is_whole ? std::optional(std::move(message)) : std::nullopt;
}

}  // namespace bridges
