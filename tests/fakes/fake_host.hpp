// The inside of the fake kernel: what is there in truth, and the rules by which it changes or refuses to.
#pragma once

#include "bridges/kernel.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fakes {

using bridges::Link;
using topology::IfName;
using topology::Mac;
using topology::Mtu;
using topology::Result;
using topology::Subnet;

// What the kernel knows of a link and tells nobody.
struct Hidden {
    bool mtu_is_set = false;  // a bridge's MTU follows its ports until somebody sets it
    bool mac_is_set = false;  // a bridge's MAC follows its ports, a bond's its first, a VLAN's its base, until set
    std::optional<Mac> mac_before = {};  // of a bond's port: what it gets back when it leaves
    std::optional<Mtu> mtu_before = {};
    std::string primary = {};            // of a bond: the port that is preferred once it is there
    std::optional<bridges::PortVlans> vlans = {};  // of a bridge and its ports, whether it filters or not
    std::vector<Subnet> v4 = {};  // in the order in which they came: the first of a subnet takes the others with it
};

class FakeHost {
public:
    const bridges::State& state() const { return state_; }
    Result<> carry_out(const bridges::Op& op, const bridges::Abilities& abilities);

    void add_device(const IfName& name, const char* kind = "");  // a NIC, or an OVS internal port
    void take_filters_from(const std::set<IfName>& ports);
    void drop(const IfName& name);        // a link vanishes, with all that stands on it
    void adopt(const bridges::State& state);  // puts it there as it is, without asking

private:
    // fake_host.cpp: links that come and go
    Result<> create(const Link& now);
    Result<> may_be_made(const Link& now) const;
    Result<> create_vlan(Link& fresh, const Link& now);
    void create_peer(const Link& now, const bridges::Veth& veth);
    Link fresh_link(const Link& now);
    Result<> remove(const Link& was);

    // fake_host_change.cpp: attributes
    Result<> change(const Link& now);
    Result<bridges::Options> options_to_set(const Link& now) const;
    Result<> set_options(const IfName& name, const bridges::Options& now);
    Result<> set_bridge_options(const IfName& name, const bridges::Options& now);
    Result<> set_bond_options(const IfName& name, const bridges::Options& now);
    Result<> set_size_and_address(const Link& now, const Link& have);
    Result<> set_up(const IfName& name, bool up);
    Result<> set_mtu(const IfName& name, Mtu mtu);
    Result<> set_mac(const IfName& name, Mac mac);
    Result<> set_port(const Link& now);
    Result<> set_stack(const IfName& name, const bridges::HostStack& now);
    Result<> set_addresses(const IfName& name, const std::set<Subnet>& now, const topology::Rare<std::set<bridges::OddAddress>>& odd);
    Result<> set_traffic(const IfName& name, const bridges::Traffic& now);

    // fake_host_follow.cpp: what the kernel does by itself
    void put_mtu(const IfName& name, Mtu mtu);
    void renew_ipv6(const IfName& name);
    void put_mac(const IfName& name, Mac mac);
    void put_up(const IfName& name, bool up);
    void give_routes(const IfName& name);
    void follow_ports(const IfName& bridge);
    void show_vlans(const IfName& bridge);
    void show_primary(const IfName& bond);
    void drop_routes(const IfName& device, bool v4, bool v6);
    void drop_v6_addresses(const IfName& name);
    Result<> set_master(const IfName& name, const std::optional<IfName>& master);
    void detach(const IfName& name);
    Result<> attach(const IfName& name, const IfName& master);
    Result<> attach_to_bond(const IfName& name, const IfName& bond);

    // fake_host_routes.cpp
    Result<> put_route(const bridges::Route& route);
    Result<> remove_route(const bridges::Route& route);
    Result<> remove_subnet_route(const bridges::Route& route);
    Result<> create_rule(const bridges::Rule& rule);
    Result<> remove_rule(const bridges::Rule& rule);
    bool is_reachable(const bridges::Route& route) const;

    template <class Change>
    void edit(const IfName& name, Change&& change) {
        Link link = *state_.links.find(name);
        change(link);
        state_.links.put(std::move(link));
    }
    const Link& at(const IfName& name) const { return *state_.links.find(name); }
    Hidden& hidden(const IfName& name) { return hidden_[name]; }
    std::vector<IfName> ports_of(const IfName& master) const;
    std::vector<IfName> vlans_on(const IfName& base) const;
    Mac random_mac();

    bridges::State state_ = {};
    std::map<IfName, Hidden> hidden_ = {};
    bridges::Abilities abilities_ = {};
    int next_index_ = 2;
    unsigned next_mac_ = 1;
};

// The kernel's "no" in its words.
topology::Error refused(int code, const IfName& subject);
topology::Error refused(int code, std::string_view subject);

template <class K>
const K* as(const Link* link) {
    return link ? link->as<K>() : nullptr;
}

}  // namespace fakes
