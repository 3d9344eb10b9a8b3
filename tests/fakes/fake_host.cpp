// Links that come and links that go, as the kernel makes and drops them.
#include "tests/fakes/fake_host.hpp"

#include "bridges/bond_options.hpp"
#include "bridges/bridge_options.hpp"
#include "bridges/small_mtu.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fakes {

using namespace bridges;

// The same faults as the real one's.
static Fault fault_of(int code) {
    switch (code) {
        case EBUSY:
        case EEXIST: return Fault::conflict;
        case EPERM:
        case EACCES: return Fault::denied;
        case ENODEV:
        case ENXIO: return Fault::lost_sync;
        case EINVAL:
        case ERANGE: return Fault::invalid;
        case ENOENT:
        case ESRCH: return Fault::not_found;
        default: return Fault::backend;
    }
}

Error refused(int code, std::string_view subject) {
    return {fault_of(code), std::string(subject), std::string("the kernel says: ") + std::strerror(code)};
}
Error refused(int code, const IfName& subject) { return refused(code, subject.text()); }

Result<> FakeHost::carry_out(const Op& op, const Abilities& abilities) {
    abilities_ = abilities;
    struct {
        FakeHost& host;
        Result<> operator()(const Create<Link>& op) { return host.create(op.now); }
        Result<> operator()(const Update<Link>& op) { return host.change(op.now); }
        Result<> operator()(const Remove<Link>& op) { return host.remove(op.was); }
        Result<> operator()(const Create<Route>& op) { return host.put_route(op.now); }
        Result<> operator()(const Update<Route>& op) { return host.put_route(op.now); }
        Result<> operator()(const Remove<Route>& op) { return host.remove_route(op.was); }
        Result<> operator()(const Create<Rule>& op) { return host.create_rule(op.now); }
        Result<> operator()(const Remove<Rule>& op) { return host.remove_rule(op.was); }
    } carry{*this};
    return std::visit(carry, op);
}

Mac FakeHost::random_mac() {
    const auto number = next_mac_++;
    return Mac::of({0x0a, 0, 0, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                    static_cast<std::uint8_t>(number)});
}

// What every new link is like.
static Link plain_link(const IfName& name, int index, const char* kind, Mac mac) {
    Link link{name};
    link.owner = Owner::foreign();
    link.mtu = Mtu{};
    link.mac = mac;
    link.up = false;
    link.master = Master{};
    link.stack = HostStack{true, false, false, true, true, true};
    link.standing = bridges::Standing();
    link.addresses.emplace();
    link.odd_addresses.emplace();
    link.routed = true;
    link.promiscuous = false;
    link.traffic = Traffic{};
    link.facts.index = index;
    link.facts.kind = kind;
    link.facts.operstate = "down";
    return link;
}

void FakeHost::add_device(const IfName& name, const char* kind) {
    const int index = next_index_++;
    const Mac mac = Mac::of({2, 0, 0, 0, static_cast<std::uint8_t>(index >> 8), static_cast<std::uint8_t>(index)});
    Link link = plain_link(name, index, kind, mac);
    link.kind = Device{};
    link.facts.permanent_mac = mac;
    state_.links.put(std::move(link));
    hidden_[name] = {};
}

void FakeHost::adopt(const State& state) {
    for (const Link& wanted : state.links) {
        if (wanted.is_device()) add_device(wanted.name);
        else state_.links.put(fresh_link(wanted));
        edit(wanted.name, [&](Link& link) {
            topology::for_each_field<Link>([&](const auto& field) {
                if (wanted.*field.member) link.*field.member = wanted.*field.member;
            });
            if (const auto* bond = as<Bond>(&link); bond && !bond->options.contains("mode")) link.kind = fresh_link(wanted).kind;
            link.facts.operstate = *link.up ? "up" : "down";
            link.facts.carrier = *link.up;
        });
        Hidden& unseen = hidden_[wanted.name];
        unseen.vlans = wanted.vlans;
        if (wanted.addresses) std::ranges::copy_if(*wanted.addresses, std::back_inserter(unseen.v4), [](auto& a) { return !a.is_v6(); });
    }
    for (const Link& link : state_.links) {
        const Link* master = link.master->of ? state_.links.find(*link.master->of) : nullptr;
        Hidden& unseen = hidden_[link.name];
        if (as<Bond>(master)) unseen.mac_before = link.facts.permanent_mac.value_or(*link.mac), unseen.mtu_before = link.mtu;
        unseen.mac_is_set = as<Bridge>(&link) || as<Bond>(&link);
        unseen.mtu_is_set = as<Bridge>(&link);
    }
    for (const Route& route : state.routes) state_.routes.put(route);
    for (const Rule& rule : state.rules) state_.rules.put(rule);
}

Link FakeHost::fresh_link(const Link& now) {
    Link fresh = plain_link(now.name, next_index_++, "", random_mac());
    fresh.kind = now.kind;
    fresh.facts.kind = name_of(*now.kind);
    if (const auto* bond = as<Bond>(&now)) {
        const auto mode = bond->options.find("mode");
        fresh.kind = Bond{default_bond_options(mode == bond->options.end() ? "balance-rr" : mode->second)};
    } else if (as<Bridge>(&now)) {
        Bridge bridge;
        for (const char* option : {"stp_state", "vlan_filtering", "vlan_default_pvid", "ageing_time", "forward_delay", "hello_time",
                                   "max_age", "priority", "multicast_snooping", "group_fwd_mask", "nf_call_iptables"})
            bridge.options.edit().emplace(option, bridge_option_default(option).value());
        fresh.kind = bridge;
        if (abilities_.gates) fresh.gate = false;
    } else if (as<Tap>(&now)) {
        fresh.facts.kind = "tun";
        if (abilities_.gates) fresh.admitted = false;
    } else if (as<Veth>(&now)) {
        fresh.kind = Veth{};
    }
    return fresh;
}

Result<> FakeHost::create_vlan(Link& fresh, const Link& now) {
    const Vlan& vlan = *as<Vlan>(&now);
    if (!abilities_.vlan) return refused(EOPNOTSUPP, now.name);
    const Link* base = state_.links.find(vlan.base);
    if (!base) return refused(ENODEV, now.name);
    for (const Link& other : state_.links)
        if (const auto* there = as<Vlan>(&other); there && *there == vlan) return refused(EEXIST, now.name);
    if (now.mtu && *now.mtu > *base->mtu) return refused(EINVAL, now.name);
    fresh.mtu = base->mtu;
    fresh.mac = base->mac;
    return {};
}

Result<> FakeHost::may_be_made(const Link& now) const {
    // What others make is there or isn't.
    if (now.is_device()) return refused(ENOENT, now.name);
    if (state_.links.contains(now.name)) return refused(EEXIST, now.name);
    if ((as<Bond>(&now) && !abilities_.bond) || (as<Tap>(&now) && !abilities_.tap)) return refused(EOPNOTSUPP, now.name);
    if (now.mac && (now.mac->is_multicast() || now.mac->bytes() == Mac::Bytes{})) return refused(EADDRNOTAVAIL, now.name);
    if (now.master && now.master->of && !state_.links.contains(*now.master->of)) return refused(ENODEV, now.name);
    return {};
}

Result<> FakeHost::create(const Link& now) {
    const bool is_there = state_.links.contains(now.name);
    if (is_there && now.is_device()) return change(now);
    if (auto legal = may_be_made(now); !legal) return legal;
    Link fresh = fresh_link(now);
    if (as<Vlan>(&now))
        if (auto made = create_vlan(fresh, now); !made) return made;
    if (now.mac) fresh.mac = now.mac;
    if (now.mtu) fresh.mtu = now.mtu;
    state_.links.put(fresh);
    if (is_too_small_for_ipv6(fresh.mtu)) renew_ipv6(now.name);
    hidden_[now.name] = Hidden{.mac_is_set = now.mac.has_value()};
    if (as<Bridge>(&now)) hidden(now.name).vlans = PortVlans{.untagged = *VlanId::from(1)};
    show_vlans(now.name);
    if (const auto* veth = as<Veth>(&now); veth && !veth->netns) create_peer(now, *veth);
    const auto joined = set_master(now.name, now.master ? now.master->of : std::nullopt);
    if (!joined) return drop(now.name), joined;
    // The rest is said of a link that is there; if some of it is refused, the link stays.
    return change(now);
}

void FakeHost::create_peer(const Link& now, const Veth& veth) {
    IfName name = veth.peer.value_or(IfName::observed("veth" + std::to_string(next_index_)));
    Link peer = fresh_link(Link{name, Veth{}});
    if (veth.peer_mac) peer.mac = veth.peer_mac;
    peer.mtu = at(now.name).mtu;
    peer.up = true;
    edit(now.name, [&](Link& link) { link.facts.peer_index = peer.facts.index; });
    peer.facts.peer_index = at(now.name).facts.index;
    state_.links.put(peer);
    hidden_[name] = {};
}

Result<> FakeHost::remove(const Link& was) {
    const Link* link = state_.links.find(was.name);
    if (!link) return {};
    const bool was_ours = was.owner && was.owner->is_ours();
    if (was_ours && !link->owner->is_ours()) return Error{Fault::conflict, was.name.text(), "its mark is gone: it is no longer ours"};
    if (as<Device>(link)) return refused(EOPNOTSUPP, was.name);
    drop(was.name);
    return {};
}

// The filters stay, and lead nowhere.
static void lose(std::set<IfName>& copies, const IfName& gone) {
    copies.erase(gone);
    copies.insert(IfName::observed("(gone)"));
}

void FakeHost::drop(const IfName& name) {
    if (!state_.links.contains(name)) return;
    const auto peer_index = as<Veth>(&at(name)) ? at(name).facts.peer_index : std::nullopt;
    for (const IfName& vlan : vlans_on(name)) drop(vlan);
    for (const IfName& port : ports_of(name)) detach(port);
    detach(name);
    drop_routes(name, true, true);
    for (const Link& link : bridges::State(state_).links)
        for (auto copies : {&Traffic::copies, &Traffic::copies_in})
            if (((*link.traffic).*copies).contains(name)) edit(link.name, [&](Link& source) { lose(source.traffic.edit().*copies, name); });
    state_.links.erase(name);
    hidden_.erase(name);
    const auto peer = std::ranges::find_if(state_.links, [&](const Link& link) { return link.facts.index == peer_index; });
    if (peer != state_.links.end()) drop(IfName(peer->name));
}

void FakeHost::take_filters_from(const std::set<IfName>& ports) {
    for (const IfName& port : ports)
        if (state_.links.contains(port)) edit(port, [](Link& link) { link.filter.reset(); });
}

std::vector<IfName> FakeHost::ports_of(const IfName& master) const {
    std::vector<IfName> ports;
    for (const Link& link : state_.links)
        if (link.master && link.master->of == master) ports.push_back(link.name);
    return ports;
}

std::vector<IfName> FakeHost::vlans_on(const IfName& base) const {
    std::vector<IfName> vlans;
    for (const Link& link : state_.links)
        if (const auto* vlan = as<Vlan>(&link); vlan && vlan->base == base) vlans.push_back(link.name);
    return vlans;
}

}  // namespace fakes
