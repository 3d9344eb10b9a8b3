// What is promised of speed, and who gets copies: networks' shares of their base, guests' limits, mirrors.
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <algorithm>

namespace lower {

namespace {

using intent::HostQosOut;

// What an engine calls a share, 1 to 100, is no rate that a kernel could count with.
constexpr std::uint64_t greatest_share = 100, bits_of_a_share = 1'000'000;

// The smallest bucket of a policer: what does not fit into it at once never comes through, and a guest hands over up to
// 64 KiB at once for the host to cut.
constexpr std::uint64_t smallest_bucket = 80'000;

bridges::Curve curve(const intent::ServiceCurve& asked, std::uint64_t unit) {
    return {asked.m1.value_or(0) * unit, asked.d.value_or(0), asked.m2.value_or(0) * unit};
}

std::optional<bridges::Curve> curve(const std::optional<intent::ServiceCurve>& asked) {
    return asked ? std::optional(curve(*asked, 1)) : std::nullopt;
}

std::uint64_t largest_share(const HostQosOut& out) {
    return out.ls ? std::max(out.ls->m1.value_or(0), out.ls->m2.value_or(0)) : 0;
}

bridges::Limit police(std::uint64_t average, std::uint64_t burst) { return {average, 0, std::max(burst, smallest_bucket)}; }
bridges::Limit police(std::uint64_t average) { return police(average, average / 10); }

// Whose frames it sends: with a tag of its own those of the network that has the tag on that bridge, if one does.
const intent::Network* network_of_sent(const Draft& draft, const intent::Network& network, const intent::GuestNic& nic) {
    if (!nic.vlan || nic.vlan == network.vlan) return &network;
    const intent::Base* base = network.base() ? draft.intent.bases().find(*network.base()) : nullptr;
    const intent::Rider* rider = base ? base->with_tag(nic.vlan) : nullptr;
    return rider ? draft.intent.networks().find(rider->network) : nullptr;
}

}  // namespace

bridges::Traffic shares_of(const Draft& draft, const intent::Base& base) {
    std::vector<std::pair<int, HostQosOut>> asked;
    bridges::Traffic traffic;
    std::uint64_t largest = 0;
    for (const intent::Rider& rider : base.riders) {
        const intent::Network* network = rider.shaped ? draft.intent.networks().find(rider.network) : nullptr;
        if (!network || !network->host_qos) continue;
        const int vlan = rider.vlan ? rider.vlan->number() : bridges::Share::untagged;
        asked.emplace_back(vlan, network->host_qos->out);
        if (const auto& in = network->host_qos->in; in && in->ul && in->ul->m2) traffic.intakes.insert({vlan, police(*in->ul->m2 / 8)});
        largest = std::max(largest, largest_share(network->host_qos->out));
    }
    const std::uint64_t unit = largest <= greatest_share ? bits_of_a_share : 1;
    for (const auto& [vlan, out] : asked)
        traffic.shares.insert({vlan, out.ls ? std::optional(curve(*out.ls, unit)) : std::nullopt, curve(out.ul), curve(out.rt)});
    // What no network is about (the host's own frames without a tag) must have a class, else it is dropped.
    if (!asked.empty()) traffic.shares.insert({bridges::Share::untagged, bridges::Curve{0, 0, largest * unit}, {}, {}});
    return traffic;
}

// A bond keeps nothing waiting but what is over a limit: where more is sent than the wires take, it waits in the ports.
bridges::Traffic shares_of_ports(const Draft& draft, const intent::Base& bond) {
    bridges::Traffic traffic;
    const bridges::Traffic whole = shares_of(draft, bond);
    for (bridges::Share share : whole.shares) {
        share.ul.reset();  // the bond's own: by two ports twice as much would leave
        traffic.shares.insert(share);
    }
    return traffic;
}

std::optional<bridges::Limit> limit_out(const intent::GuestNic& nic) {
    const auto& asked = nic.spec_params.inbound;
    if (!asked || !asked->average) return std::nullopt;
    bridges::Limit limit;
    limit.average = *asked->average * 1000;
    limit.peak = asked->peak.value_or(0) * 1000;
    if (limit.peak == limit.average) limit.peak = 0;
    // Without a word about it: as much as a twentieth of a second brings.
    limit.burst = asked->burst ? std::max<std::uint64_t>(*asked->burst * 1000, 2000) : std::max<std::uint64_t>(limit.average / 20, 4000);
    return limit;
}

std::optional<bridges::Limit> limit_in(const intent::GuestNic& nic) {
    const auto& asked = nic.spec_params.outbound;
    if (!asked || !asked->average) return std::nullopt;
    const std::uint64_t average = *asked->average * 1000;
    return police(average, asked->burst ? *asked->burst * 1000 : average / 10);
}

ovs::Policing policing(const intent::GuestNic& nic) {
    const auto limit = limit_in(nic);
    return limit ? ovs::Policing{limit->average / 125, (limit->burst + 124) / 125} : ovs::Policing{};
}

void copy_traffic(const Draft& draft, const intent::Network& network, bridges::Link& device) {
    bridges::Traffic traffic;
    for (const intent::GuestNic& nic : draft.intent.watching(network.name))
        if (nic.link_active) traffic.copies.insert(port_of(nic.key()));
    if (traffic.copies.empty()) return;
    device.traffic = traffic;
    device.promiscuous = true;  // so that it sees what passes from one port to another
}

std::set<bridges::IfName> copies_of_sent(const Draft& draft, const intent::Network& network, const intent::GuestNic& nic) {
    std::set<bridges::IfName> copies;
    // Of a trunk's frames a watcher of one network would get them all; of a trusted one's the network's device gets its own.
    if (nic.filter.value() == topology::FilterLevel::trusted || nic.trunk) return copies;
    const intent::Network* sent = network_of_sent(draft, network, nic);
    if (!sent) return copies;
    for (const intent::GuestNic& watcher : draft.intent.watching(sent->name))
        if (watcher.link_active && !(watcher.key() == nic.key())) copies.insert(port_of(watcher.key()));
    return copies;
}

const intent::Network* switched_source(const Draft& draft, const intent::GuestNic& nic) {
    for (const intent::NetworkName& name : nic.port_mirroring) {
        const intent::Network* network = draft.intent.networks().find(name);
        if (network && network->switch_kind == intent::SwitchKind::ovs) return network;
    }
    return nullptr;
}

void mirror_switched(Draft& draft, const intent::GuestNic& nic, const topology::Owner& owner) {
    const intent::Network* source = switched_source(draft, nic);
    if (!source || !nic.link_active) return;
    ovs::PortMirror mirror{port_of(nic.key())};
    mirror.bridge = guest_bridge(*source);
    mirror.owner = owner;
    mirror.output = mirror.name;
    mirror.tags.emplace();
    for (const intent::NetworkName& name : nic.port_mirroring) {
        const intent::Network* network = draft.intent.networks().find(name);
        if (network && network->switch_kind == intent::SwitchKind::ovs) mirror.tags->insert(tag_inside(draft, *network));
    }
    draft.wanted.ovs.mirrors.put(mirror);
}

}  // namespace lower
