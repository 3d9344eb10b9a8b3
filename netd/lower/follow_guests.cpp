// The hypervisor is right about its guests, the definitions about their networks.
#include "netd/lower/follow_guests.hpp"

#include "netd/intent/links.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/recognise.hpp"
#include "netd/lower/vm_id.hpp"
#include "netd/lower/wrong_wire.hpp"

namespace lower {
namespace {

using intent::GuestNic;
using intent::SwitchKind;

bool shares_its_bridge(const intent::Network& network) { return network.switch_kind != SwitchKind::legacy && network.base(); }

// By the name that it was offered under, else by its bridge; on a bridge that several networks share, by the first tag that is one's.
const intent::Network* network_of(const guests::NicFacts& facts, const intent::Intent& running) {
    if (facts.bridge.empty()) return nullptr;
    const auto is_on_bridge = [&](const intent::Network& network) { return network.bridged && guest_bridge(network).text() == facts.bridge; };
    if (const intent::Network* offered = running.network(facts.network); offered && is_on_bridge(*offered)) return offered;
    std::vector<std::optional<std::uint16_t>> tags(facts.tags.begin(), facts.tags.end());
    if (tags.empty()) tags.emplace_back();
    for (const auto& told : tags) {
        for (const intent::Network& network : running.networks()) {
            if (!is_on_bridge(network)) continue;
            const std::optional<std::uint16_t> tag = network.vlan ? std::optional(network.vlan->number()) : std::nullopt;
            if (!shares_its_bridge(network) || tag == told) return &network;
        }
    }
    return nullptr;
}

// On Open vSwitch the tag is netd's to change with its network's, and libvirt goes on telling what it once gave: a port that has the tag
// of the network it is known on is there still.
const intent::Network* still_on(const GuestNic& known, const guests::Nic& there, const intent::Intent& running, const Host& host) {
    const intent::Network* network = known.adopted == there.device ? running.network(known.network) : nullptr;
    const ovs::Port* row = network && there.device && host.switched ? host.switched->ports.find(*there.device) : nullptr;
    if (!row || network->switch_kind != SwitchKind::ovs || !network->bridged || row->bridge != guest_bridge(*network)) return nullptr;
    Draft draft{running, host};
    return row->tagging == ovs::Tagging(ovs::Access{tag_inside(draft, *network)}) ? network : nullptr;
}

// libvirt goes on telling the name that the bridge of its network had, which may be that of another network's by now.
const intent::Network* by_name_of_before(const guests::Nic& there, const GuestNic* known, const intent::Intent& running, const Host& host) {
    if (!host.renames) return nullptr;
    const intent::Network* network = running.network(there.facts.network);
    if (!network && known && known->adopted == there.device) network = running.network(known->network);
    return network && network->bridged && was_on_bridge(*network, there.facts.bridge, *host.renames) ? network : nullptr;
}

void take_over_what_it_says(GuestNic& nic, const guests::Nic& there) {
    nic.alias = there.alias.value_or("");
    if (there.model) nic.model = *there.model;
    if (there.link) nic.link_active = *there.link;
    nic.queues = static_cast<std::uint8_t>(std::min<std::uint32_t>(there.queues.value_or(1), 255));
}

void follow_known(const GuestNic& nic, const guests::State& now, intent::Intent& wanted) {
    const guests::Nic* there = now.nics.find(in_domain(nic.key(), now));
    const bool is_its = there && there->facts.ours == !nic.adopted && there->device == port_of(nic);
    if (nic.incoming && is_its) {
        GuestNic arrived = nic;
        arrived.incoming = false;
        if (!arrived.network.empty()) take_over_what_it_says(arrived, *there);
        wanted.put(arrived);
    } else if (!nic.incoming && !is_its) {
        wanted.remove(nic.key());
    }
}

void adopt(const guests::Nic& there, const intent::Network& network, const GuestNic* known, intent::Intent& wanted) {
    GuestNic nic = known && known->adopted ? *known : GuestNic{there.domain, there.mac};
    nic.kind = intent::GuestKind::libvirt;
    nic.network = network.name.text();
    nic.adopted = there.device;
    nic.isolated = nic.isolated || there.facts.isolated;  // what libvirt kept apart is not let together
    take_over_what_it_says(nic, there);
    if (!known || !(*known == nic)) wanted.put(nic);
}

// What has its tap still is no plug that was taken back, whatever became of its definition.
void see_to_unknown(const guests::Nic& there, const intent::Intent& running, const Host& host, Followed& followed) {
    const auto key = made_for(there, host);
    if (!key) return;
    if (!host.kernel.links.contains(*there.device)) return followed.strays.push_back(there.key());
    auto nic = recognise(*key, running, host);
    (nic ? followed.recognised : followed.unplaced).push_back(there.key());
    if (!nic) return;
    take_over_what_it_says(*nic, there);
    if (nic->network.empty()) nic->link_active = true;  // its cable is out for that alone
    followed.wanted.put(*nic);
}

}  // namespace

Followed follow_guests(const intent::Intent& running, const Host& host) {
    Followed followed{running};
    if (!host.guests) return followed;
    for (const GuestNic& nic : running.nics())
        if (nic.kind == intent::GuestKind::libvirt) follow_known(nic, *host.guests, followed.wanted);
    for (const guests::Nic& there : host.guests->nics) {
        const GuestNic* known = find_nic(running, there.domain, there.mac, *host.guests);
        if (there.facts.ours) {
            if (!known) see_to_unknown(there, running, host, followed);
            continue;
        }
        const intent::Network* network = known && known->adopted ? still_on(*known, there, running, host) : nullptr;
        if (!network) network = by_name_of_before(there, known, running, host);
        if (!network) network = network_of(there.facts, running);
        if (network) {
            adopt(there, *network, known, followed.wanted);
        } else if (known && known->adopted) {
            followed.wanted.remove(known->key());
        }
    }
    return followed;
}

std::set<IfName> unadopted(const intent::Intent& was, const intent::Intent& now) {
    std::set<IfName> ports;
    topology::Keyed<GuestNic>::each_difference(was.nics(), now.nics(), [&](const GuestNic* before, const GuestNic* after) {
        if (before && before->adopted && !(after && after->adopted == before->adopted)) ports.insert(*before->adopted);
    });
    if (ports.empty()) return ports;
    for (const GuestNic& nic : now.nics())
        if (nic.adopted) ports.erase(*nic.adopted);
    return ports;
}

bool is_on_bridge_of_others(const IfName& port, const bridges::State& kernel) {
    const bridges::Link* link = kernel.links.find(port);
    const bridges::Link* bridge = link && link->master && link->master->of ? kernel.links.find(*link->master->of) : nullptr;
    return bridge && !intent::is_ours(*bridge);
}

std::set<IfName> left_filtered(const intent::Intent& was, const intent::Intent& now, const topology::Keyed<bridges::Link>& links_were, const bridges::State& kernel) {
    std::set<IfName> ports = unadopted(was, now);
    topology::Keyed<bridges::Link>::each_difference(links_were, kernel.links, [&](const bridges::Link*, const bridges::Link* link) {
        if (link && link->filter) ports.insert(link->name);
    });
    std::erase_if(ports, [&](const IfName& port) {
        const bridges::Link* link = kernel.links.find(port);
        return !link || !link->filter || intent::is_ours(*link) || !is_on_bridge_of_others(port, kernel);
    });
    if (ports.empty()) return ports;
    for (const GuestNic& nic : now.nics()) ports.erase(port_of(nic));
    return ports;
}

intent::Intent as_guests_are_now(const intent::Intent& standing, const Host& host) {
    const intent::Intent followed = follow_guests(standing, host).wanted;
    intent::Intent left = standing;
    for (const GuestNic& nic : standing.nics()) {
        const GuestNic* now = followed.nics().find(nic.key());
        if (now && now->network == nic.network && now->adopted == nic.adopted) left.put(*now);
        else left.remove(nic.key());
    }
    return left;
}

std::vector<guests::Offer> offers_of(const intent::Intent& running) {
    std::vector<guests::Offer> offers;
    for (const intent::Network& network : running.networks()) {
        // libvirt's names have no slash.
        if (!network.bridged || network.name.text().find('/') != std::string::npos) continue;
        guests::Offer offer{network.name.text(), guest_bridge(network).text()};
        offer.ovs = network.switch_kind == SwitchKind::ovs;
        if (offer.ovs && network.vlan) offer.tag = network.vlan->number();
        offers.push_back(std::move(offer));
    }
    return offers;
}

}  // namespace lower
