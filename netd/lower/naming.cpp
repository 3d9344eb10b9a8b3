// See naming.hpp.
#include "netd/lower/naming.hpp"

#include "topology/hash.hpp"

#include <fmt/format.h>

namespace lower {

using topology::hash_of;

namespace {

constexpr std::size_t longest = 15;

IfName derived(std::string_view text) {
    constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
    std::string name;
    for (char c : text) {
        if (name.size() == 8) break;
        if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') name += c;
    }
    if (name.empty()) name = "net";
    name += '-';
    std::uint64_t hash = hash_of(text);
    for (int i = 0; i < 6; ++i, hash >>= 5) name += digits[hash & 31];
    return IfName::observed(name);
}

IfName as_is_or_derived(const std::string& text) {
    auto name = IfName::parse(text);
    return name ? *name : derived(text);
}

IfName with_prefix(std::string_view prefix, const IfName& base) {
    const std::string text = std::string(prefix) + base.text();
    return text.size() <= longest ? IfName::observed(text) : derived(text);
}

}  // namespace

IfName device_of(const intent::NetworkName& network) { return as_is_or_derived(network.text()); }

IfName vlan_device(const IfName& base, intent::VlanId vlan) {
    const std::string text = fmt::format("{}.{}", base.text(), vlan.number());
    return text.size() <= longest ? IfName::observed(text) : derived(text);
}

IfName filtering_bridge(const IfName& base) { return with_prefix("vb-", base); }
IfName ovs_bridge(const IfName& base) { return with_prefix("ovs-", base); }

IfName port_of(const intent::GuestNic::Key& nic) {
    return IfName::observed(fmt::format("nic-{:08x}", static_cast<std::uint32_t>(hash_of(nic.text()))));
}

IfName port_of(const intent::GuestNic& nic) { return nic.adopted ? *nic.adopted : port_of(nic.key()); }

std::uint32_t table_of(const intent::NetworkName& network) {
    return (1u << 30) | static_cast<std::uint32_t>(hash_of(network.text()) & 0x3fffffff);
}

}  // namespace lower
