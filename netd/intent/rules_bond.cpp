// What a bond must be beside the others, and on this host.
#include "netd/intent/links.hpp"
#include "netd/intent/rules.hpp"

#include <fmt/format.h>

namespace intent {
namespace {

using bridges::Link;

class BondCheck {
public:
    BondCheck(const Bond& bond, const Intent& wanted, Neighbours& neighbours, const Facts& facts, Complaints& complaints)
        : bond_(bond), wanted_(wanted), neighbours_(neighbours), facts_(facts), complaints_(complaints) {}

    void run() {
        if (!facts_.abilities.bond)
            refuse(code::refused, Fault::backend, "", fmt::format("kernel {} has no bonding (module bonding); load it, or put the network on a nic", facts_.abilities.release));
        const Link* there = facts_.kernel.links.find(bond_.name);
        if (there && !there->as<bridges::Bond>())
            refuse(code::bad_bond, Fault::conflict, "", fmt::format("the host has a device '{}' that is not a bond", bond_.name.text()));
        if (there && !is_ours(*there)) belongs_to_others(*there);
        for (const IfName& nic : bond_.nics) port(nic);
    }

private:
    void refuse(int code, Fault fault, std::string_view attribute, std::string what) {
        const std::string& name = bond_.name.text();
        complaints_.push_back({code, attribute.empty() ? pointer({"bondings", name}) : pointer({"bondings", name, attribute}), fault, std::move(what)});
    }

    // Only the bridge that its untagged network's is to be may have it.
    void belongs_to_others(const Link& there) {
        const Base* base = wanted_.bases().find(bond_.name);
        const Rider* untagged = base ? base->with_tag(std::nullopt) : nullptr;
        const Network* network = untagged ? wanted_.networks().find(untagged->network) : nullptr;
        const bool has_bridge = network && network->bridged && network->switch_kind == SwitchKind::legacy;
        if (const IfName* owner = foreign_owner_of(there, has_bridge ? network->name.text() : "", wanted_, facts_))
            refuse(code::used_nic, Fault::conflict, "", fmt::format("'{}' belongs to '{}', which netd did not make; take it out of there first", bond_.name.text(), owner->text()));
    }

    void port(const IfName& nic) {
        const Link* link = facts_.kernel.links.find(nic);
        if (!link) return refuse(code::bad_nic, Fault::not_found, "nics", fmt::format("there is no NIC '{}' on this host", nic.text()));
        if (!is_nic(*link)) return refuse(code::bad_nic, Fault::invalid, "nics", fmt::format("'{}' is not a NIC", nic.text()));
        if (is_switchs_own(nic, facts_)) return refuse(code::bad_nic, Fault::invalid, "nics", fmt::format("'{}' is not a NIC but Open vSwitch's own device", nic.text()));
        if (const Bond* other = neighbours_.bond_of(nic, &bond_))
            return refuse(code::used_nic, Fault::conflict, "nics", fmt::format("'{}' is a port of {}", nic.text(), other->name.text()));
        if (const Base* base = wanted_.bases().find(nic))
            return refuse(code::used_nic, Fault::conflict, "nics",
                          fmt::format("'{}' carries network '{}'", nic.text(), base->riders.begin()->network.text()));
        if (const IfName* vlan = neighbours_.foreign_vlan(nic, std::nullopt))
            return refuse(code::used_nic, Fault::conflict, "nics", fmt::format("multiple usages: '{}' carries the VLAN device '{}'", nic.text(), vlan->text()));
        if (const IfName* upper = neighbours_.macvlan_on(*link))
            return refuse(code::used_nic, Fault::conflict, "nics", fmt::format("multiple usages: '{}' carries '{}', which takes all that comes in by it", nic.text(), upper->text()));
        if (const IfName* owner = foreign_owner_of(*link, bond_.name.text(), wanted_, facts_))
            refuse(code::used_nic, Fault::conflict, "nics", fmt::format("'{}' belongs to '{}', which netd did not make", nic.text(), owner->text()));
    }

    const Bond& bond_;
    const Intent& wanted_;
    Neighbours& neighbours_;
    const Facts& facts_;
    Complaints& complaints_;
};

}  // namespace

const IfName* foreign_owner_of(const Link& link, std::string_view own, const Intent& wanted, const Facts& facts) {
    const IfName* master = link.master && link.master->of ? &*link.master->of : nullptr;
    const Link* upper = master && master->text() != own && !wanted.bonds().contains(*master) ? facts.kernel.links.find(*master) : nullptr;
    if (upper && !is_ours(*upper)) return &upper->name;
    const ovs::Port* port = facts.ovs ? facts.ovs->ports.find(link.name) : nullptr;
    if (!port || !port->bridge || topology::is_ours(port->owner)) return nullptr;
    const ovs::Bridge* bridge = facts.ovs->bridges.find(*port->bridge);
    return bridge && topology::is_ours(bridge->owner) ? nullptr : &*port->bridge;
}

bool is_switchs_own(const IfName& device, const Facts& facts) {
    if (!facts.ovs) return false;
    const ovs::Port* port = facts.ovs->ports.find(device);
    return (port && port->internal == true) || facts.ovs->bridges.contains(device);
}

void check_among(const Bond& bond, const Intent& wanted, Neighbours& neighbours, const Facts& facts, Complaints& complaints) {
    BondCheck(bond, wanted, neighbours, facts, complaints).run();
}

}  // namespace intent
