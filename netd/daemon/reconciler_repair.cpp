// Drift is repaired as everything is changed: by a plan, with a journal, looked at again, or taken back.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"
#include "netd/daemon/presence.hpp"

#include <fmt/format.h>

namespace netd {

using observe::Parts;

namespace {

std::vector<Parts> each_alone(const Parts& parts) {
    std::vector<Parts> alone;
    for (const auto& name : parts.networks) alone.push_back({.networks = {name}});
    for (const auto& name : parts.bonds) alone.push_back({.bonds = {name}});
    for (const auto& name : parts.guests) alone.push_back({.guests = {name}});
    return alone;
}

std::string names_of(const Parts& parts) {
    std::string text;
    for (const auto* names : {&parts.networks, &parts.bonds, &parts.guests})
        for (const auto& name : *names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

std::optional<topology::Error> Reconciler::mend(const Parts& parts) {
    const auto there = lower::attainable(transactor_.running(), {backends_.kernel.state(), backends_.ovs.connected(), guest_is_there});
    const auto touched = lower::within(lower::touched_by_names(parts.networks, parts.bonds, parts.guests, there), there);
    const auto outcome = transactor_.mend(there, touched);
    if (const auto* back = std::get_if<apply::RolledBack>(&outcome)) return back->because;
    if (const auto* stuck = std::get_if<apply::Degraded>(&outcome)) return stuck->because;
    if (std::get<apply::Committed>(outcome).changed) log::info("put right what had come to differ: {}", names_of(parts));
    return std::nullopt;
}

// All at once, since that is one batch; if something stands in the way of one, each by itself.
void Reconciler::mend(const serve::Mend& asked) {
    if (!transactor_.waiting() && !transactor_.is_stuck()) {
        auto failed = mend(asked.parts);
        if (failed && asked.parts.size() > 1)
            for (const Parts& one : each_alone(asked.parts))
                if (auto why = mend(one); why) log::warn("{} can't be put right: {}: {}", names_of(one), why->subject, why->what);
        if (failed && asked.parts.size() == 1) log::warn("{} can't be put right: {}: {}", names_of(asked.parts), failed->subject, failed->what);
        publish();
    }
    notes_.push(serve::Mended{});
}

}  // namespace netd
