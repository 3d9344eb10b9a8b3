// See marked_links.hpp.
#include "netd/lower/marked_links.hpp"

#include <algorithm>

namespace lower {

using bridges::Link;

void MarkedLinks::follow(const topology::Keyed<Link>& links) {
    topology::Keyed<Link>::each_difference(links_, links, [&](const Link* was, const Link* now) {
        if (was && now && was->owner == now->owner) return;
        if (was && topology::is_ours(was->owner)) {
            const auto [begin, end] = names_.equal_range(*was->owner->role);
            names_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == was->name; }));
        }
        if (now && topology::is_ours(now->owner)) names_.emplace(*now->owner->role, now->name);
    });
    links_ = links;
}

std::vector<const Link*> MarkedLinks::of(const topology::Owner& mark, const topology::Keyed<Link>& links) {
    follow(links);
    std::vector<const Link*> found;
    const auto [begin, end] = names_.equal_range(*mark.role);
    for (auto at = begin; at != end; ++at) found.push_back(links.find(at->second));
    return found;
}

}  // namespace lower
