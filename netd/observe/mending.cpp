// Tries are counted a deviation, not a network: to have lost a bridge and then an address is not a quarrel.
#include "netd/observe/mending.hpp"

#include "netd/lower/naming.hpp"
#include "netd/lower/wrong_wire.hpp"
#include "netd/plan/plan.hpp"

#include <algorithm>
#include <iterator>

namespace observe {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_tries = 5;
constexpr Mending::Time window = 60s;

// After so many tries within the window.
Mending::Time pause_after(std::size_t tries) { return tries == 0 ? 0ns : 250ms * (1 << (tries - 1)); }

std::string key_of(char kind, const std::string& name, const Deviation& deviation) {
    return std::string(1, kind) + name + '\n' + deviation.subject + '\n' + deviation.attribute;
}

// The same thing differs, be it in another way.
bool has_of(const Drift::Deviations& all, const std::string& name, const Deviation& deviation) {
    const auto found = all.find(name);
    return found != all.end() && std::ranges::any_of(found->second, [&](const Deviation& one) { return one.is_about_the_same_as(deviation); });
}

// NICs are for others to bring. One that is there and no port of its switch is netd's affair.
bool is_a_nic_that_is_away(const std::string& subject, const Snapshot& snapshot) {
    const auto name = topology::IfName::observed(subject);
    const intent::Intent& intent = snapshot.running;
    if (snapshot.observed.kernel.links.contains(name)) return false;
    if (intent.bond_of(name)) return true;
    return intent.bases().contains(name) && !intent.bonds().contains(name);
}

// What is to be taken off the wires of others, though its own network waits.
std::set<std::string> on_wrong_wires(const Snapshot& snapshot) {
    lower::Host host = snapshot.host();
    if (snapshot.ovs_silent) host.switched = nullptr;  // what it has kept waits for it
    lower::Goal goal;
    lower::keep_off_wrong_wires(goal, snapshot.running, host);
    std::set<std::string> names;
    for (const plan::Step& step : plan::make(goal.wanted, lower::restricted(snapshot.observed, goal.scope))) names.insert(plan::subject(step.op));
    return names;
}

template <class IsThere>
void keep(const Drift::Deviations& from, const Snapshot& snapshot, const std::set<std::string>& astray, IsThere&& is_there, Drift::Deviations& into) {
    for (const auto& [name, deviations] : from) {
        const bool waits = !is_there(name);
        for (const Deviation& deviation : deviations) {
            if (waits && !astray.contains(deviation.subject)) continue;
            if (deviation.attribute != "presence" || !is_a_nic_that_is_away(deviation.subject, snapshot)) into[name].push_back(deviation);
        }
    }
}

}  // namespace

Drift curable(const Drift& drift, const Snapshot& snapshot, const std::function<bool(const intent::GuestNic&)>& guest_is_there) {
    if (drift.empty()) return {};
    const intent::Intent there = lower::attainable(snapshot.running, {snapshot.observed.kernel, snapshot.ovs_answers(), guest_is_there});
    const auto has_guest = [&](const std::string& vm) {
        return std::any_of(there.nics().begin(), there.nics().end(), [&](const auto& nic) { return nic.vm == vm; });
    };
    const auto has_bond = [&](const std::string& name) { return there.bonds().contains(topology::IfName::observed(name)); };
    const std::set<std::string> astray = on_wrong_wires(snapshot);
    Drift left;
    keep(drift.networks, snapshot, astray, [&](const std::string& name) { return there.network(name) != nullptr; }, left.networks);
    keep(drift.bonds, snapshot, astray, has_bond, left.bonds);
    keep(drift.guests, snapshot, astray, has_guest, left.guests);
    if (there.nics().size() == snapshot.running.nics().size()) return left;
    // The port of a guest whose namespace is gone can't be made again.
    std::set<std::string> gone;
    for (const auto& nic : snapshot.running.nics())
        if (!there.nics().contains(nic.key())) gone.insert(lower::port_of(nic.key()).text());
    for (const std::string& name : astray) gone.erase(name);
    for (auto* deviations : {&left.networks, &left.guests}) {
        for (auto& [name, list] : *deviations) std::erase_if(list, [&](const Deviation& one) { return gone.contains(one.subject); });
        std::erase_if(*deviations, [](const auto& one) { return one.second.empty(); });
    }
    return left;
}

namespace {

// A bond that lacks some of its ports waits, too, and with it its networks.
Parts waiting(const Snapshot& snapshot) {
    const intent::Intent there = lower::attainable(snapshot.running, {snapshot.observed.kernel, snapshot.ovs_answers()});
    const auto is_whole = [&](const intent::Bond& bond) {
        const intent::Bond* now = there.bonds().find(bond.name);
        return now && now->nics == bond.nics;
    };
    Parts parts;
    for (const intent::Network& network : snapshot.running.networks()) {
        const intent::Bond* bond = network.base() ? snapshot.running.bonds().find(*network.base()) : nullptr;
        if (!there.networks().contains(network.name) || (bond && !is_whole(*bond))) parts.networks.insert(network.name.text());
    }
    for (const intent::Bond& bond : snapshot.running.bonds())
        if (!is_whole(bond)) parts.bonds.insert(bond.name.text());
    return parts;
}

bool lost_ground(const Snapshot& was, const Snapshot& next) {
    if (!(was.running == next.running) || was.ovs_answers() != next.ovs_answers()) return true;
    bool lost = false;
    topology::Keyed<bridges::Link>::each_difference(was.observed.kernel.links, next.observed.kernel.links, [&](const bridges::Link* before, const bridges::Link* after) {
        lost = lost || (!after && (next.running.bases().contains(before->name) || next.running.bond_of(before->name)));
    });
    return lost;
}

}  // namespace

void LeftOut::follow(const Snapshot& was, const Snapshot& next, const Drift& known) {
    if (!lost_ground(was, next)) return;
    const Parts waits = waiting(next);
    std::ranges::copy_if(waits.networks, std::inserter(parts_.networks, parts_.networks.end()), [&](const auto& name) { return !known.networks.contains(name); });
    std::ranges::copy_if(waits.bonds, std::inserter(parts_.bonds, parts_.bonds.end()), [&](const auto& name) { return !known.bonds.contains(name); });
}

void LeftOut::look(const Snapshot& snapshot, const Drift& drift) {
    if (parts_.empty()) return;
    const Parts waits = waiting(snapshot);
    std::erase_if(parts_.networks, [&](const auto& name) { return !waits.networks.contains(name) && !drift.networks.contains(name); });
    std::erase_if(parts_.bonds, [&](const auto& name) { return !waits.bonds.contains(name) && !drift.bonds.contains(name); });
}

Drift LeftOut::of(Drift drift) const {
    std::erase_if(drift.networks, [&](const auto& one) { return !parts_.networks.contains(one.first); });
    std::erase_if(drift.bonds, [&](const auto& one) { return !parts_.bonds.contains(one.first); });
    drift.guests.clear();
    return drift;
}

std::set<std::string> ports_of_guests(const intent::Intent& intent) {
    std::set<std::string> ports;
    for (const auto& nic : intent.nics()) ports.insert(lower::port_of(nic).text());
    return ports;
}

Parts Mending::due(const Drift& curable, Time now, const std::set<std::string>& ports) {
    next_.reset();
    Parts parts;
    if (under_way_) return parts;
    for (auto at = tries_.begin(); at != tries_.end();) {
        std::erase_if(at->second, [&](Time tried) { return tried + window <= now; });
        at = at->second.empty() ? tries_.erase(at) : std::next(at);
    }
    Drift contested;
    judge(curable.networks, 'n', now, ports, parts.networks, contested.networks, newly_contested_.networks);
    judge(curable.bonds, 'b', now, ports, parts.bonds, contested.bonds, newly_contested_.bonds);
    judge(curable.guests, 'g', now, ports, parts.guests, contested.guests, newly_contested_.guests);
    forgive(contested_.networks, contested.networks, 'n');
    forgive(contested_.bonds, contested.bonds, 'b');
    forgive(contested_.guests, contested.guests, 'g');
    contested_ = std::move(contested);
    under_way_ = !parts.empty();
    return parts;
}

void Mending::tried(const Parts& refused, Time now) {
    under_way_ = false;
    const auto before = std::exchange(refusals_, {});
    for (const auto& [names, kind] : {std::pair(&refused.networks, 'n'), std::pair(&refused.bonds, 'b'), std::pair(&refused.guests, 'g')})
        for (const std::string& name : *names) {
            const std::string start = std::string(1, kind) + name + '\n';
            for (auto at = tries_.lower_bound(start); at != tries_.end() && at->first.starts_with(start); ++at) {
                if (at->second.empty()) continue;
                at->second.pop_back();
                const auto known = before.find(at->first);
                const int times = known == before.end() ? 1 : known->second.times + 1;
                refusals_[at->first] = {times, now + std::min<Time>(window, pause_after(static_cast<std::size_t>(std::min(times, 10))))};
            }
        }
}

void Mending::forgive(const Deviations& was, const Deviations& still, char kind) {
    for (const auto& [name, deviations] : was)
        for (const Deviation& deviation : deviations)
            if (!has_of(still, name, deviation)) tries_.erase(key_of(kind, name, deviation));
}

void Mending::judge(const Deviations& found, char kind, Time now, const std::set<std::string>& ports, std::set<std::string>& due, Deviations& contested, Deviations& newly) {
    const auto is_never_left = [&](const Deviation& one) { return one.attribute == "mac" && ports.contains(one.subject); };
    const Deviations& known = kind == 'n' ? contested_.networks : kind == 'b' ? contested_.bonds : contested_.guests;
    for (const auto& [name, deviations] : found) {
        for (const Deviation& deviation : deviations) {
            const bool was_contested = has_of(known, name, deviation);
            auto& tries = tries_[key_of(kind, name, deviation)];
            if (was_contested || tries.size() >= most_tries) {
                contested[name].push_back(deviation);
                if (!was_contested) newly[name].push_back(deviation);
                if (!is_never_left(deviation)) continue;
            }
            Time when = tries.empty() ? now : tries.back() + pause_after(tries.size());
            if (const auto refused = refusals_.find(key_of(kind, name, deviation)); refused != refusals_.end()) when = std::max(when, refused->second.again);
            if (when > now) {
                next_ = next_ ? std::min(*next_, when) : when;
                continue;
            }
            due.insert(name);
        }
    }
    // What is mended is all of a network: one try for each of its deviations.
    for (const std::string& name : due)
        for (const Deviation& deviation : found.at(name)) {
            auto& tries = tries_[key_of(kind, name, deviation)];
            if (tries.size() == most_tries && is_never_left(deviation)) tries.pop_front();
            if (tries.size() < most_tries) tries.push_back(now);
        }
}

}  // namespace observe
