// NICs by what does not change when their names do: the MAC that they were made with, and the slot that they are in.
#pragma once

#include "bridges/state.hpp"
#include "netd/intent/request.hpp"

#include <map>

namespace intent {

struct Identity {
    std::optional<Mac> mac = {};  // the permanent one, or, where there is none, the one it had
    std::string bus = {};         // "0000:03:00.0"
    bool operator==(const Identity&) const = default;
};
using Identities = std::map<IfName, Identity>;
using BusOf = std::string (*)(const IfName& device);   // "" where it has none
using Renames = std::map<IfName, IfName>;  // the name in a definition, the name that the device has now

// What somebody plugged in or made before netd; a tap or a veth may be a NIC in a namespace. A bridge of Open vSwitch has its NIC's MAC.
bool may_be_a_nic(const bridges::Link& link);

// Of the NICs that the definitions name and that are there; of those that aren't, or whose name another known card has, what was known before.
// And the MACs of bonds, which have that of a NIC, and keep it.
Identities identities_of(const Intent& intent, const bridges::State& kernel, const Identities& known, BusOf bus_of);

// Takes down the NICs of the networks and bonds that come or change, but not another known card by the name of one that is away.
void learn(Identities& known, const Delta& delta, const bridges::State& kernel, BusOf bus_of);

// Of the NICs of the networks and bonds that come or change.
Identities known_of(const Delta& delta, const Identities& known);

// Whether the link is one of those that are known, under whatever name.
bool is_known(const bridges::Link& link, const Identities& known, BusOf bus_of);

// NICs that the definitions name and that are there under another name. One that is where and what it was is not among them,
// nor one that was replaced by another in its slot under its old name. One that is away while another known card has its name gets a name that
// no device has, by its MAC: the definitions then wait for it as for any that comes late.
Renames renames(const Intent& intent, const Identities& known, const bridges::State& kernel, BusOf bus_of);

// What names that stood in definitions mean after these as well: the NIC that they meant first, unless
// one was called so since. One that means itself again is not among them.
Renames chained(Renames before, const Renames& next);

// And cards of others, by names that no device has; but what has replaced a card under its name.
Identities beside(const Identities& known, const Identities& others);

// What is known of them by those names. Of two that come to have one, what is known of the renamed one.
Identities moved(const Identities& known, const Renames& renames);

// The same definitions with those names.
Intent renamed(const Intent& intent, const Renames& renames);
// What a request means by names of before: of those that no device has by now the new ones, as long as no two ports of a bond become one.
// The name of a NIC that is away is not taken for the card that has it now where the same network waits for that NIC.
void rename(Request& request, const Renames& renames, const Intent& running, const bridges::State& kernel);

}  // namespace intent
