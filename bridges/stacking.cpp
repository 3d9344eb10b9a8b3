// See stacking.hpp.
#include "bridges/stacking.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace bridges {

// What the index of another link names is the far end of a pair, or what this one stands on.
bool Link::is_stacked() const { return as<Vlan>() || (facts.peer_index && !facts.peer_netnsid && !as<Veth>()); }

bool stands_on(const Link& upper, const Link& lower) {
    if (const Vlan* vlan = upper.as<Vlan>()) return vlan->base == lower.name;
    return upper.is_stacked() && lower.facts.index != 0 && *upper.facts.peer_index == lower.facts.index;
}

bool takes_all_that_comes(const Link& upper) {
    constexpr std::string_view kinds[] = {"macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"};
    return upper.is_stacked() && std::ranges::find(kinds, upper.facts.kind) != std::end(kinds);
}

}  // namespace bridges
