// See filtered.hpp.
#include "ovs-driver/filtered.hpp"

#include "ovs-driver/rows_read.hpp"

#include <set>
#include <variant>

namespace ovs {
namespace {

constexpr std::int64_t first_number = 1000;  // those that ovs-vswitchd gives by itself begin at 1
constexpr std::int64_t last_number = 0xfeff;

// Whether frames of a port with the one tagging reach an access port of the tag.
bool reaches(const Tagging& from, VlanId tag) {
    if (const auto* access = std::get_if<Access>(&from)) return access->tag == tag;
    const auto* trunk = std::get_if<Trunk>(&from);
    return trunk && (trunk->tags.empty() || trunk->tags.contains(tag) || trunk->native == tag);
}

// By bridge: the host's own devices, each in its network.
using HostPorts = std::map<IfName, std::vector<std::pair<VlanId, Mac>>>;

// In which network the port is a device of the host's own; null: in none.
const Access* access_of_host(const Port& port) {
    return port.bridge && port.internal == true && port.tagging ? std::get_if<Access>(&*port.tagging) : nullptr;
}

// By the MAC that a device shall have, too: ovs-vswitchd tells of it only once it has it.
void add_host(HostPorts& found, const Port& port) {
    const auto* access = access_of_host(port);
    if (!access) return;
    for (const auto& mac : {port.mac, port.facts.mac})
        if (mac && *mac != no_mac) found[*port.bridge].emplace_back(access->tag, *mac);
}

HostPorts host_ports(const State& state) {
    HostPorts found;
    for (const Port& port : state.ports) add_host(found, port);
    return found;
}

FilteredPort filtered(const IfName& name, const topology::Filter& filter, const IfName& bridge, const std::optional<Tagging>& tagging, const HostPorts& hosts) {
    FilteredPort port{name, filter};
    const auto host = hosts.find(bridge);
    if (host == hosts.end() || !tagging) return port;
    for (const auto& [tag, mac] : host->second)
        if (reaches(*tagging, tag)) port.host.insert(mac);
    return port;
}

// What `op` makes of a port: all of it that matters here, as `now` of a change holds only what changes.
std::optional<Port> port_after(const Op& op, const State& state) {
    if (const auto* made = std::get_if<Create<Port>>(&op)) return made->now;
    const auto* change = std::get_if<Update<Port>>(&op);
    if (!change) return std::nullopt;
    Port port = change->now;
    const Port* there = state.ports.find(port.name);
    if (!there) return port;
    const auto keep = [&](auto field) {
        if (!(port.*field)) port.*field = there->*field;
    };
    keep(&Port::bridge);
    keep(&Port::internal);
    keep(&Port::tagging);
    keep(&Port::mac);
    keep(&Port::filter);
    port.facts = there->facts;
    return port;
}

std::optional<Port> filtered_port(const Op& op, const State& state) {
    auto port = port_after(op, state);
    return port && port->filter ? port : std::nullopt;
}

HostPorts host_ports(std::span<const Op> ops, const State& state) {
    HostPorts found = host_ports(state);
    for (const Op& op : ops)
        if (const auto port = port_after(op, state)) add_host(found, *port);
    return found;
}

// 0: none yet. It is asked for before it is had.
std::uint16_t number_of(const Port& port) { return static_cast<std::uint16_t>(port.facts.ofport > 0 ? port.facts.ofport : port.ofport_request.value_or(0)); }

bool stays(const Port& port, const State& state) {
    const Port* there = state.ports.find(port.name);
    return there && there->bridge == port.bridge && there->facts.ofport > 0;
}

}  // namespace

FilteredBridges filtered_bridges(const State& state) {
    FilteredBridges bridges;
    std::optional<HostPorts> hosts;
    for (const Port& port : state.ports) {
        if (!port.filter || !port.bridge || !number_of(port)) continue;
        if (!hosts) hosts = host_ports(state);
        bridges[*port.bridge].emplace(number_of(port), filtered(port.name, *port.filter, *port.bridge, port.tagging, *hosts));
    }
    return bridges;
}

bool waits_for_its_bridge(const Op& op, const State& state) {
    const auto port = filtered_port(op, state);
    return port && port->bridge && !state.bridges.find(*port->bridge);
}

FilteredBridges filtered_bridges(std::span<const Op> ops, const State& state) {
    FilteredBridges bridges;
    std::optional<HostPorts> hosts;
    for (const Op& op : ops) {
        const auto port = filtered_port(op, state);
        if (!port || !port->bridge || !port->ofport_request || !state.bridges.find(*port->bridge)) continue;
        if (!hosts) hosts = host_ports(ops, state);
        bridges[*port->bridge].emplace(static_cast<std::uint16_t>(*port->ofport_request), filtered(port->name, *port->filter, *port->bridge, port->tagging, *hosts));
    }
    return bridges;
}

std::set<IfName> taught_bridges(std::span<const Op> ops, const State& state) {
    const auto keeps = [](const Port& port) { return port.filter && keeps_to_its_mac(*port.filter); };
    std::set<IfName> bridges;
    for (const Op& op : ops) {
        const auto port = filtered_port(op, state);
        if (!port || !stays(*port, state)) continue;
        const Port& there = *state.ports.find(port->name);
        if ((keeps(*port) && !keeps(there)) || port->tagging != there.tagging) bridges.insert(*port->bridge);
    }
    return bridges;
}

namespace {

// By bridge and network: the host's own devices.
using HostDevices = std::map<IfName, std::multimap<VlanId, IfName>>;

HostDevices host_devices(const State& state) {
    HostDevices found;
    for (const Port& port : state.ports)
        if (const auto* access = access_of_host(port); access && IfName::parse(port.name.text())) found[*port.bridge].emplace(access->tag, port.name);  // nftables takes no others
    return found;
}

// `guests`: those of whom is asked. One without tags of its own costs what there is of the host's in its network.
topology::Unheard unheard(const State& state, const topology::Keyed<Port>& guests) {
    const HostDevices hosts = host_devices(state);
    topology::Unheard all;
    for (const Port& port : guests) {
        if (!port.filter || !keeps_to_its_mac(*port.filter) || !port.bridge || !port.tagging) continue;
        const auto host = hosts.find(*port.bridge);
        if (host == hosts.end()) continue;
        const auto* access = std::get_if<Access>(&*port.tagging);
        auto [device, end] = access ? host->second.equal_range(access->tag) : std::pair(host->second.begin(), host->second.end());
        for (; device != end; ++device)
            if (reaches(*port.tagging, device->first)) all.emplace(device->second, port.filter->mac);
    }
    return all;
}

}  // namespace

topology::Unheard unheard(const State& state) { return unheard(state, state.ports); }

topology::Unheard unheard(std::span<const Op> ops, const State& state) {
    State after = state;
    topology::Keyed<Port> changed;
    bool is_of_host = false;  // who comes to a guest is new to it, as if that came
    for (const Op& op : ops) {
        const auto port = port_after(op, state);
        if (!port) continue;
        is_of_host = is_of_host || access_of_host(*port);
        after.ports.put(*port);
        changed.put(*port);
    }
    return unheard(after, is_of_host ? after.ports : changed);
}

std::vector<Op> with_numbers(std::span<const Op> ops, const State& state) {
    std::vector<Op> numbered(ops.begin(), ops.end());
    std::map<IfName, std::set<std::int64_t>> taken;
    bool is_known = false;
    for (Op& op : numbered) {
        const auto port = filtered_port(op, state);
        if (!port || !port->bridge) continue;
        std::int64_t number = port->facts.ofport;
        if (!stays(*port, state)) {
            if (!std::exchange(is_known, true))
                for (const Port& there : state.ports)
                    if (there.bridge) taken[*there.bridge].insert(number_of(there));
            auto& used = taken[*port->bridge];
            for (number = first_number; number < last_number && used.contains(number);) ++number;
            used.insert(number);
        }
        if (auto* made = std::get_if<Create<Port>>(&op)) made->now.ofport_request = number;
        if (auto* change = std::get_if<Update<Port>>(&op)) change->now.ofport_request = number;
    }
    return numbered;
}

std::string folder_of(const std::string& remote) {
    const std::string path = remote.starts_with("unix:") ? remote.substr(5) : std::string();
    const auto end = path.rfind('/');
    return end == path.npos || end == 0 ? std::string("/run/openvswitch") : path.substr(0, end);
}

}  // namespace ovs
