// Lays a request over what holds now and holds the result against the rules.
#include "netd/intent/validate.hpp"

#include "bridges/stacking.hpp"
#include "netd/intent/links.hpp"
#include "netd/intent/rules.hpp"
#include "netd/intent/rules_guest.hpp"
#include "netd/intent/rules_qos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace intent {
namespace {

void remove_networks(const Request& request, const Intent& running, Verdict& verdict) {
    for (const NetworkName& name : request.removed) {
        if (!running.networks().contains(name)) {
            verdict.complaints.push_back({code::bad_bridge, pointer({"networks", name.text()}), Fault::not_found,
                                          fmt::format("there is no network '{}' to remove", name.text())});
            continue;
        }
        if (!running.plugged_into(name).empty()) {
            const GuestNic& nic = *running.plugged_into(name).begin();
            verdict.complaints.push_back({code::bad_parameters, pointer({"networks", name.text()}), Fault::conflict,
                                          fmt::format("guest '{}' is plugged into '{}'; unplug it first", nic.vm, name.text())});
        }
        if (!running.watching(name).empty()) {
            const GuestNic& nic = *running.watching(name).begin();
            verdict.complaints.push_back({code::bad_parameters, pointer({"networks", name.text()}), Fault::conflict,
                                          fmt::format("guest '{}' mirrors '{}'; take it out of portMirroring of {} first", nic.vm, name.text(), nic.mac.text())});
        }
        verdict.wanted.remove(name);
    }
}

// Complains of the network about what one of its guests' NICs can't be any more.
RefuseNic of_guest(const GuestNic& nic, const NetworkName& network, Complaints& complaints) {
    return [&](std::string_view, Fault fault, const std::string& what) {
        complaints.push_back({code::bad_parameters, pointer({"networks", network.text()}), fault, fmt::format("the NIC {} of guest '{}': {}", nic.mac.text(), nic.vm, what)});
    };
}

// libvirt puts its ports on a bridge of one kind, and nobody else moves them from one to another.
bool stays_on_its_bridge(const Network& was, const Network& now) {
    return was.switch_kind == now.switch_kind && (now.switch_kind == SwitchKind::legacy || was.base() == now.base());
}

// A network that guests are on, or mirror, changes under them: what they were promised must go on.
void check_guests(const Network& network, const Intent& running, const Facts& facts, Verdict& verdict) {
    const auto check = [&](const GuestNic& nic) {
        const RefuseNic refuse = of_guest(nic, network.name, verdict.complaints);
        check_tags(nic, verdict.wanted, refuse);
        check_limits(nic, verdict.wanted, facts, refuse);
        check_mirroring(nic, verdict.wanted, facts, refuse);
    };
    const auto& plugged = verdict.wanted.plugged_into(network.name);
    if (!network.bridged && !plugged.empty())
        verdict.complaints.push_back({code::bad_parameters, pointer({"networks", network.name.text(), "bridged"}), Fault::conflict,
                                      fmt::format("guest '{}' is plugged into '{}'; unplug it first", plugged.begin()->vm, network.name.text())});
    const Network* was = running.networks().find(network.name);
    for (const GuestNic& nic : plugged) {
        if (nic.adopted && was && !stays_on_its_bridge(*was, network))
            of_guest(nic, network.name, verdict.complaints)("adopted", Fault::conflict,
                fmt::format("libvirt has made its port '{}' on the network's bridge, which would be another one; unplug it first, or end the guest", nic.adopted->text()));
        check(nic);
    }
    for (const GuestNic& nic : verdict.wanted.watching(network.name))
        if (nic.network != network.name.text()) check(nic);
}

// The network without a tag takes a number inside of its bridge, which another network's guest may have as its own.
void check_numbers_inside(const Request& asked, const Intent& running, Verdict& verdict) {
    std::set<NetworkName> sent;
    for (const Network& network : asked.networks) sent.insert(network.name);
    Keyed<Base>::each_difference(running.bases(), verdict.wanted.bases(), [&](const Base* was, const Base* now) {
        if (!now || !now->number_inside() || (was && was->number_inside() == now->number_inside())) return;
        for (const Rider& rider : now->riders) {
            const auto& plugged = verdict.wanted.plugged_into(rider.network);
            if (plugged.empty() || sent.contains(rider.network)) continue;
            for (const GuestNic& nic : plugged) check_tags(nic, verdict.wanted, of_guest(nic, rider.network, verdict.complaints));
        }
    });
}

void remove_bonds(const Request& request, const Intent& running, const Facts& facts, Verdict& verdict) {
    for (const IfName& name : request.removed_bonds) {
        const std::string path = pointer({"bondings", name.text()});
        const bridges::Link* there = facts.kernel.links.find(name);
        if (!running.bonds().contains(name)) {
            verdict.complaints.push_back({code::bad_bond, path, there ? Fault::denied : Fault::not_found,
                                          there ? fmt::format("bond '{}' is not netd's to remove", name.text())
                                                : fmt::format("there is no bond '{}' to remove", name.text())});
            continue;
        }
        if (const Base* base = verdict.wanted.bases().find(name))
            verdict.complaints.push_back({code::used_bond, path, Fault::conflict,
                                          fmt::format("network '{}' is on {}; remove or move it in the same request", base->riders.begin()->network.text(), name.text())});
        facts.kernel.links.each_notable([&](const bridges::Link& link) {
            if (there && bridges::stands_on(link, *there))
                verdict.complaints.push_back({code::used_bond, path, Fault::denied,
                                              fmt::format("'{}', which netd did not make, is on {} and would go with it; remove it first", link.name.text(), name.text())});
        });
        verdict.wanted.remove_bond(name);
    }
}

void one_kind(const Request& request, Complaints& complaints) {
    for (const Network& network : request.networks)
        if (network.switch_kind != request.networks.front().switch_kind) {
            complaints.push_back({code::bad_parameters, pointer({"networks", network.name.text(), "switch"}), Fault::invalid,
                                  "all networks of one request are on one kind of switch; send one request a kind"});
            return;
        }
}

// Another kind of switch is a move of all that is on a NIC or bond (rules_among.cpp sees to "all"), and of nothing else.
void no_removal_with_another_kind(const Request& request, const Intent& running, Complaints& complaints) {
    if (request.removed.empty()) return;
    for (const Network& network : request.networks) {
        const Network* now = running.networks().find(network.name);
        if (!now || !now->base() || now->switch_kind == network.switch_kind) continue;
        complaints.push_back({code::bad_parameters, pointer({"networks", request.removed.front().text()}), Fault::conflict,
                              fmt::format("network '{}' moves from switch {} to {} in this request; remove in another one", network.name.text(),
                                          name_of(now->switch_kind), name_of(network.switch_kind))});
        return;
    }
}

// A new holder takes the default route from the old one, which keeps its address and its gateway. That two ask for it is seen later.
void hand_over_default_route(const Request& asked, const Intent& running, Intent& wanted) {
    const Network* old = running.default_route();
    if (!old || !wanted.networks().contains(old->name)) return;
    const auto is_old = [&](const Network& network) { return network.name == old->name; };
    if (std::ranges::none_of(asked.networks, &Network::default_route) || std::ranges::any_of(asked.networks, is_old)) return;
    Network without = *old;
    without.default_route = false;
    without.nameservers.clear();
    without.search.clear();
    wanted.put(without);
}

using ByName = std::map<Subnet, std::set<NetworkName>>;

const NetworkName* other_at(const ByName& networks, const Subnet& place, const NetworkName& than) {
    const auto found = networks.find(place);
    if (found == networks.end()) return nullptr;
    const auto other = std::ranges::find_if(found->second, [&](const NetworkName& name) { return name != than; });
    return other == found->second.end() ? nullptr : &*other;
}

// A way to a subnet is one of the host's, whichever network it leads by; to where somebody is at home the kernel has one of its own.
void check_ways(const Request& asked, Verdict& verdict) {
    ByName led, homes;
    for (const Network& network : verdict.wanted.networks())
        for (const StaticRoute& route : network.routes)
            if (route.to) led[route.to->network()].insert(network.name);
    if (led.empty()) return;
    for (const Network& network : verdict.wanted.networks())
        for (const Subnet& own : network.all_addresses())
            if (led.contains(own.network())) homes[own.network()].insert(network.name);
    for (const Network& network : asked.networks) {
        const auto refuse = [&](std::string path, std::string what) {
            verdict.complaints.push_back({code::bad_address, std::move(path), Fault::conflict, std::move(what)});
        };
        const auto refuse_home = [&](std::string path, const Subnet& to, const NetworkName& home, const NetworkName& way) {
            refuse(std::move(path), fmt::format("{} is a subnet of network '{}', and network '{}' has a route to it", to.text(), home.text(), way.text()));
        };
        for (const Subnet& own : network.all_addresses())
            if (const auto* way = other_at(led, own.network(), network.name)) refuse_home(place_of(network, own), own.network(), network.name, *way);
        for (std::size_t i = 0; i < network.routes.size(); ++i) {
            if (!network.routes[i].to) continue;
            const Subnet to = network.routes[i].to->network();
            const std::string path = pointer({"networks", network.name.text(), "routes", std::to_string(i)});
            if (const auto* home = other_at(homes, to, network.name)) refuse_home(path, to, *home, network.name);
            if (const auto* other = other_at(led, to, network.name)) refuse(path, fmt::format("network '{}' has a route to {}, too", other->text(), to.text()));
        }
    }
}

bool is_in_subnets(const Network& network) { return !network.routes.empty() || !network.all_addresses().empty(); }
bool has_address(const Network* network, const Subnet& address) { return network && network->all_addresses().contains(address); }

// The host has an address once: it would answer for it on two wires, and have one route of two.
void check_addresses_once(const Request& asked, const Intent& running, Verdict& verdict) {
    std::map<topology::IpAddress, std::set<NetworkName>> holders;
    for (const Network& network : asked.networks)
        for (const Subnet& own : network.all_addresses()) holders[own.address()];
    for (const Network& network : verdict.wanted.networks())
        for (const Subnet& own : network.all_addresses())
            if (const auto found = holders.find(own.address()); found != holders.end()) found->second.insert(network.name);
    for (const Network& network : asked.networks)
        for (const Subnet& own : network.all_addresses())
            if (const auto& all = holders[own.address()]; all.size() > 1 && !has_address(running.network(network.name.text()), own))
                verdict.complaints.push_back({code::bad_address, place_of(network, own), Fault::conflict,
                                              fmt::format("network '{}' has the address {}, too", (*all.begin() == network.name ? *all.rbegin() : *all.begin()).text(), own.address().text())});
}

}  // namespace

Verdict validate(const Request& request, const Intent& running, const Facts& facts) {
    Verdict verdict{running, {}};
    one_kind(request, verdict.complaints);
    no_removal_with_another_kind(request, running, verdict.complaints);
    Request asked = request;
    for (Network& network : asked.networks) network = canonical(network, verdict.complaints);
    remove_networks(asked, running, verdict);
    for (const Network& network : asked.networks) verdict.wanted.put(network);
    remove_bonds(asked, running, facts, verdict);
    for (const Bond& bond : asked.bonds) verdict.wanted.put(bond);
    hand_over_default_route(asked, running, verdict.wanted);

    Neighbours neighbours(verdict.wanted, facts.kernel);
    for (const Network& network : asked.networks) {
        check_alone(network, verdict.complaints);
        check_among(network, verdict.wanted, neighbours, running, facts, verdict.complaints);
        check_guests(network, running, facts, verdict);
    }
    check_numbers_inside(asked, running, verdict);
    if (std::ranges::any_of(asked.networks, is_in_subnets)) {
        check_ways(asked, verdict);
        check_addresses_once(asked, running, verdict);
    }
    for (const Bond& bond : asked.bonds) {
        check_alone(bond, verdict.complaints);
        check_among(bond, verdict.wanted, neighbours, facts, verdict.complaints);
    }
    check_unshaped(asked, verdict.wanted, running, facts, verdict.complaints);
    return verdict;
}

}  // namespace intent
