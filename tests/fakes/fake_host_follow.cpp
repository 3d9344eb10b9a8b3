// What the kernel does by itself when something changes: what stands on it, what is in it and what leads through it
// follows.
#include "tests/fakes/fake_host.hpp"

#include "bridges/small_mtu.hpp"

#include <algorithm>
#include <cerrno>

namespace fakes {

using namespace bridges;

void FakeHost::put_mtu(const IfName& name, Mtu mtu) {
    const Mtu before = *at(name).mtu;
    if (before == mtu) return;
    edit(name, [&](Link& link) { link.mtu = mtu; });
    if (is_too_small_for_ipv6(before) != is_too_small_for_ipv6(mtu)) renew_ipv6(name);
    for (const IfName& vlan : vlans_on(name))
        if (*at(vlan).mtu > mtu) put_mtu(vlan, mtu);
    if (as<Bond>(&at(name)))
        for (const IfName& port : ports_of(name)) put_mtu(port, mtu);
    if (const auto master = at(name).master->of; master && as<Bridge>(&at(*master))) follow_ports(*master);
}

// It goes with the MTU that it needs, and comes as the defaults say.
void FakeHost::renew_ipv6(const IfName& name) {
    const bool comes = !is_too_small_for_ipv6(at(name).mtu);
    edit(name, [&](Link& link) { link.stack->ipv6 = link.stack->hears_routers = link.stack->autoconf = link.stack->ra_gateway = comes; });
    if (comes) return;
    drop_v6_addresses(name);
    drop_routes(name, false, true);
}

void FakeHost::put_mac(const IfName& name, Mac mac) {
    const Mac before = *at(name).mac;
    if (before == mac) return;
    edit(name, [&](Link& link) { link.mac = mac; });
    for (const IfName& vlan : vlans_on(name))
        if (!hidden(vlan).mac_is_set) put_mac(vlan, mac);
    if (const auto* bond = as<Bond>(&at(name)); bond && bond->options.at("fail_over_mac") != "active")
        for (const IfName& port : ports_of(name)) put_mac(port, mac);
    if (const auto master = at(name).master->of; master && as<Bridge>(&at(*master))) follow_ports(*master);
}

void FakeHost::give_routes(const IfName& name) {
    edit(name, [](Link& link) {
        link.facts.rare.edit().unrouted.clear();
        link.routed = true;
    });
}

void FakeHost::put_up(const IfName& name, bool up) {
    if (*at(name).up == up) return;
    edit(name, [&](Link& link) {
        link.up = up;
        link.facts.operstate = up ? "up" : "down";
        link.facts.carrier = up;
    });
    give_routes(name);
    for (const IfName& vlan : vlans_on(name)) put_up(vlan, up);
    if (up) return;
    drop_routes(name, true, true);
    drop_v6_addresses(name);
}

void FakeHost::drop_v6_addresses(const IfName& name) {
    edit(name, [](Link& link) { std::erase_if(*link.addresses, [](const Subnet& address) { return address.is_v6(); }); });
}

void FakeHost::drop_routes(const IfName& device, bool v4, bool v6) {
    std::vector<Route::Key> lost;
    for (const Route& route : state_.routes)
        if (route.device == device && (route.to.is_v6() ? v6 : v4)) lost.push_back(route.key());
    for (const auto& key : lost) state_.routes.erase(key);
}

// A bridge has the lowest MAC and the smallest MTU of its ports until somebody says otherwise.
void FakeHost::follow_ports(const IfName& bridge) {
    std::optional<Mac> lowest;
    std::optional<Mtu> narrowest;
    for (const IfName& port : ports_of(bridge)) {
        if (!lowest || *at(port).mac < *lowest) lowest = at(port).mac;
        if (!narrowest || *at(port).mtu < *narrowest) narrowest = at(port).mtu;
    }
    if (!hidden(bridge).mac_is_set) put_mac(bridge, lowest.value_or(Mac::of({})));
    if (!hidden(bridge).mtu_is_set) put_mtu(bridge, narrowest.value_or(Mtu{}));
}

void FakeHost::show_vlans(const IfName& bridge) {
    const auto* kind = as<Bridge>(&at(bridge));
    if (!kind) return;
    const bool filters = kind->options.at("vlan_filtering") == "1";
    auto shown = ports_of(bridge);
    shown.push_back(bridge);
    for (const IfName& name : shown) edit(name, [&](Link& link) { link.vlans = filters ? hidden(name).vlans : std::nullopt; });
}

// The kernel remembers the name, and tells it only of a port that is there.
void FakeHost::show_primary(const IfName& bond) {
    Options options = as<Bond>(&at(bond))->options;
    if (!options.contains("primary")) return;
    const auto ports = ports_of(bond);
    const bool is_there = std::ranges::any_of(ports, [&](const IfName& port) { return port.text() == hidden(bond).primary; });
    options["primary"] = is_there ? hidden(bond).primary : "";
    edit(bond, [&](Link& link) { link.kind = Bond{options}; });
}

Result<> FakeHost::set_master(const IfName& name, const std::optional<IfName>& master) {
    if (at(name).master->of == master) return {};
    detach(name);
    return master ? attach(name, *master) : Result<>{};
}

void FakeHost::detach(const IfName& name) {
    const auto master = at(name).master->of;
    if (!master) return;
    edit(name, [](Link& link) { link.master = Master{}, link.isolated = {}, link.flags = {}, link.forwards = {}, link.vlans = {}; });
    hidden(name).vlans = {};
    if (as<Bridge>(&at(*master))) return follow_ports(*master);
    // A bond closes its port and gives back what it took.
    put_up(name, false);
    const Hidden before = hidden(name);
    if (before.mac_before) put_mac(name, *before.mac_before);
    if (before.mtu_before) put_mtu(name, *before.mtu_before);
    hidden(name).mac_before = {}, hidden(name).mtu_before = {};
    show_primary(*master);
    if (!ports_of(*master).empty()) return;
    hidden(*master).mac_is_set = false;
    put_mac(*master, random_mac());
}

Result<> FakeHost::attach(const IfName& name, const IfName& master) {
    if (as<Bond>(&at(master))) return attach_to_bond(name, master);
    if (!as<Bridge>(&at(master))) return refused(EOPNOTSUPP, name);
    if (as<Bridge>(&at(name))) return refused(ELOOP, name);
    for (const Link* below = &at(name); below;) {
        if (below->name == master) return refused(EBUSY, name);
        const auto* vlan = as<Vlan>(below);
        below = vlan ? &at(vlan->base) : nullptr;
    }
    if (ports_of(master).size() >= 1024) return refused(EXFULL, name);
    edit(name, [&](Link& link) { link.master = Master{master}, link.isolated = false, link.flags = bridges::PortFlags{}, link.forwards = bridges::PortForwards{}; });
    const auto pvid = VlanId::parse(as<Bridge>(&at(master))->options.at("vlan_default_pvid"));
    hidden(name).vlans = PortVlans{.untagged = pvid->number() ? std::optional(*pvid) : std::nullopt};
    show_vlans(master);
    follow_ports(master);
    return {};
}

Result<> FakeHost::attach_to_bond(const IfName& name, const IfName& bond) {
    if (as<Bond>(&at(name)) || name == bond) return refused(EPERM, name);
    if (*at(name).up) return refused(EPERM, name);
    hidden(name).mac_before = at(name).mac;
    hidden(name).mtu_before = at(name).mtu;
    if (ports_of(bond).empty() && !hidden(bond).mac_is_set) put_mac(bond, *at(name).mac);
    edit(name, [&](Link& link) { link.master = Master{bond}; });
    if (as<Bond>(&at(bond))->options.at("fail_over_mac") != "active") put_mac(name, *at(bond).mac);
    put_mtu(name, *at(bond).mtu);
    put_up(name, true);
    show_primary(bond);
    return {};
}

}  // namespace fakes
