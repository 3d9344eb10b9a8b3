// See port_flags.hpp.
#include "bridges/port_flags_wire.hpp"

#include <fmt/format.h>
#include <linux/if_link.h>

namespace bridges {
namespace {

struct Flag {
    std::uint16_t attribute;
    const char* name;
    bool usual;
};
// Those that decide whose frames go where. A port's cost, priority, guards and queriers are for whoever tunes them.
constexpr Flag all[] = {
    {IFLA_BRPORT_MODE, "hairpin", false},
    {IFLA_BRPORT_LEARNING, "learning", true},
    {IFLA_BRPORT_UNICAST_FLOOD, "flood", true},
    {IFLA_BRPORT_MCAST_FLOOD, "mcast_flood", true},
    {IFLA_BRPORT_BCAST_FLOOD, "bcast_flood", true},
    {IFLA_BRPORT_PROXYARP, "proxy_arp", false},
    {IFLA_BRPORT_NEIGH_SUPPRESS, "neigh_suppress", false},
    {IFLA_BRPORT_VLAN_TUNNEL, "vlan_tunnel", false},
    {IFLA_BRPORT_LOCKED, "locked", false},
};

bool is_odd(PortFlags flags, std::size_t flag) { return flags.odd >> flag & 1; }

}  // namespace

std::string PortFlags::text() const {
    std::string text;
    for (std::size_t i = 0; i < std::size(all); ++i)
        if (is_odd(*this, i)) text += std::string(text.empty() ? "" : ", ") + all[i].name + (all[i].usual ? " off" : " on");
    return text;
}

std::string PortForwards::text() const { return fmt::format("{:#x}", mask); }

PortFlags read_port_flags(const Attributes& data) {
    PortFlags flags;
    for (std::size_t i = 0; i < std::size(all); ++i) {
        const auto value = data.get<std::uint8_t>(all[i].attribute);
        if (value && (*value != 0) != all[i].usual) flags.odd |= 1 << i;
    }
    return flags;
}

void put_port_flags(Message& message, PortFlags flags) {
    for (std::size_t i = 0; i < std::size(all); ++i)
        message.number<std::uint8_t>(all[i].attribute, is_odd(flags, i) != all[i].usual);
}

}  // namespace bridges
