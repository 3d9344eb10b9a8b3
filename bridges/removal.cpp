// See removal.hpp.
#include "bridges/removal.hpp"

#include "bridges/host_rules.hpp"
#include "bridges/nl_write.hpp"

#include <algorithm>
#include <cerrno>

namespace bridges {

namespace {

using Doomed = std::vector<std::pair<std::size_t, int>>;  // the change that wants it, and the link's index

Doomed doom(const State& state, Batch& batch, std::span<const Op> ops) {
    Doomed doomed;
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const auto* op = std::get_if<Remove<Link>>(&ops[place]);
        const Link* have = op ? current(state, op->was) : nullptr;
        if (!have || batch.is_refused(place)) continue;
        const bool was_ours = topology::is_ours(op->was.owner);
        if (was_ours && !have->owner->is_ours()) {
            batch.refuse(place, {topology::Fault::conflict, have->name.text(), "its mark is gone: it is no longer ours"});
        } else {
            doomed.emplace_back(place, have->facts.index);
        }
    }
    return doomed;
}

std::uint32_t group_of_nobody(const State& state) {
    std::set<std::uint32_t> taken;
    for (const Link& link : state.links) taken.insert(link.facts.group);
    std::uint32_t group = doomed_group;
    while (taken.contains(group)) ++group;
    return group;
}

// What goes along with a link that is gone (the far end of a pair, VLANs on it) may still be going, under the kernel's lock.
// Whoever asks again is answered after that.
void let_all_go(KernelMirror& mirror, int gone) {
    std::vector<Message> again;
    again.push_back(write_deletion(gone));
    (void)mirror.requests().exchange(again);
    mirror.drain();
}

// With a VLAN that goes while it sees all that passes, the kernel would leave what it stands on seeing all for good.
void blindfold(const State& state, const Doomed& doomed, std::span<const Op> ops, Batch& batch) {
    for (const auto& [place, index] : doomed) {
        const Link* link = state.links.find(std::get<Remove<Link>>(ops[place]).was.name);
        if (link && link->promiscuous == true) batch.add(place, write_promiscuous(index, false), {ENODEV});
    }
}

}  // namespace

const Link* current(const State& state, const Link& was) {
    const Link* have = state.links.find(was.name);
    const bool is_another = have && was.facts.index && have->facts.index != was.facts.index;
    return is_another ? nullptr : have;
}

// Deleting costs the same for one as for many, if the many are of one group: the kernel waits once. Such a group is
// made here, of a number that no other link has.
void remove_links(KernelMirror& mirror, Deletions& deletions, Batch& batch, std::span<const Op> ops) {
    const Doomed doomed = doom(mirror.state(), batch, ops);
    const auto are_gone = [&] {
        mirror.drain();
        return std::ranges::none_of(doomed, [&](const auto& one) { return mirror.knows(one.second); });
    };
    const auto erase = [&](std::vector<Message> requests) {
        auto answers = deletions.run(std::move(requests), mirror.descriptor(), are_gone);
        if (are_gone()) let_all_go(mirror, doomed.back().second);
        return answers;
    };
    blindfold(mirror.state(), doomed, ops, batch);
    batch.run(mirror.requests(), [&] { mirror.drain(); });
    if (doomed.size() > 1) {
        const std::uint32_t group = group_of_nobody(mirror.state());
        for (const auto& [place, index] : doomed) batch.add(place, write_group(index, group), {ENODEV});
        batch.run(mirror.requests(), [&] { mirror.drain(); });
        std::vector<Message> request;
        request.push_back(write_group_deletion(group));
        const auto answers = erase(std::move(request));
        if (answers && answers->front().code == 0) return;
    }
    for (const auto& [place, index] : doomed) batch.add(place, write_deletion(index), {ENODEV});
    batch.run(erase);
}

}  // namespace bridges
