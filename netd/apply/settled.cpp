// Walks over what differs between two versions of the host, which is little where they share most.
#include "netd/apply/settled.hpp"

#include <algorithm>

namespace apply {
namespace {

template <class R, class Matters>
bool is_still(const topology::Keyed<R>& was, const topology::Keyed<R>& now, Matters&& matters) {
    bool still = true;
    topology::Keyed<R>::each_difference(was, now, [&](const R* before, const R* after) { still = still && !matters(before, after); });
    return still;
}

template <class Keys>
auto among(const Keys& keys) {
    return [&keys](const auto* before, const auto* after) { return keys.contains((before ? before : after)->key()); };
}

}  // namespace

bool Settled::includes(const lower::Touched& others) const {
    return std::ranges::includes(named.networks, others.networks) && std::ranges::includes(named.bases, others.bases) && std::ranges::includes(named.nics, others.nics);
}

bool Settled::holds(const lower::HostState& now) const {
    // One that comes may be the one that a definition has waited for, though nothing of it was looked at.
    const auto link_matters = [&](const bridges::Link* before, const bridges::Link* after) {
        return !before || !after || scope.links.contains(before->name);
    };
    return is_still(observed.kernel.links, now.kernel.links, link_matters) && is_still(observed.kernel.routes, now.kernel.routes, among(scope.routes)) &&
           is_still(observed.kernel.rules, now.kernel.rules, among(scope.rules)) && is_still(observed.ovs.bridges, now.ovs.bridges, among(scope.bridges)) &&
           is_still(observed.ovs.ports, now.ovs.ports, among(scope.ports)) &&
           is_still(observed.ovs.mirrors, now.ovs.mirrors, among(scope.mirrors)) && observed.guests == now.guests;
}

}  // namespace apply
