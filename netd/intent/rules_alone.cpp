// What a definition must be by itself.
#include "netd/intent/rules.hpp"

#include "bridges/small_mtu.hpp"
#include "netd/intent/rules_qos.hpp"
#include "topology/host_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace intent {
namespace {

bool is_domain(std::string_view text) {
    constexpr std::string_view lawful = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (text.size() > 253 || text.find_first_not_of(lawful) != std::string_view::npos) return false;
    if (text.ends_with('.')) text.remove_suffix(1);
    for (std::size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
        end = std::min(text.find('.', begin), text.size());
        if (end == begin || end - begin > 63) return false;
    }
    return true;
}

// Collects complaints about one network, each with its path.
class Examiner {
public:
    Examiner(const Network& network, Complaints& complaints) : name_(network.name.text()), complaints_(complaints) {}
    void refuse_if(bool broken, int code, std::string_view attribute, std::string_view what) {
        if (broken) refuse(code, attribute.empty() ? pointer({"networks", name_}) : pointer({"networks", name_, attribute}), what);
    }
    // About one entry of a list.
    void refuse_if(bool broken, int code, std::string_view list, std::size_t entry, std::string_view what) {
        if (broken) refuse(code, pointer({"networks", name_, list, std::to_string(entry)}), what);
    }
    void refuse(int code, std::string path, std::string_view what) { complaints_.push_back({code, std::move(path), Fault::invalid, std::string(what)}); }

private:
    std::string name_;
    Complaints& complaints_;
};

bool is_bond_name(const std::string& name) {
    return name.size() > 4 && name.starts_with("bond") &&
           std::all_of(name.begin() + 4, name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

void check_base(const Network& network, Examiner& is) {
    const bool based = network.base().has_value();
    is.refuse_if(network.nic && network.bonding, code::bad_parameters, "bonding", "give nic or bonding, not both");
    is.refuse_if(network.vlan && !based, code::bad_vlan, "vlan", "a VLAN needs a nic or a bonding to be on");
    is.refuse_if(!network.bridged && !based, network.vlan ? code::bad_vlan : code::bad_parameters, "bridged",
                 "a network without a bridge needs a nic or a bonding");
    is.refuse_if(network.vlan && network.vlan->number() == 0 && network.switch_kind != SwitchKind::legacy, code::bad_vlan,
                 "vlan", "tag 0 can only be had with switch legacy; leave vlan out for the untagged network");
    is.refuse_if(network.bridged && network.switch_kind == SwitchKind::legacy && !topology::is_bridge_name(network.name.text()),
                 code::bad_bridge, "",
                 "a bridged network on switch legacy is a bridge of its name: 1 to 15 letters, digits, '_' or '-', "
                 "no leading '-', and not a name that the kernel keeps for itself");
    is.refuse_if(network.stp && !network.bridged, code::bad_parameters, "stp", "stp needs a bridged network");
    is.refuse_if(network.has_stp() && rules_out_stp(network), code::bad_parameters, "custom",
                 "stp is on, and bridge_opts say stp_state=0, or a forward_delay below 200 (2 s), which no bridge with STP has");
    is.refuse_if(!network.custom.bridge_opts.empty() && !network.bridged, code::bad_parameters, "custom",
                 "bridge_opts need a bridged network");
    is.refuse_if(!network.custom.bridge_opts.empty() && network.switch_kind == SwitchKind::ovs, code::bad_parameters, "custom",
                 "bridge_opts are those of a Linux bridge; this network is on switch ovs");
    for (const char* key : {"vlan_filtering", "vlan_protocol", "vlan_default_pvid"})
        is.refuse_if(network.switch_kind == SwitchKind::vlan_aware && network.custom.bridge_opts.contains(key), code::bad_parameters, "custom",
                     fmt::format("{} is netd's own on switch vlan-aware, where the bridge carries the networks of others too", key));
    is.refuse_if(network.mtu.number() > 65521 || network.mtu.number() < 68, code::bad_parameters, "mtu", "mtu is 68 to 65521");
}

std::vector<Subnet> addresses_of(const Network& network) {
    std::vector<Subnet> all = network.addresses;
    if (const auto ipv4 = network.ipv4()) all.push_back(*ipv4);
    if (network.ipv6addr) all.push_back(*network.ipv6addr);
    return all;
}

bool is_own(const Network& network, const topology::IpAddress& address) {
    return std::ranges::any_of(addresses_of(network), [&](const Subnet& own) { return own.address() == address; });
}

// Whether the address is the subnet itself, or its broadcast address.
bool is_nobodys(const Subnet& subnet, const topology::IpAddress& address) {
    return subnet.length() < 31 && !topology::unfit_for_a_host(*Subnet::from(address, subnet.length())).empty();
}

void check_addresses(const Network& network, Examiner& is) {
    const auto all = addresses_of(network);
    std::map<topology::IpAddress, std::uint8_t> longest;
    for (const Subnet& one : all) longest[one.address()] = std::max(longest[one.address()], one.length());
    for (const Subnet& one : all) {
        if (const std::string_view why = topology::unfit_for_a_host(one); !why.empty())
            is.refuse(code::bad_address, place_of(network, one), fmt::format("{} can't be a host's: {}", one.text(), why));
        else if (one.is_v6() && one.address().is_link_local())
            is.refuse(code::bad_address, place_of(network, one), fmt::format("{}: link-local addresses are the kernel's to make", one.text()));
        else if (one.is_v6() && longest[one.address()] > one.length())
            is.refuse(code::bad_address, place_of(network, one), fmt::format("{} is given with two prefixes; the kernel has an IPv6 address once", one.address().text()));
    }
}

// An address of the family that comes by a lease or from a router has a subnet that nobody knows before.
bool gets_addresses(const Network& network, bool v6) { return v6 ? network.ipv6autoconf || network.dhcpv6 : network.bootproto == BootProto::dhcp; }

// The kernel takes a route only by a router that is on the link, and says so when all else is done.
template <class RefuseIf>
void check_router(const Network& network, const topology::IpAddress& via, const RefuseIf& refuse_if) {
    refuse_if(is_own(network, via), fmt::format("the router {} is another host, not this one", via.text()));
    const bool lacks_its_length = !via.is_v6() && network.ipaddr && !network.ipv4();
    if (gets_addresses(network, via.is_v6()) || lacks_its_length) return;
    const auto addresses = addresses_of(network);
    const auto reaches = [&](const Subnet& one) { return one.is_v6() == via.is_v6() && (one.contains(via) || (via.is_v6() && via.is_link_local())); };
    refuse_if(std::ranges::none_of(addresses, reaches), fmt::format("the router {} is in no subnet of the network", via.text()));
    const auto is_end_of = [&](const Subnet& one) { return !one.is_v6() && !via.is_v6() && one.contains(via) && is_nobodys(one, via); };
    refuse_if(std::ranges::any_of(addresses, is_end_of), fmt::format("the router {} is the subnet itself or its broadcast address, and no host's", via.text()));
}

void check_routes(const Network& network, Examiner& is) {
    std::set<Subnet> own;
    for (const Subnet& one : addresses_of(network)) own.insert(one.network());
    std::map<Subnet, int> ways;
    for (const StaticRoute& route : network.routes)
        if (route.to) ++ways[route.to->network()];
    for (std::size_t i = 0; i < network.routes.size(); ++i) {
        const StaticRoute& route = network.routes[i];
        const auto refuse_if = [&](bool broken, std::string_view what) { is.refuse_if(broken, code::bad_address, "routes", i, what); };
        const bool is_whole = route.to && route.via && route.to->is_v6() == route.via->is_v6();
        refuse_if(!is_whole, "a route is {\"to\": subnet, \"via\": address} of one family");
        if (!route.to) continue;
        if (is_whole) check_router(network, *route.via, refuse_if);
        const Subnet to = route.to->network();
        refuse_if(to.length() == 0, "the way to everywhere is a gateway, with defaultRoute");
        refuse_if(ways[to] > 1, fmt::format("{} is given two ways", to.text()));
        refuse_if(to.length() > 0 && own.contains(to), fmt::format("{} is the network's own subnet, to which the kernel has a route", to.text()));
    }
}

void check_ipv4(const Network& network, Examiner& is) {
    const bool is_static = network.ipaddr.has_value();
    is.refuse_if(network.bootproto == BootProto::dhcp && is_static, code::bad_address, "bootproto",
                 "give a static address or bootproto dhcp, not both");
    is.refuse_if(is_static && network.ipaddr->is_v6(), code::bad_address, "ipaddr", "ipaddr is IPv4; IPv6 goes into ipv6addr");
    is.refuse_if(is_static && !network.prefix && !network.netmask, code::bad_parameters, "ipaddr", "ipaddr needs a netmask or a prefix");
    is.refuse_if(!is_static && network.prefix, code::bad_parameters, "prefix", "a netmask or prefix needs ipaddr");
    is.refuse_if(network.prefix && *network.prefix > 32, code::bad_address, "prefix", "an IPv4 prefix is 0 to 32");
    const auto subnet = network.ipv4();
    if (!network.gateway) return;
    is.refuse_if(!is_static, code::bad_address, "gateway", "a gateway needs ipaddr");
    is.refuse_if(subnet && !subnet->contains(*network.gateway), code::bad_address, "gateway",
                 subnet ? fmt::format("{} is not inside {}", network.gateway->text(), subnet->network().text()) : "");
    is.refuse_if(is_own(network, *network.gateway), code::bad_address, "gateway", "the gateway is another host, not this one");
    is.refuse_if(subnet && is_nobodys(*subnet, *network.gateway), code::bad_address, "gateway",
                 fmt::format("{} is the subnet itself or its broadcast address, and no host's", network.gateway->text()));
}

void check_ipv6(const Network& network, Examiner& is) {
    is.refuse_if(network.ipv6addr && !network.ipv6addr->is_v6(), code::bad_address, "ipv6addr", "ipv6addr is IPv6, as 2001:db8::1/64");
    if (network.ipv6gateway) {
        const auto& gateway = *network.ipv6gateway;
        is.refuse_if(!gateway.is_v6(), code::bad_address, "ipv6gateway", "ipv6gateway is IPv6");
        is.refuse_if(!network.ipv6addr, code::bad_address, "ipv6gateway", "ipv6gateway needs ipv6addr");
        is.refuse_if(network.ipv6addr && !gateway.is_link_local() && !network.ipv6addr->contains(gateway), code::bad_address,
                     "ipv6gateway", network.ipv6addr ? fmt::format("{} is not inside {}", gateway.text(), network.ipv6addr->network().text()) : "");
        is.refuse_if(is_own(network, gateway), code::bad_address, "ipv6gateway", "the gateway is another host, not this one");
    }
    const bool has_ipv6 = network.ipv6addr || network.ipv6autoconf || network.dhcpv6 ||
                          std::ranges::any_of(network.addresses, [](const Subnet& one) { return one.is_v6(); });
    is.refuse_if(has_ipv6 && bridges::is_too_small_for_ipv6(network.mtu), code::bad_parameters, "mtu", "IPv6 needs an mtu of at least 1280 (RFC 8200)");
    is.refuse_if((network.dhcpv6 || network.ipv6autoconf) && network.ipv6addr, code::bad_address, "ipv6addr",
                 "give a static IPv6 address or an automatic one, not both");
}

}  // namespace

bool rules_out_stp(const Network& network) {
    const auto& options = network.custom.bridge_opts;
    const auto delay = options.find("forward_delay"), state = options.find("stp_state");
    return (delay != options.end() && std::stoul(delay->second) < 200) || (state != options.end() && state->second == "0");
}

std::string pointer(std::initializer_list<std::string_view> parts) {
    std::string path;
    for (std::string_view part : parts) {
        path += '/';
        for (char c : part) {
            if (c == '~') path += "~0";
            else if (c == '/') path += "~1";
            else path += c;
        }
    }
    return path;
}

std::string place_of(const Network& network, const Subnet& address) {
    const std::string& name = network.name.text();
    if (network.ipv4() == address) return pointer({"networks", name, "ipaddr"});
    if (network.ipv6addr == address) return pointer({"networks", name, "ipv6addr"});
    return pointer({"networks", name, "addresses", std::to_string(std::ranges::find(network.addresses, address) - network.addresses.begin())});
}

Network canonical(Network network, Complaints& complaints) {
    Examiner is(network, complaints);
    is.refuse_if(network.netmask && network.prefix, code::bad_parameters, "netmask", "give netmask or prefix, not both");
    if (network.netmask && !network.prefix) {
        auto length = topology::parse_netmask(*network.netmask);
        is.refuse_if(!length, code::bad_address, "netmask", length ? "" : length.error().what);
        is.refuse_if(!network.ipaddr, code::bad_parameters, "netmask", "a netmask or prefix needs ipaddr");
        if (length && network.ipaddr) network.prefix = *length;
        if (length) network.netmask.reset();
    } else {
        network.netmask.reset();
    }
    if (network.ipv6gateway && network.ipv6gateway->is_unspecified()) network.ipv6gateway.reset();
    if (network.roles.empty() && network.name.text() == "ovirtmgmt") network.roles = {Role::management};
    else if (network.roles.empty() && network.bridged) network.roles = {Role::vm};
    // As ip(8) shows a route and nmstate takes it; the kernel refuses IPv4 that has bits beyond its prefix.
    for (StaticRoute& route : network.routes)
        if (route.to) route.to = route.to->network();
    std::set<topology::IpAddress> asked;
    std::erase_if(network.nameservers, [&](const topology::IpAddress& server) { return !asked.insert(server).second; });
    network.blockingdhcp = false;
    return network;
}

void check_alone(const Network& network, Complaints& complaints) {
    Examiner is(network, complaints);
    check_base(network, is);
    check_ipv4(network, is);
    check_ipv6(network, is);
    check_qos(network, complaints);
    is.refuse_if(!network.default_route && !network.nameservers.empty(), code::bad_parameters, "nameservers",
                 "nameservers belong to the default-route network");
    is.refuse_if(!network.default_route && !network.search.empty(), code::bad_parameters, "search", "search domains belong to the default-route network");
    for (std::size_t i = 0; i < network.search.size(); ++i)
        is.refuse_if(!is_domain(network.search[i]), code::bad_parameters, "search", i, "a search domain is letters, digits, '-', '_' and '.', as lab.example");
    check_addresses(network, is);
    check_routes(network, is);
}

void check_alone(const Bond& bond, Complaints& complaints) {
    const auto refuse_if = [&](bool broken, int code, std::string_view attribute, std::string_view what) {
        if (broken) complaints.push_back({code, pointer({"bondings", bond.name.text(), attribute}), Fault::invalid, std::string(what)});
    };
    if (!is_bond_name(bond.name.text()))
        complaints.push_back({code::bad_bond, pointer({"bondings", bond.name.text()}), Fault::invalid,
                              "a bond is named 'bond' followed by letters, digits or '_', 15 characters in all"});
    refuse_if(bond.nics.empty(), code::bad_parameters, "nics", "a bond needs at least one nic");
    refuse_if(bond.hwaddr && bond.hwaddr->is_multicast(), code::bad_bond, "hwaddr", "a bond's address can't be a multicast one");
    refuse_if(bond.hwaddr && bond.hwaddr->bytes() == topology::Mac::Bytes{}, code::bad_bond, "hwaddr", "a bond's address can't be nothing but zeros");
    const auto has = [&](const char* option, const char* value) {
        const auto found = bond.options.find(option);
        return found != bond.options.end() && found->second == value;
    };
    refuse_if(bond.hwaddr && has("mode", "active-backup") && has("fail_over_mac", "active"), code::bad_bond, "hwaddr",
              "under fail_over_mac=active a bond has the address of its active port, and none of its own");
    const auto primary = bond.options.find("primary");
    const bool is_elsewhere = primary != bond.options.end() && !primary->second.empty() && !bond.nics.contains(topology::IfName::observed(primary->second));
    refuse_if(is_elsewhere, code::bad_bond, "options", "the primary has to be one of the bond's nics");
}

}  // namespace intent
