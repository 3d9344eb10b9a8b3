// A walk over what differs between two versions of the host.
#include "netd/observe/apart.hpp"

namespace observe {
namespace {

// A port that is on no bridge any more reaches nobody there; where its bridge goes, the kernel tells of it first.
bool is_on_none(const bridges::Link& link) { return link.master && !link.master->of; }

bool is_otherwise(const bridges::Link* was, const bridges::Link* now) {
    if (was && now && was->master != now->master && is_on_none(*now)) return false;
    return was && now && (was->master != now->master || was->vlans != now->vlans || was->isolated != now->isolated || was->kind != now->kind);
}

bool is_otherwise(const ovs::Port* was, const ovs::Port* now) {
    return was && now && (was->bridge != now->bridge || was->tagging != now->tagging || was->isolated != now->isolated || was->others != now->others || was->cvlans != now->cvlans);
}

bool is_otherwise(const ovs::Bridge* was, const ovs::Bridge* now) { return was && now && was->flood_vlans != now->flood_vlans; }

template <class R>
bool is_any_otherwise(const topology::Keyed<R>& was, const topology::Keyed<R>& now) {
    bool is = false;
    topology::Keyed<R>::each_difference(was, now, [&](const R* before, const R* after) { is = is || is_otherwise(before, after); });
    return is;
}

}  // namespace

bool is_kept_apart_otherwise(const Snapshot& was, const Snapshot& now) {
    return is_any_otherwise(was.observed.kernel.links, now.observed.kernel.links) || is_any_otherwise(was.observed.ovs.ports, now.observed.ovs.ports) ||
           is_any_otherwise(was.observed.ovs.bridges, now.observed.ovs.bridges);
}

}  // namespace observe
