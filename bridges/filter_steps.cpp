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

// The link that the op gives a filter to, or a gate, or admits; or null.
const Link* link_to_filter(const Op& op) {
    const Link* link = link_then(op);
    return link && (link->filter || link->gate || link->admitted) ? link : nullptr;
}

bool joins_network(const Op& op) {
    const Link* link = link_then(op);
    return link && link->standing && link->standing->is_of_network();
}

}  // namespace

void put_filters(FilterTable& table, Batch& batch, std::span<const Op> ops) {
    FilterChanges changes;
    GateChanges gates;
    for (const Op& op : ops) {
        const Link* filtered = link_to_filter(op);
        if (filtered && filtered->filter) changes.insert_or_assign(filtered->name, filtered->filter);
        if (filtered && filtered->gate) gates.bridges.insert_or_assign(filtered->name, *filtered->gate);
        if (filtered && filtered->admitted) gates.admitted.insert_or_assign(filtered->name, *filtered->admitted);
    }
    if (changes.empty() && gates.bridges.empty() && gates.admitted.empty()) return;
    const auto done = table.put(changes, gates);
    for (std::size_t place = 0; !done && place < ops.size(); ++place)
        if (link_to_filter(ops[place])) batch.refuse(place, done.error());
}

void put_host_rules(HostTable& table, Batch& batch, std::span<const Op> ops, const topology::Keyed<Link>& links) {
    if (table.stands() || std::ranges::none_of(ops, joins_network)) return;
    const auto done = table.put(links);
    for (std::size_t place = 0; !done && place < ops.size(); ++place)
        if (joins_network(ops[place])) batch.refuse(place, done.error());
}

// One that stays behind is for a name that nobody has: it harms none, and the next of that name replaces it.
void drop_filters(FilterTable& table, const Batch& batch, std::span<const Op> ops, const topology::Keyed<Link>& links) {
    std::set<IfName> gone;
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const auto* removed = std::get_if<Remove<Link>>(&ops[place]);
        const Link* made = link_to_filter(ops[place]);
        if (removed && !batch.is_refused(place)) gone.insert(removed->was.name);
        if (made && !links.contains(made->name)) gone.insert(made->name);
    }
    std::erase_if(gone, [&](const IfName& name) { return !table.knows(name); });
    if (gone.empty()) return;
    FilterChanges changes;
    GateChanges gates;
    for (const IfName& name : gone) {
        changes.emplace(name, std::nullopt);
        gates.bridges.emplace(name, false);
        gates.admitted.emplace(name, false);
    }
    (void)table.put(changes, gates);
}

void drop_host_counts(HostTable& table, const Batch& batch, std::span<const Op> ops) {
    std::set<IfName> gone;
    for (std::size_t place = 0; place < ops.size(); ++place)
        if (const auto* removed = std::get_if<Remove<Link>>(&ops[place]); removed && !batch.is_refused(place)) gone.insert(removed->was.name);
    (void)table.forget(gone);
}

}  // namespace bridges
