// The few things that follow from a definition by itself.
#include "netd/intent/definition.hpp"

namespace intent {

std::optional<Subnet> Network::ipv4() const {
    if (!ipaddr || !prefix) return std::nullopt;
    auto subnet = Subnet::from(*ipaddr, *prefix);
    return subnet ? std::optional(*subnet) : std::nullopt;
}

std::set<Subnet> Network::all_addresses() const {
    std::set<Subnet> all(addresses.begin(), addresses.end());
    if (auto first = ipv4()) all.insert(*first);
    if (ipv6addr) all.insert(*ipv6addr);
    return all;
}

bool Network::is_on_host() const {
    return !bridged || !all_addresses().empty() || ipv6autoconf || dhcpv6 || bootproto == BootProto::dhcp;
}

bool Network::has_stp() const {
    const auto state = custom.bridge_opts.find("stp_state");
    return stp || (state != custom.bridge_opts.end() && state->second == "1");
}

}  // namespace intent
