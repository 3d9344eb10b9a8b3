// Hosts by chance, from a small world in which everything gets in everything's way: four NICs, and names, tags, addresses
// and gateways that all compete for them. Whatever is drawn is legal: the kernel can have it.
#pragma once

#include "bridges/state.hpp"
#include "bridges/small_mtu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace chance {

using namespace bridges;

class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    bool one_in(int n) { return below(n) == 0; }
    template <class T>
    const T& of(const std::vector<T>& choices) {
        return choices[below(static_cast<int>(choices.size()))];
    }
    template <class T>
    T take(std::vector<T>& from) {
        const auto at = from.begin() + below(static_cast<int>(from.size()));
        T taken = *at;
        from.erase(at);
        return taken;
    }

private:
    std::mt19937 random_;
};

inline IfName name(const std::string& text) { return *IfName::parse(text); }

const std::vector<std::string> nics = {"n0", "n1", "n2", "n3"};

// What netd would want of a host. Everything in it is ours, and it has an opinion on every NIC.
class Drawing {
public:
    explicit Drawing(unsigned seed) : dice_(seed) {}

    State draw() {
        for (const auto& nic : nics) put(nic, Device{}).mtu = Mtu{};
        draw_bonds();
        for (int i = dice_.below(4); i > 0; --i) draw_vlan();
        for (int i = dice_.below(4); i > 0; --i) draw_bridge();
        for (const auto& top : free_) draw_addresses(top);
        return state_;
    }

private:
    Link& put(const std::string& called, Kind kind) {
        Link& link = links_.emplace_back(Link{name(called)});
        link.kind = std::move(kind);
        link.owner = std::holds_alternative<Device>(*link.kind) ? Owner::foreign() : Owner::ours("network " + called);
        link.up = true;
        link.master = Master{};
        link.addresses.emplace();
        state_.links.put(link);
        free_.push_back(called);
        return link;
    }

    template <class Change>
    void edit(const std::string& called, Change&& change) {
        Link link = *state_.links.find(name(called));
        change(link);
        state_.links.put(link);
    }

    Mtu some_mtu() { return *Mtu::from(dice_.of<int>({1000, 1400, 1500, 1500, 2000, 9000})); }

    void draw_bonds() {
        for (const auto& nic : nics) edit(nic, [&](Link& link) { link.mtu = some_mtu(); });
        for (int i = dice_.below(3); i > 0 && nics_.size() >= 2; --i) {
            const std::string bond = i == 1 ? "x0" : "bond0";
            Options options = {{"mode", dice_.of<std::string>({"balance-rr", "active-backup", "802.3ad"})}, {"updelay", "0"}};
            if (options["mode"] == "802.3ad") options["lacp_rate"] = dice_.of<std::string>({"slow", "fast"});
            options["miimon"] = dice_.of<std::string>({"100", "200"});
            put(bond, Bond{options});
            const Mtu mtu = some_mtu();
            edit(bond, [&](Link& link) {
                link.mtu = mtu;
                if (dice_.one_in(2)) link.mac = Mac::of({2, 1, 0, 0, 0, static_cast<std::uint8_t>(i)});
            });
            for (int ports = 1 + dice_.below(2); ports > 0; --ports) {
                const std::string port = dice_.take(nics_);
                std::erase(free_, port);
                edit(port, [&](Link& link) {
                    link.master = Master{name(bond)};
                    link.mtu = mtu;
                });
            }
            bases_.push_back(bond);
        }
        bases_.insert(bases_.end(), nics_.begin(), nics_.end());
    }

    void draw_vlan() {
        if (bases_.empty()) return;
        const std::string base = dice_.of(bases_);
        const int id = 10 + dice_.below(3);
        const Vlan kind{name(base), *VlanId::from(id)};
        for (const Link& other : state_.links)
            if (other.kind == Kind{kind}) return;
        const std::string called = dice_.one_in(4) ? "y" + std::to_string(id) : fmt::format("{}.{}", base, id);
        if (state_.links.contains(name(called))) return;
        put(called, kind);
        edit(called, [&](Link& link) { link.mtu = std::min(*state_.links.find(name(base))->mtu, some_mtu()); });
    }

    void draw_bridge() {
        const std::string called = dice_.of<std::string>({"br0", "br1", "br2", "x0", "y10"});
        if (state_.links.contains(name(called))) return;
        Bridge kind{{{"stp_state", dice_.one_in(3) ? "1" : "0"}}};
        const bool filters = dice_.one_in(3);
        kind.options["vlan_filtering"] = filters ? "1" : "0";
        if (filters) kind.options["vlan_default_pvid"] = dice_.one_in(2) ? "0" : "1";
        std::vector<std::string> ports;
        for (int i = dice_.below(3); i > 0; --i) {
            std::vector<std::string> choices;
            for (const auto& one : free_)
                if (!std::holds_alternative<Bridge>(*state_.links.find(name(one))->kind)) choices.push_back(one);
            if (choices.empty()) break;
            ports.push_back(dice_.of(choices));
            std::erase(free_, ports.back());
        }
        put(called, kind);
        Mtu mtu = some_mtu();
        for (const auto& port : ports) draw_port(port, called, filters);
        if (!ports.empty() && dice_.one_in(2)) mtu = *state_.links.find(name(ports[0]))->mtu;
        edit(called, [&](Link& link) {
            link.mtu = mtu;
            if (!ports.empty() && dice_.one_in(2)) link.mac = Mac::of({2, 2, 0, 0, 0, static_cast<std::uint8_t>(dice_.below(3))});
            if (filters && dice_.one_in(2)) link.vlans = some_vlans();
        });
        if (filters && dice_.one_in(2)) draw_vlan_on(called, ports);
    }

    // Whoever stands on a bridge wants it no wider than its ports are.
    void draw_vlan_on(const std::string& bridge, const std::vector<std::string>& ports) {
        Mtu mtu = *state_.links.find(name(bridge))->mtu;
        for (const auto& port : ports) mtu = std::min(mtu, *state_.links.find(name(port))->mtu);
        edit(bridge, [&](Link& link) { link.mtu = mtu; });
        put(bridge + ".7", Vlan{name(bridge), *VlanId::from(7)});
        edit(bridge + ".7", [&](Link& link) { link.mtu = mtu; });
    }

    PortVlans some_vlans() {
        PortVlans vlans;
        for (int i = dice_.below(3); i > 0; --i) vlans.tagged.insert(*VlanId::from(20 + dice_.below(4)));
        if (dice_.one_in(2)) vlans.untagged = *VlanId::from(1 + dice_.below(2));
        return vlans;
    }

    void draw_port(const std::string& port, const std::string& bridge, bool filters) {
        edit(port, [&](Link& link) {
            link.master = Master{name(bridge)};
            if (dice_.one_in(2)) link.isolated = dice_.one_in(2);
            if (filters) link.vlans = some_vlans();
        });
    }

    void draw_addresses(const std::string& top) {
        if (dice_.one_in(2)) return;
        const int net = dice_.below(3);
        std::set<Subnet> addresses;
        for (int i = 1 + dice_.below(2); i > 0; --i) addresses.insert(*Subnet::parse(fmt::format("10.0.{}.{}/24", net, 1 + dice_.below(3))));
        if (dice_.one_in(3)) addresses.insert(*Subnet::parse("10.9.9.9/32"));
        if (dice_.one_in(3) && !is_too_small_for_ipv6(state_.links.find(name(top))->mtu)) addresses.insert(*Subnet::parse(fmt::format("fd00::{}:{}/112", net + 1, 1 + dice_.below(2))));
        edit(top, [&](Link& link) { link.addresses = addresses; });
        if (dice_.one_in(2)) draw_routes(top, net);
        if (dice_.one_in(2)) state_.rules.put(Rule{.priority = Rule::refusals, .v6 = dice_.one_in(2), .in = name(top), .drops = true});
        if (dice_.one_in(4)) edit(top, [&](Link& link) { link.stack = HostStack{.forwarding = dice_.one_in(2)}; });
    }

    void draw_routes(const std::string& top, int net) {
        const auto via = *IpAddress::parse(fmt::format("10.0.{}.254", net));
        const std::uint32_t table = dice_.one_in(2) ? Route::main_table : 100u + static_cast<unsigned>(net);
        Route route{.table = table, .to = *Subnet::parse("0.0.0.0/0"), .via = via, .device = name(top)};
        if (!state_.routes.contains(route.key())) state_.routes.put(route);
        if (dice_.one_in(3)) {
            const Route near{.table = table, .to = *Subnet::parse("172.16.0.0/16"), .via = {}, .device = name(top)};
            if (!state_.routes.contains(near.key())) state_.routes.put(near);
        }
        if (table == Route::main_table) return;
        state_.rules.put(Rule{.from = Subnet::parse(fmt::format("10.0.{}.0/24", net)).operator*(), .table = table});
    }

    Dice dice_;
    State state_ = {};
    std::vector<Link> links_ = {};
    std::vector<std::string> nics_ = nics, free_ = {}, bases_ = {};
};

inline State state(unsigned seed) { return Drawing(seed).draw(); }

// The same, where others made some of it before netd came.
inline State mixed_state(unsigned seed) {
    State state = Drawing(seed).draw();
    Dice dice(seed);
    const State drawn = state;
    for (Link link : drawn.links) {
        if (!dice.one_in(3)) continue;
        link.owner = Owner::foreign();
        state.links.put(link);
    }
    for (Route route : drawn.routes) {
        if (!dice.one_in(2)) continue;
        route.protocol = 4;  // static
        state.routes.put(route);
    }
    return state;
}

// Whether what others made has no tag that is wanted under another name: the kernel can't have both.
inline bool can_stand_together(const State& want, const State& have) {
    for (const Link& ours : want.links)
        for (const Link& theirs : have.links)
            if (ours.as<Vlan>() && ours.kind == theirs.kind && ours.name != theirs.name) return false;
    return true;
}

}  // namespace chance
