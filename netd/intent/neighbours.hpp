// Who else is there, looked up once for all definitions of a request: each is held against the others without a walk over them.
#pragma once

#include "netd/intent/request.hpp"

#include <map>

namespace intent {

class Neighbours {
public:
    Neighbours(const Intent& wanted, const bridges::State& kernel) : wanted_(wanted), kernel_(kernel) {}

    // Who is on a NIC or bond, by tag and by kind of switch, and what they say of how its bridge is.
    struct OfBase {
        std::multimap<std::optional<VlanId>, const Rider*> by_tag = {};
        std::map<SwitchKind, const Rider*> first_of = {};
        std::map<bool, const Rider*> first_shaped = {};  // with a share of it, and without
        const Network* with_stp = nullptr;
        const Network* without_stp = nullptr;            // asks for what no bridge with STP can have
        std::map<std::string, std::map<std::string, const Network*>> options = {};  // by option and value, who first has it
    };
    const OfBase* on(const IfName& device);  // null where no network is
    // The VLAN device of somebody else's making that has this tag, or any, of the NIC or bond; null: none.
    const IfName* foreign_vlan(const IfName& base, std::optional<VlanId> tag);
    // What stands on the link and takes all that comes in by it, so that it can be no port; null: nothing.
    const IfName* macvlan_on(const bridges::Link& link);
    // A bond that has the NIC as a port, and is another than that one.
    const Bond* bond_of(const IfName& nic, const Bond* but = nullptr);
    // Another network that has the default route.
    const Network* other_with_default_route(const Network& than);

private:
    const Intent& wanted_;
    const bridges::State& kernel_;
    std::map<IfName, OfBase> known_;
    std::optional<std::map<std::pair<IfName, VlanId>, IfName>> foreign_vlans_;
    std::optional<std::map<int, IfName>> macvlans_;  // by the index of what they stand on
    std::optional<std::multimap<IfName, const Bond*>> bonds_;
    std::optional<std::vector<const Network*>> leading_;  // two that have the default route; more change nothing
};

}  // namespace intent
