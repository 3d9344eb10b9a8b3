// One attribute after the other, in the order in which the real one sends them: what is so already is not sent.
#include "tests/fakes/fake_host.hpp"

#include "bridges/bond_options.hpp"
#include "bridges/bridge_options.hpp"
#include "bridges/small_mtu.hpp"

#include <algorithm>
#include <cerrno>

namespace fakes {

using namespace bridges;

namespace {

Options missing_options(const Options& now, const Options& have) {
    Options missing;
    for (const auto& [option, value] : now)
        if (const auto found = have.find(option); found == have.end() || found->second != value) missing[option] = value;
    return missing;
}

bool needs_down(const Options& options) {
    return std::ranges::any_of(options, [](const auto& option) {
        return bond_option_needs_down(option.first) || bond_option_needs_empty(option.first);
    });
}

}  // namespace

Result<Options> FakeHost::options_to_set(const Link& now) const {
    const Link& have = at(now.name);
    if (now.is_device()) return Options{};
    if (now.kind->index() != have.kind->index()) return Error{Fault::conflict, now.name.text(), "it cannot become another kind"};
    if (const auto* bond = as<Bond>(&now)) {
        Options missing = missing_options(bond->options, as<Bond>(&have)->options);
        const auto primary = bond->options.find("primary");
        if (primary != bond->options.end() && primary->second.empty()) missing.edit().insert(*primary);  // one that has left is remembered
        return missing;
    }
    if (const auto* bridge = as<Bridge>(&now)) return missing_options(bridge->options, as<Bridge>(&have)->options);
    const auto* tap = as<Tap>(&now);
    if (tap ? tap->queues == as<Tap>(&have)->queues : *now.kind == *have.kind) return Options{};
    return Error{Fault::conflict, now.name.text(), "what it was made with cannot be changed while it is there"};
}

Result<> FakeHost::set_size_and_address(const Link& now, const Link& have) {
    if (now.mac && now.mac != have.mac)
        if (auto said = set_mac(now.name, *now.mac); !said) return said;
    return now.mtu && now.mtu != have.mtu ? set_mtu(now.name, *now.mtu) : Result<>{};
}

Result<> FakeHost::change(const Link& now) {
    const IfName& name = now.name;
    if (!state_.links.contains(name)) return Error{Fault::lost_sync, name.text(), "it is gone"};
    const Link have = at(name);
    const auto options = options_to_set(now);
    if (!options) return options.error();
    const bool moves = now.master && now.master != have.master, leaves = moves && !now.master->of;
    if (moves && !leaves && !state_.links.contains(*now.master->of))
        return Error{Fault::lost_sync, name.text(), "there is no \"" + now.master->of->text() + "\" to belong to"};
    const bool joins_bond = moves && !leaves && as<Bond>(&at(*now.master->of));
    // Each is a message of its own: what is refused does not stop what follows.
    Result<> verdict;
    const auto say = [&verdict](Result<> said) {
        if (verdict && !said) verdict = said;
    };
    if (now.standing) edit(name, [&](Link& link) { link.standing = now.standing; });
    if (now.filter) edit(name, [&](Link& link) { link.filter = now.filter; });
    if (now.gate) edit(name, [&](Link& link) { link.gate = now.gate; });
    if (now.admitted) edit(name, [&](Link& link) { link.admitted = now.admitted; });
    if (now.stack) say(set_stack(name, *now.stack));
    if (now.up == false || joins_bond || (as<Bond>(&have) && needs_down(*options))) put_up(name, false);
    if (moves && !leaves) say(set_size_and_address(now, have));
    if (moves) say(set_master(name, now.master->of));
    say(set_options(name, *options));
    say(set_port(now));
    if (!moves || leaves) say(set_size_and_address(now, have));
    if (now.promiscuous) edit(name, [&](Link& link) { link.promiscuous = now.promiscuous; });
    if (now.owner) edit(name, [&](Link& link) { link.owner = now.owner; });
    if (now.up.value_or(*have.up && !joins_bond && !leaves)) say(set_up(name, true));
    if (now.addresses) say(set_addresses(name, *now.addresses, now.odd_addresses));
    if (now.routed) give_routes(name);
    if (now.traffic) say(set_traffic(name, *now.traffic));
    return verdict;
}

Result<> FakeHost::set_options(const IfName& name, const Options& now) {
    if (now.empty()) return {};
    return as<Bond>(&at(name)) ? set_bond_options(name, now) : set_bridge_options(name, now);
}

Result<> FakeHost::set_bridge_options(const IfName& name, const Options& now) {
    Options options = as<Bridge>(&at(name))->options;
    const std::string pvid_before = options.at("vlan_default_pvid");
    for (const auto& [option, value] : now) {
        if (!bridge_option_default(option)) return refused(EINVAL, name);
        if (option == "vlan_filtering" && value == "1" && !abilities_.vlan_filtering) return refused(EOPNOTSUPP, name);
        options[option] = value;
    }
    if (options.at("stp_state") == "1" && std::stoul(options.at("forward_delay")) < 200) return refused(ERANGE, name);
    edit(name, [&](Link& link) { link.kind = Bridge{options}; });
    // A new default takes the place of the old one wherever that still stands.
    const auto was = *VlanId::parse(pvid_before), is = *VlanId::parse(options.at("vlan_default_pvid"));
    auto members = ports_of(name);
    members.push_back(name);
    for (const IfName& member : members) {
        auto& vlans = hidden(member).vlans;
        if (was == is || !vlans || (vlans->untagged && vlans->untagged != was)) continue;
        vlans->untagged = is.number() ? std::optional(is) : std::nullopt;
    }
    show_vlans(name);
    return {};
}

Result<> FakeHost::set_bond_options(const IfName& name, const Options& now) {
    const Options before = as<Bond>(&at(name))->options;
    const auto mode = now.find("mode");
    const bool new_mode = mode != now.end() && mode->second != before.at("mode");
    Options options = before;
    if (new_mode) {
        options = default_bond_options(mode->second);
        for (auto& [option, value] : options.edit())
            if (before.contains(option) && option != "mode" && !(option == "miimon" && before.at(option) == "0")) value = before.at(option);
        if (!options.contains("primary")) hidden(name).primary.clear();  // who changes the mode sees to that
    }
    for (const auto& [option, value] : now) {
        if (!options.contains(option)) return refused(EACCES, name);  // this mode does not have it
        if (bond_option_needs_empty(option) && !ports_of(name).empty()) return refused(ENOTEMPTY, name);
        if (bond_option_needs_down(option) && *at(name).up) return refused(EBUSY, name);
        options[option] = value;
        if (option == "primary") hidden(name).primary = value;
    }
    edit(name, [&](Link& link) { link.kind = Bond{options}; });
    show_primary(name);
    return {};
}

Result<> FakeHost::set_up(const IfName& name, bool up) {
    const auto* vlan = as<Vlan>(&at(name));
    if (up && !*at(name).up && vlan && !*at(vlan->base).up) return refused(ENETDOWN, name);
    put_up(name, up);
    return {};
}

Result<> FakeHost::set_mtu(const IfName& name, Mtu mtu) {
    if (mtu.number() < 68 || mtu.number() > 65535) return refused(EINVAL, name);
    if (*at(name).mtu == mtu) return {};
    const auto* vlan = as<Vlan>(&at(name));
    if (vlan && mtu > *at(vlan->base).mtu) return refused(ERANGE, name);
    hidden(name).mtu_is_set = true;
    put_mtu(name, mtu);
    return {};
}

Result<> FakeHost::set_mac(const IfName& name, Mac mac) {
    if (mac.is_multicast() || mac.bytes() == Mac::Bytes{}) return refused(EADDRNOTAVAIL, name);
    hidden(name).mac_is_set = true;
    put_mac(name, mac);
    return {};
}

// What a link has as a port; a bridge has VLANs of its own.
Result<> FakeHost::set_port(const Link& now) {
    const auto master = at(now.name).master->of;
    const bool is_port = master && as<Bridge>(&at(*master));
    if (now.isolated && is_port) edit(now.name, [&](Link& link) { link.isolated = now.isolated; });
    if (now.flags && is_port) edit(now.name, [&](Link& link) { link.flags = now.flags; });
    if (now.forwards && is_port) edit(now.name, [&](Link& link) { link.forwards = now.forwards; });
    if (now.isolated == true && !is_port) return refused(EINVAL, now.name);
    if (!now.vlans) return {};
    if (!is_port && !as<Bridge>(&at(now.name))) return refused(EOPNOTSUPP, now.name);
    hidden(now.name).vlans = now.vlans;
    show_vlans(is_port ? *master : now.name);
    return {};
}

Result<> FakeHost::set_stack(const IfName& name, const HostStack& now) {
    edit(name, [&](Link& link) {
        const HostStack before = *link.stack;
        topology::for_each_field<HostStack>([&](const auto& field) {
            if (now.*field.member) (*link.stack).*field.member = now.*field.member;
        });
        if (is_too_small_for_ipv6(link.mtu))
            for (const auto setting : {&HostStack::ipv6, &HostStack::hears_routers, &HostStack::autoconf, &HostStack::ra_gateway}) (*link.stack).*setting = before.*setting;
    });
    if (now.ipv6 != false) return {};
    drop_v6_addresses(name);
    drop_routes(name, false, true);
    return {};
}

Result<> FakeHost::set_traffic(const IfName& name, const Traffic& now) {
    std::set<IfName> copies = now.copies;
    copies.insert(now.copies_in.begin(), now.copies_in.end());
    for (const IfName& copy : copies)
        if (!state_.links.contains(copy)) return Error{Fault::lost_sync, copy.text(), "there is no \"" + copy.text() + "\" to send copies to"};
    const bool is_able = (now.shares.empty() || abilities_.hfsc) && (!now.out || abilities_.htb) && ((!now.in && now.intakes.empty()) || abilities_.police) &&
                         (copies.empty() || abilities_.mirred);
    if (!is_able) return refused(ENOENT, name);  // of a kind that is unknown
    edit(name, [&](Link& link) { link.traffic = now; });
    return {};
}

Result<> FakeHost::set_addresses(const IfName& name, const std::set<Subnet>& now, const topology::Rare<std::set<OddAddress>>& odd) {
    const std::set<Subnet> before = *at(name).addresses;
    std::set<Subnet> left = before;
    auto& v4 = hidden(name).v4;
    for (const Subnet& address : before) {
        if (now.contains(address) || !left.erase(address) || address.is_v6()) continue;
        // The first address of a subnet takes those that came after it along.
        const auto same = [&](const Subnet& other) { return other.network() == address.network(); };
        const bool is_first = *std::ranges::find_if(v4, same) == address;
        if (is_first) std::erase_if(left, [&](const Subnet& other) { return !other.is_v6() && same(other); });
        std::erase_if(v4, [&](const Subnet& other) { return is_first ? same(other) : other == address; });
        if (v4.empty()) drop_routes(name, true, false);
    }
    // What went along and is wanted is said again.
    for (const Subnet& address : now) {
        if (left.contains(address)) continue;
        if (address.is_v6() && at(name).stack->ipv6 == false) return refused(EACCES, name);
        left.insert(address);
        if (!address.is_v6()) v4.push_back(address);
    }
    const auto manner = odd.value_or(*at(name).odd_addresses);
    edit(name, [&](Link& link) {
        link.addresses = left;
        link.odd_addresses.emplace();
        for (const OddAddress& one : manner)
            if (left.contains(one.address)) link.odd_addresses.edit().insert(one);
    });
    return {};
}

}  // namespace fakes
