// Keeps the look-ups of an Intent true with each definition that comes or goes.
#include "netd/intent/intent.hpp"

namespace intent {

Mtu Base::mtu() const {
    std::optional<Mtu> largest;
    for (const Rider& rider : riders)
        if (!largest || *largest < rider.mtu) largest = rider.mtu;
    return largest.value_or(Mtu());
}

const Rider* Base::with_tag(std::optional<VlanId> tag) const {
    for (const Rider& rider : riders)
        if (rider.vlan == tag) return &rider;
    return nullptr;
}

VlanId Base::inner_tag() const {
    std::set<VlanId> taken;
    for (const Rider& rider : riders)
        if (rider.vlan) taken.insert(*rider.vlan);
    for (std::int64_t tag = 4094; tag > 1; --tag)
        if (auto id = VlanId::from(tag); !taken.contains(*id)) return *id;
    return *VlanId::from(1);
}

std::optional<VlanId> Base::number_inside() const { return with_tag(std::nullopt) ? std::optional(inner_tag()) : std::nullopt; }

const Network* Intent::network(std::string_view name) const {
    auto parsed = NetworkName::parse(name);
    return parsed ? networks_.find(*parsed) : nullptr;
}

namespace {

const Keyed<GuestNic>& of_network(const Keyed<Plugged>& from, const NetworkName& network) {
    static const Keyed<GuestNic> none;
    const Plugged* plugged = from.find(network);
    return plugged ? plugged->nics : none;
}

void note(Keyed<Plugged>& in, const NetworkName& network, const GuestNic& nic) {
    const Plugged* there = in.find(network);
    Plugged plugged = there ? *there : Plugged{network};
    plugged.nics.put(nic);
    in.put(plugged);
}

void forget(Keyed<Plugged>& in, const NetworkName& network, const GuestNic::Key& nic) {
    const Plugged* there = in.find(network);
    if (!there) return;
    Plugged plugged = *there;
    plugged.nics.erase(nic);
    if (plugged.nics.empty()) in.erase(NetworkName(network));
    else in.put(plugged);
}

}  // namespace

const Keyed<GuestNic>& Intent::plugged_into(const NetworkName& network) const { return of_network(plugged_, network); }
const Keyed<GuestNic>& Intent::watching(const NetworkName& network) const { return of_network(watching_, network); }

std::vector<const GuestNic*> Intent::with_mac(const Mac& mac) const {
    std::vector<const GuestNic*> found;
    for (auto at = bearers_.from({mac, ""}); at != bearers_.end() && at->mac == mac; ++at) found.push_back(nics_.find({at->vm, mac}));
    return found;
}

const Bond* Intent::bond_of(const IfName& nic) const {
    for (const Bond& bond : bonds_)
        if (bond.nics.contains(nic)) return &bond;
    return nullptr;
}

const Network* Intent::default_route() const { return default_route_ ? networks_.find(*default_route_) : nullptr; }

void Intent::ride(const Network& network) {
    if (network.default_route) default_route_ = network.name;
    const auto device = network.base();
    if (!device) return;
    const Base* there = bases_.find(*device);
    Base base = there ? *there : Base{*device};
    base.riders.put({network.name, network.vlan, network.mtu, network.bridged, network.is_on_host(), network.has_stp(), network.host_qos.has_value(), network.switch_kind});
    bases_.put(base);
}

void Intent::unride(const Network& network) {
    if (default_route_ == network.name) default_route_.reset();
    const auto device = network.base();
    const Base* there = device ? bases_.find(*device) : nullptr;
    if (!there) return;
    Base base = *there;
    base.riders.erase(network.name);
    if (base.riders.empty()) bases_.erase(*device);
    else bases_.put(base);
}

// Calls visit(neighbourhood) for each that has addresses in common with the subnet, for as long as it says yes.
template <class Visit>
void Intent::around(const Subnet& subnet, Visit&& visit) const {
    for (const auto& [kind, count] : lengths_) {
        const auto& [v6, length] = kind;
        if (v6 != subnet.is_v6() || length >= subnet.length()) continue;
        if (const Neighbourhood* there = neighbourhoods_.find(Subnet::from(subnet.address(), length)->network()); there && !visit(*there)) return;
    }
    for (auto at = neighbourhoods_.from(subnet.network()); at != neighbourhoods_.end() && subnet.contains(at->subnet.address()); ++at)
        if (!visit(*at)) return;
}

std::set<NetworkName> Intent::on_subnets(const std::set<Subnet>& subnets) const {
    std::set<const Neighbourhood*> near;  // once each, however many subnets it is near to
    for (const Subnet& subnet : subnets) around(subnet, [&](const Neighbourhood& there) { return near.insert(&there), true; });
    std::set<NetworkName> found;
    for (const Neighbourhood* there : near)
        for (const Resident& resident : there->networks) found.insert(resident.network);
    return found;
}

bool Intent::is_shared(const Subnet& subnet) const {
    const NetworkName* first = nullptr;
    bool shared = false;
    around(subnet, [&](const Neighbourhood& there) {
        if (!first) first = &there.networks.begin()->network;
        shared = there.networks.size() > 1 || there.networks.begin()->network != *first;
        return !shared;
    });
    return shared;
}

void Intent::settle(const Network& network) {
    for (const Subnet& address : network.all_addresses()) {
        const Neighbourhood* there = neighbourhoods_.find(address.network());
        if (!there) ++lengths_[{address.is_v6(), address.length()}];
        Neighbourhood now = there ? *there : Neighbourhood{address.network()};
        now.networks.put({network.name});
        neighbourhoods_.put(now);
    }
}

void Intent::unsettle(const Network& network) {
    for (const Subnet& address : network.all_addresses()) {
        const Neighbourhood* there = neighbourhoods_.find(address.network());
        if (!there) continue;
        Neighbourhood now = *there;
        now.networks.erase(network.name);
        if (!now.networks.empty()) {
            neighbourhoods_.put(now);
            continue;
        }
        neighbourhoods_.erase(Subnet(now.subnet));
        const auto length = lengths_.find({address.is_v6(), address.length()});
        if (--length->second == 0) lengths_.erase(length);
    }
}

void Intent::put(const Network& network) {
    const Network* old = networks_.find(network.name);
    if (old && *old == network) return;
    if (old) unride(Network(*old)), unsettle(Network(*old));
    networks_.put(network);
    ride(network);
    settle(network);
}

void Intent::put(const Bond& bond) { bonds_.put(bond); }

void Intent::put(const GuestNic& nic) {
    remove(nic.key());
    nics_.put(nic);
    bearers_.put({nic.mac, nic.vm});
    for (const NetworkName& network : nic.port_mirroring) note(watching_, network, nic);
    if (auto name = NetworkName::parse(nic.network)) note(plugged_, *name, nic);
}

void Intent::remove(const NetworkName& name) {
    const Network* old = networks_.find(name);
    if (!old) return;
    unride(Network(*old));
    unsettle(Network(*old));
    networks_.erase(NetworkName(name));
}

void Intent::remove_bond(const IfName& bond) { bonds_.erase(IfName(bond)); }

void Intent::remove(const GuestNic::Key& key) {
    const GuestNic* old = nics_.find(key);
    if (!old) return;
    for (const NetworkName& network : old->port_mirroring) forget(watching_, network, key);
    if (auto name = NetworkName::parse(old->network)) forget(plugged_, *name, key);
    bearers_.erase({key.mac, key.vm});
    nics_.erase(GuestNic::Key(key));
}

Delta difference(const Intent& was, const Intent& now) {
    return {topology::diff(was.networks(), now.networks()), topology::diff(was.bonds(), now.bonds()),
            topology::diff(was.nics(), now.nics())};
}

namespace {

template <class R, class Put, class Erase>
void follow(const std::vector<topology::Change<R>>& changes, Put&& put, Erase&& erase) {
    for (const auto& change : changes) {
        if (const auto* create = std::get_if<topology::Create<R>>(&change)) put(create->now);
        else if (const auto* update = std::get_if<topology::Update<R>>(&change)) put(update->now);
        else erase(std::get<topology::Remove<R>>(change).was);
    }
}

}  // namespace

Intent with(Intent intent, const Delta& delta) {
    follow(delta.nics, [](const GuestNic&) {}, [&](const GuestNic& nic) { intent.remove(nic.key()); });
    follow(delta.networks, [&](const Network& network) { intent.put(network); },
           [&](const Network& network) { intent.remove(network.name); });
    follow(delta.bonds, [&](const Bond& bond) { intent.put(bond); }, [&](const Bond& bond) { intent.remove_bond(bond.name); });
    follow(delta.nics, [&](const GuestNic& nic) { intent.put(nic); }, [](const GuestNic&) {});
    return intent;
}

}  // namespace intent
