// See marked_links.hpp.
#include "netd/lower/marked_links.hpp"

#include "topology/hash.hpp"

#include <algorithm>

namespace lower {

using bridges::Link;

void MarkedLinks::follow(const topology::Keyed<Link>& links) {
    topology::Keyed<Link>::each_difference(links_, links, [&](const Link* was, const Link* now) {
        if (was && now && was->owner == now->owner) return;
        if (was && topology::is_ours(was->owner)) {
            const auto [begin, end] = names_.equal_range(topology::hash_of(*was->owner->role));
            names_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == was->name; }));
        }
        if (now && topology::is_ours(now->owner)) names_.emplace(topology::hash_of(*now->owner->role), now->name);
    });
    links_ = links;
}

std::vector<const Link*> MarkedLinks::of(const topology::Owner& mark, const topology::Keyed<Link>& links) {
    follow(links);
    std::vector<const Link*> found;
    const auto [begin, end] = names_.equal_range(topology::hash_of(*mark.role));
    for (auto at = begin; at != end; ++at)
        if (const Link* link = links.find(at->second); link->owner == mark) found.push_back(link);
    return found;
}

}  // namespace lower
