// Why each rule is as it is: docs/decisions/0020.
#include "bridges/host_rules.hpp"

#include "bridges/filter_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <vector>

namespace bridges {

using topology::Role;

namespace {

// The group of a network's device: "nt", 0x4e, and a bit for each role.
constexpr std::uint32_t tag = 0x6e744e00;
constexpr std::uint32_t tag_mask = 0xffffff00;

std::string is_of_network() { return fmt::format("meta iifgroup & {:#x} == {:#x}", tag_mask, tag); }
std::string is_closed() {
    const std::uint32_t closed = Standing::closed().bits();
    return fmt::format("meta iifgroup & {:#x} == {:#x}", tag_mask | closed, tag | closed);
}
std::string has_role(Role role) { return fmt::format("meta iifgroup & {:#x} != 0", Standing::bit(role)); }

constexpr const char* own_address = "fib daddr . iif type";

struct Chain {
    std::string name, hook;
    std::vector<std::string> rules;
};

Chain open_services(const Services& services) {
    Chain chain{"services", "", {}};
    for (const auto& [role, open] : services)
        for (const topology::Service& service : open)
            chain.rules.push_back(fmt::format("{} {} dport {}-{} accept", has_role(role), service.protocol, service.first, service.last));
    return chain;
}

// By a device of the role's network nothing strays. Gluster's bricks have the ports of migrations, and are asked for by networks of storage, too.
Chain leaves(Role role) {
    const unsigned homes = Standing::bit(role) | (role == Role::migration ? Standing::bit(Role::storage) | Standing::bit(Role::gluster) : 0u);
    return {std::string("leaves_") + name_of(role), "", {
        fmt::format("meta oifgroup & {:#x} == {:#x} meta oifgroup & {:#x} != 0 return", tag_mask, tag, homes),
        fmt::format("update @{} {{ oifname counter }}", stray_set(role))}};
}

// The host begins migrations, and answers to both.
Chain begun_connections(const Services& services) {
    Chain chain{"begun", "", {"meta oiftype loopback return"}};
    for (const Role role : topology::bound_roles)
        for (const topology::Service& service : topology::services_of(services, Standing::in_network({role}))) {
            if (service.protocol != "tcp") continue;
            const auto ports = fmt::format("{}-{} goto leaves_{}", service.first, service.last, name_of(role));
            if (role == Role::migration) chain.rules.push_back("tcp flags & (syn | ack) == syn tcp dport " + ports);
            chain.rules.push_back("tcp flags & (syn | ack) == (syn | ack) tcp sport " + ports);
        }
    return chain;
}

std::vector<Chain> host_chains(const Services& services) {
    std::vector<Chain> all;
    for (const Role role : topology::bound_roles) all.push_back(leaves(role));
    all.push_back(begun_connections(services));
    all.push_back({"output", "type filter hook output priority -10;", {"tcp flags & syn != 0 goto begun"}});
    all.push_back(open_services(services));
    all.push_back({"network", "", {
        // Broadcasts and multicasts have no address of the host; what may come of them, services say.
        fmt::format("{} != {{ local, broadcast, multicast, anycast }} goto drop_elsewhere", own_address),
        // What went to all of the wire is for none alone: a guest's filter on Open vSwitch lets it pass.
        fmt::format("meta pkttype {{ broadcast, multicast }} {} local goto drop_service", own_address),
        fmt::format("meta iifgroup & {:#x} == 0 accept", ~tag_mask),
        // Nobody there tells the host its ways to other networks.
        "icmp type redirect goto drop_service",
        "icmpv6 type nd-redirect goto drop_service",
        "ct state established ct direction reply accept",
        "ct state related accept",
        // An error about nothing that the host sent by this address: the kernel takes the quoted packet's word for which network it is about.
        "icmp type { destination-unreachable, time-exceeded, parameter-problem } goto drop_service",
        "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } goto drop_service",
        "meta l4proto { icmp, ipv6-icmp, igmp } accept",
        "udp sport 67 udp dport 68 accept",
        "udp sport 547 udp dport 546 accept",
        "jump services",
        "goto drop_service"}});
    all.push_back({"input", "type filter hook input priority -10;", {is_of_network() + " goto network"}});
    // What is for nobody here (guests' frames, where br_netfilter shows them) is nothing that the host has to remember, nor what
    // it answers in any case. Fragments of one packet stay together.
    all.push_back({"forget", "", {
        fmt::format("{} != local notrack accept", own_address),
        "ip frag-off & 0x3fff == 0 icmp type echo-request notrack accept",
        "ip6 nexthdr ipv6-icmp icmpv6 type echo-request notrack accept",
        "ip frag-off & 0x3fff == 0 udp sport 67 udp dport 68 notrack accept",
        "ip6 nexthdr udp udp sport 547 udp dport 546 notrack accept"}});
    all.push_back({"prerouting", "type filter hook prerouting priority -450;", {
        is_closed() + " drop",  // before it could be routed
        is_of_network() + " goto forget"}});
    return all;
}

std::string body(const Services& services) {
    std::string text = write_drops(topology::host_block_reasons);
    for (const Role role : topology::bound_roles) text += fmt::format(" set {} {{ type ifname; size 1024; flags dynamic; }}\n", stray_set(role));
    for (const Chain& chain : host_chains(services))
        text += fmt::format(" chain {} {{\n  {}\n  {}\n }}\n", chain.name, chain.hook, fmt::join(chain.rules, "\n  "));
    return text;
}

}  // namespace

std::uint32_t group_of(const Standing& standing) { return standing.is_of_network() ? tag | standing.bits() : 0; }

Standing standing_of(std::uint32_t group) {
    return (group & tag_mask) == tag ? Standing::of_bits(static_cast<std::uint8_t>(group & ~tag_mask)) : Standing();
}

std::string stray_set(Role role) { return std::string("stray_") + name_of(role); }

std::string write_host_table(const Services& services) {
    return fmt::format("table inet {0}\ndelete table inet {0}\ntable inet {0} {{\n comment \"{1}\"\n{2}}}\n", host_table_name, host_table_mark(services), body(services));
}

std::string host_table_mark(const Services& services) { return fmt::format("netd {:016x}", std::hash<std::string>{}(body(services))); }

std::size_t host_rule_count(const Services& services) {
    std::size_t count = rules_of_drops(topology::host_block_reasons);
    for (const Chain& chain : host_chains(services)) count += chain.rules.size();
    return count;
}

}  // namespace bridges
