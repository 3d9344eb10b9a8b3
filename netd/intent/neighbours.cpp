// See neighbours.hpp.
#include "netd/intent/neighbours.hpp"

#include "bridges/stacking.hpp"
#include "netd/intent/links.hpp"
#include "netd/intent/rules.hpp"

namespace intent {

const Neighbours::OfBase* Neighbours::on(const IfName& device) {
    const Base* base = wanted_.bases().find(device);
    if (!base) return nullptr;
    const auto [found, is_new] = known_.try_emplace(device);
    OfBase& there = found->second;
    if (!is_new) return &there;
    for (const Rider& rider : base->riders) {
        there.by_tag.emplace(rider.vlan, &rider);
        there.first_of.try_emplace(rider.switch_kind, &rider);
        there.first_shaped.try_emplace(rider.shaped, &rider);
        const Network* network = wanted_.networks().find(rider.network);
        if (!network) continue;
        if (network->has_stp() && !there.with_stp) there.with_stp = network;
        if (rules_out_stp(*network) && !there.without_stp) there.without_stp = network;
        for (const auto& [key, value] : network->custom.bridge_opts) there.options[key].try_emplace(value, network);
    }
    return &there;
}

const IfName* Neighbours::foreign_vlan(const IfName& base, std::optional<VlanId> tag) {
    if (!foreign_vlans_) {
        foreign_vlans_.emplace();
        kernel_.links.each_notable([&](const bridges::Link& link) {
            if (const bridges::Vlan* vlan = vlan_of(link)) foreign_vlans_->emplace(std::pair(vlan->base, vlan->id), link.name);
        });
    }
    const auto found = foreign_vlans_->lower_bound(std::pair(base, tag.value_or(*VlanId::from(0))));
    const bool is_it = found != foreign_vlans_->end() && found->first.first == base && (!tag || found->first.second == *tag);
    return is_it ? &found->second : nullptr;
}

const IfName* Neighbours::macvlan_on(const bridges::Link& link) {
    if (!macvlans_) {
        macvlans_.emplace();
        kernel_.links.each_notable([&](const bridges::Link& upper) {
            if (bridges::takes_all_that_comes(upper)) macvlans_->emplace(*upper.facts.peer_index, upper.name);
        });
    }
    const auto found = macvlans_->find(link.facts.index);
    return found == macvlans_->end() ? nullptr : &found->second;
}

const Bond* Neighbours::bond_of(const IfName& nic, const Bond* but) {
    if (!bonds_) {
        bonds_.emplace();
        for (const Bond& bond : wanted_.bonds())
            for (const IfName& port : bond.nics) bonds_->emplace(port, &bond);
    }
    const auto [from, to] = bonds_->equal_range(nic);
    for (auto at = from; at != to; ++at)
        if (!but || at->second->name != but->name) return at->second;
    return nullptr;
}

const Network* Neighbours::other_with_default_route(const Network& than) {
    if (!leading_) {
        leading_.emplace();
        for (const Network& network : wanted_.networks())
            if (network.default_route && leading_->size() < 2) leading_->push_back(&network);
    }
    for (const Network* network : *leading_)
        if (network->name != than.name) return network;
    return nullptr;
}

}  // namespace intent
