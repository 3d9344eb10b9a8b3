// The inverse of lower_guest.cpp, as far as a port can tell.
#include "netd/lower/recognise.hpp"

#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/vm_id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace lower {
namespace {

using intent::Bandwidth;
using intent::GuestNic;
using intent::Network;
using intent::SwitchKind;

// Where the port is, in the words that both kinds of switch have.
struct Place {
    std::optional<IfName> bridge = {};
    std::optional<intent::VlanId> tag = {};
    std::optional<intent::VlanSet> trunk = {};
    bool isolated = false;
    std::optional<topology::Filter> filter = {};
    SwitchKind of = SwitchKind::legacy;
};

Place place_of(const bridges::Link& link, const ovs::Port* row) {
    Place place;
    if (row) {
        place.of = SwitchKind::ovs;
        if (!row->tagging || !std::holds_alternative<ovs::Nowhere>(*row->tagging)) place.bridge = row->bridge;
        if (const auto* access = row->tagging ? std::get_if<ovs::Access>(&*row->tagging) : nullptr) place.tag = access->tag;
        if (const auto* trunk = row->tagging ? std::get_if<ovs::Trunk>(&*row->tagging) : nullptr) place.trunk = trunk->tags;
        place.isolated = row->isolated.value_or(false);
        place.filter = row->filter;
        return place;
    }
    if (link.master) place.bridge = link.master->of;
    if (link.vlans) place.tag = link.vlans->untagged;
    if (link.vlans && !link.vlans->tagged.empty()) place.trunk = link.vlans->tagged;
    place.isolated = link.isolated.value_or(false);
    place.filter = link.filter;
    return place;
}

// Of several networks on one bridge the one whose tag it has; of a port with tags of its own any of them, the untagged one first.
const Network* network_at(const Place& place, Draft& draft) {
    const Network* found = nullptr;
    for (const Network& network : draft.intent.networks()) {
        if (!network.bridged || !place.bridge || guest_bridge(network) != *place.bridge || (network.switch_kind == SwitchKind::ovs) != (place.of == SwitchKind::ovs)) continue;
        const bool has_tags = network.switch_kind != SwitchKind::legacy && network.base();
        if (!has_tags || (!place.trunk && place.tag == tag_inside(draft, network))) return &network;
        if (!found || !network.vlan) found = &network;
    }
    return found;
}

std::optional<Bandwidth> bandwidth(std::uint64_t average, std::uint64_t peak, std::uint64_t burst) {
    Bandwidth limit{std::max<std::uint64_t>(average / 1000, 1)};
    if (peak > 0) limit.peak = peak / 1000;
    limit.burst = burst / 1000;
    return limit;
}

void read_limits(GuestNic& nic, const bridges::Link& link, const ovs::Port* row) {
    if (link.traffic && link.traffic->out) nic.spec_params.inbound = bandwidth(link.traffic->out->average, link.traffic->out->peak, link.traffic->out->burst);
    if (link.traffic && link.traffic->in) nic.spec_params.outbound = bandwidth(link.traffic->in->average, 0, link.traffic->in->burst);
    if (row && row->policing && row->policing->rate > 0) nic.spec_params.outbound = bandwidth(row->policing->rate * 125, 0, row->policing->burst * 125);
}

void read_filter(GuestNic& nic, const topology::Filter& filter) {
    nic.filter = filter.level;
    for (const auto& address : filter.addresses) nic.filter_parameters.insert({address});
}

}  // namespace

// What it was plugged in under is in the port's name, and in its mark: the domain's name, or its UUID.
std::optional<GuestNic::Key> made_for(const guests::Nic& there, const Host& host) {
    if (!there.facts.ours || !there.device) return std::nullopt;
    std::vector<std::string> called{there.domain};
    if (const guests::Domain* domain = host.guests ? host.guests->domain(there.domain) : nullptr) called.push_back(domain->uuid);
    const bridges::Link* link = host.kernel.links.find(*there.device);
    const std::string role = link && link->owner ? link->owner->role.value_or("") : "", marked = fmt::format("nic {} of ", there.mac.text());
    if (const std::string vm = role.starts_with(marked) ? role.substr(marked.size()) : ""; host.guests && is_same_guest(vm, there.domain, *host.guests)) called.push_back(vm);
    for (const std::string& vm : called)
        if (there.device == port_of(GuestNic::Key{vm, there.mac})) return GuestNic::Key{vm, there.mac};
    return std::nullopt;
}

std::optional<GuestNic> recognise(const GuestNic::Key& key, const intent::Intent& running, const Host& host) {
    GuestNic nic{key.vm, key.mac};
    const bridges::Link& link = *host.kernel.links.find(port_of(key));
    if (link.owner != mark(nic)) return std::nullopt;
    const ovs::Port* row = host.switched ? host.switched->ports.find(link.name) : nullptr;
    const Place place = place_of(link, row);
    Draft draft{running, host};
    const Network* network = network_at(place, draft);
    // A NIC on no network is down: this one is where nobody can tell just now, as with an Open vSwitch that does not answer.
    const bool is_somewhere = place.bridge || (!row && link.up == true);
    if (is_somewhere && !network) return std::nullopt;
    nic.kind = intent::GuestKind::libvirt;
    if (network) {
        nic.network = network->name.text();
        const bool has_tags = network->switch_kind != SwitchKind::legacy && network->base();
        if (has_tags && place.trunk) nic.trunk = place.trunk;
        else if (has_tags && place.tag && !(place.tag == tag_inside(draft, *network))) nic.vlan = place.tag;
        nic.isolated = place.isolated && !network->isolated;
    }
    if (link.mtu && !(*link.mtu == (network ? network->mtu : intent::Mtu()))) nic.mtu = link.mtu;
    if (place.filter) read_filter(nic, *place.filter);
    read_limits(nic, link, row);
    return nic;
}

}  // namespace lower
