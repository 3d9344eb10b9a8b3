// Only renames and joins; what netd did not say is left out, and lists are lists also when they are empty.
#include "netctl/iproute2.hpp"

#include "netctl/answer.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace netctl {

namespace {

using nlohmann::json;

void add_addresses(json& into, const json& from, const char* name, const char* family, int all_bits) {
    for (const auto& text : texts_at(from, name)) {
        const auto slash = text.find('/');
        int length = all_bits;
        if (slash != text.npos) std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
        into.push_back({{"family", family}, {"local", text.substr(0, slash)}, {"prefixlen", length}});
    }
}

json addr_info_of(const json& from) {
    json list = json::array();
    add_addresses(list, from, "ipv4addrs", "inet", 32);
    add_addresses(list, from, "ipv6addrs", "inet6", 128);
    return list;
}

void copy_text(json& into, const char* name, const json& from, const char* its_name) {
    if (auto text = text_at(from, its_name); !text.empty()) into[name] = std::move(text);
}

void copy_number(json& into, const char* name, const json& from, const char* its_name) {
    if (const auto number = number_at(from, its_name)) into[name] = *number;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

void add_statistics(json& link, const json& statistics, const std::string& ifname) {
    const auto& numbers = object_at(object_at(statistics, "network"), ifname);
    if (auto state = text_at(numbers, "state"); !state.empty()) link["operstate"] = upper(std::move(state));
    if (!link.contains("speed")) copy_number(link, "speed", numbers, "speed");
    copy_text(link, "duplex", numbers, "duplex");
    if (auto stats = stats64_of(statistics, ifname); !stats.empty()) link["stats64"] = std::move(stats);
}

// Who has whom as a port; a port has one master.
using Masters = std::map<std::string, std::string>;

void add_masters(Masters& masters, const json& of_all, const char* ports) {
    for (const auto& [name, one] : of_all.items())
        for (const auto& port : texts_at(one, ports)) masters[port] = name;
}

json linkinfo_of(std::string_view kind, const json& one) {
    json info{{"info_kind", kind}};
    if (kind == "bond") {
        json options = object_at(one, "opts");
        copy_text(options, "active_slave", one, "active_slave");
        info["info_data"] = std::move(options);
    } else if (kind == "vlan") {
        json tag = json::object();
        copy_number(tag, "id", one, "vlanid");
        info["info_data"] = std::move(tag);
    } else {
        info["info_data"] = object_at(one, "opts");
    }
    return info;
}

json link_of(const std::string& name, std::string_view kind, const json& one, const Masters& masters) {
    json link{{"ifname", name}, {"kind", kind}, {"addr_info", addr_info_of(one)}};
    copy_number(link, "ifindex", one, "ifindex");
    copy_number(link, "mtu", one, "mtu");
    copy_text(link, "address", one, "hwaddr");
    copy_text(link, "permaddr", one, "permhwaddr");
    copy_number(link, "speed", one, "speed");
    if (kind == "vlan") copy_text(link, "link", one, "iface");
    if (kind == "vlan") copy_number(link, "vlan", one, "vlanid");
    if (kind == "bond") link["slaves"] = array_at(one, "slaves");
    if (kind == "bridge") link["ports"] = array_at(one, "ports");
    if (kind != "nic") link["linkinfo"] = linkinfo_of(kind, one);
    if (const auto master = masters.find(name); master != masters.end()) link["master"] = master->second;
    return link;
}

std::map<std::string, const json*> nodes_by_id(const json& topology) {
    std::map<std::string, const json*> nodes;
    for (const auto& node : array_at(topology, "nodes")) nodes.emplace(text_at(node, "id"), &node);
    return nodes;
}

}  // namespace

json stats64_of(const json& statistics, const std::string& ifname) {
    const auto& numbers = object_at(object_at(statistics, "network"), ifname);
    if (numbers.empty()) return json::object();
    json rx = json::object(), tx = json::object();
    copy_number(rx, "bytes", numbers, "rx");
    copy_number(rx, "packets", numbers, "rxPackets");
    copy_number(rx, "errors", numbers, "rxErrors");
    copy_number(rx, "dropped", numbers, "rxDropped");
    copy_number(rx, "multicast", numbers, "multicast");
    copy_number(tx, "bytes", numbers, "tx");
    copy_number(tx, "packets", numbers, "txPackets");
    copy_number(tx, "errors", numbers, "txErrors");
    copy_number(tx, "dropped", numbers, "txDropped");
    return {{"rx", std::move(rx)}, {"tx", std::move(tx)}};
}

json links_of(const json& capabilities, const json& statistics) {
    Masters masters;
    add_masters(masters, object_at(capabilities, "bridges"), "ports");
    add_masters(masters, object_at(capabilities, "bondings"), "slaves");
    const std::pair<const char*, const char*> kinds[] = {{"nics", "nic"}, {"bondings", "bond"}, {"bridges", "bridge"}, {"vlans", "vlan"}};
    json links = json::array();
    for (const auto& [group, kind] : kinds) {
        for (const auto& [name, one] : object_at(capabilities, group).items()) {
            auto link = link_of(name, kind, one, masters);
            add_statistics(link, statistics, name);
            links.push_back(std::move(link));
        }
    }
    return links;
}

json networks_of(const json& capabilities, const json& statistics) {
    json networks = json::array();
    for (const auto& [name, one] : object_at(capabilities, "networks").items()) {
        json network{{"network", name}, {"addr_info", addr_info_of(one)}, {"ports", array_at(one, "ports")}, {"roles", array_at(one, "roles")}};
        copy_text(network, "ifname", one, "iface");
        copy_text(network, "link", one, "southbound");
        copy_number(network, "vlan", one, "vlanid");
        copy_number(network, "mtu", one, "mtu");
        copy_text(network, "switch", one, "switch");
        copy_text(network, "gateway", one, "gateway");
        if (const auto gateway = text_at(one, "ipv6gateway"); !gateway.empty() && gateway != "::") network["gateway6"] = gateway;
        network["bridged"] = flag_at(one, "bridged", true);
        network["in_sync"] = flag_at(one, "inSync", true);
        add_statistics(network, statistics, text_at(one, "iface"));
        network.erase("speed");
        networks.push_back(std::move(network));
    }
    return networks;
}

void add_wires(json& networks, const json& topology) {
    const auto nodes = nodes_by_id(topology);
    for (auto& network : networks) {
        const auto found = nodes.find("network:" + text_at(network, "network"));
        if (found == nodes.end()) continue;
        if (!network.contains("link")) copy_text(network, "link", object_at(*found->second, "attributes"), "base");
        if (text_at(*found->second, "state") != "no-carrier") continue;
        network["flags"] = {"NO-CARRIER"};
        if (text_at(network, "operstate") == "UP") network["operstate"] = "LOWERLAYERDOWN";
    }
}

void add_leases(json& networks, const json& status) {
    const auto names = texts_at(status, "withoutLease");
    for (auto& network : networks) network["lacks_lease"] = std::find(names.begin(), names.end(), text_at(network, "network")) != names.end();
}

void add_carriers(json& links, const json& topology) {
    const auto nodes = nodes_by_id(topology);
    for (auto& link : links) {
        const auto found = nodes.find(text_at(link, "kind") + ":" + text_at(link, "ifname"));
        if (found != nodes.end() && text_at(*found->second, "state") == "no-carrier") link["flags"] = {"NO-CARRIER"};
    }
}

void add_missing(json& networks, const json& topology) {
    constexpr std::string_view prefix = "network:";
    std::set<std::string> there;
    for (const auto& network : networks) there.insert(text_at(network, "network"));
    for (const auto& node : array_at(topology, "nodes")) {
        const auto id = text_at(node, "id");
        if (!id.starts_with(prefix) || text_at(node, "state") != "missing" || there.contains(id.substr(prefix.size()))) continue;
        const auto& attributes = object_at(node, "attributes");
        json network{{"network", id.substr(prefix.size())}, {"addr_info", json::array()}, {"ports", json::array()}, {"roles", json::array()}};
        copy_text(network, "ifname", attributes, "device");
        copy_text(network, "link", attributes, "base");
        copy_number(network, "vlan", attributes, "vlan");
        copy_text(network, "switch", attributes, "switch");
        std::istringstream roles(text_at(attributes, "roles"));
        for (std::string role; roles >> role;) network["roles"].push_back(role);
        network["in_sync"] = false;
        network["operstate"] = "MISSING";
        networks.push_back(std::move(network));
    }
}

}  // namespace netctl
