// What a hypervisor's guests do by themselves, and what that makes of the definitions: they start, stop, crash, arrive, and
// bring NICs along that nobody asked netd for.
#pragma once

#include "netd/lower/lower.hpp"

#include <vector>

namespace lower {

struct Followed {
    intent::Intent wanted;
    // NICs that no definition knows on taps of netd's that are gone: left by a plug that was taken back while nobody could be asked.
    std::vector<guests::Nic::Key> strays = {};
    // And on taps that are there: definitions that were lost with their file. The first are taken in again; the others are where no
    // network is, and left alone.
    std::vector<guests::Nic::Key> recognised = {}, unplaced = {};
};

// NICs of domains that are gone go; one that was awaited is there; a port that the hypervisor made on one of our networks
// is adopted, and follows when it is moved. By the bridge of a NIC that was renamed since its network is meant, if it is that network's by
// its name, or was. Without word of the hypervisor nothing changes. Pure.
Followed follow_guests(const intent::Intent& running, const Host& host);

// Ports that the hypervisor made, of NICs that were adopted there and are not any more. Pure.
std::set<IfName> unadopted(const intent::Intent& was, const intent::Intent& now);
// By the bridge's mark. Pure.
bool is_on_bridge_of_others(const IfName& port, const bridges::State& kernel);
// Ports of others that have netd's filter still, though they are in no definition and on a bridge of others. Whose definition and link
// are as they were when this was last asked is not looked at. Pure.
std::set<IfName> left_filtered(const intent::Intent& was, const intent::Intent& now, const topology::Keyed<bridges::Link>& links_were, const bridges::State& kernel);

// While definitions can't follow: those whose NICs are where their guests have them still, as they have them there. Of one that was
// moved or taken away nothing can be missed, and one that came is nobody's yet. Pure.
intent::Intent as_guests_are_now(const intent::Intent& standing, const Host& host);

// The networks that guests may be defined on, as the hypervisor shall know them.
std::vector<guests::Offer> offers_of(const intent::Intent& running);

}  // namespace lower
