// See filter_steps.hpp.
#include "bridges/filter_steps.hpp"

#include <algorithm>
#include <set>

namespace bridges {
namespace {

const Link* link_then(const Op& op) {
    if (const auto* created = std::get_if<Create<Link>>(&op)) return &created->now;
    if (const auto* updated = std::get_if<Update<Link>>(&op)) return &updated->now;
    return nullptr;
}

// The link that the op gives a filter to, or null.
const Link* link_to_filter(const Op& op) {
    const Link* link = link_then(op);
    return link && link->filter ? link : nullptr;
}

bool joins_network(const Op& op) {
    const Link* link = link_then(op);
    return link && link->standing && link->standing->is_of_network();
}

}  // namespace

void put_filters(FilterTable& table, Batch& batch, std::span<const Op> ops) {
    FilterChanges changes;
    for (const Op& op : ops)
        if (const Link* filtered = link_to_filter(op)) changes.insert_or_assign(filtered->name, filtered->filter);
    if (changes.empty()) return;
    const auto done = table.put(changes);
    for (std::size_t place = 0; !done && place < ops.size(); ++place)
        if (link_to_filter(ops[place])) batch.refuse(place, done.error());
}

void put_host_rules(HostTable& table, Batch& batch, std::span<const Op> ops) {
    if (table.stands() || std::ranges::none_of(ops, joins_network)) return;
    const auto done = table.put();
    for (std::size_t place = 0; !done && place < ops.size(); ++place)
        if (joins_network(ops[place])) batch.refuse(place, done.error());
}

// One that stays behind is for a name that nobody has: it harms none, and the next of that name replaces it.
void drop_filters(FilterTable& table, const Batch& batch, std::span<const Op> ops, const topology::Keyed<Link>& links) {
    FilterChanges changes;
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const auto* removed = std::get_if<Remove<Link>>(&ops[place]);
        const Link* made = link_to_filter(ops[place]);
        if (removed && !batch.is_refused(place)) changes.emplace(removed->was.name, std::nullopt);
        if (made && !links.contains(made->name)) changes.emplace(made->name, std::nullopt);
    }
    std::erase_if(changes, [&](const auto& change) { return !table.knows(change.first); });
    if (!changes.empty()) (void)table.put(changes);
}

void drop_host_counts(HostTable& table, const Batch& batch, std::span<const Op> ops) {
    std::set<IfName> gone;
    for (std::size_t place = 0; place < ops.size(); ++place)
        if (const auto* removed = std::get_if<Remove<Link>>(&ops[place]); removed && !batch.is_refused(place)) gone.insert(removed->was.name);
    (void)table.forget(gone);
}

}  // namespace bridges
