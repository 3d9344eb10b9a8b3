// Each network is lowered by itself and each base once, so that the whole costs what is there and not its square.
//
// Comparing comes first, since it is cheap; the planner has the last word, since it knows what it would not touch (the
// MAC of a bond's port).
#include "netd/observe/drift.hpp"

#include "netd/lower/attainable.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/plan/plan.hpp"
#include "topology/compare.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace observe {
namespace {

using Deviations = std::vector<Deviation>;

void add(Deviations& into, const std::string& subject, const topology::Difference& difference) {
    std::string attribute = difference.attribute;
    if (attribute.starts_with("kind.")) attribute.erase(0, 5);
    const bool is_split = attribute == "stack.forwarding" && difference.found == "none";
    into.push_back({subject, attribute, difference.wanted, is_split ? "not alike for IPv4 and IPv6" : difference.found});
}

// What comes with a port's bridge, and is as everybody takes for granted; or what words can't tell.
bool goes_without_saying(const Deviation& one) { return (one.attribute == "isolated" && one.found == "none" && one.wanted == "false") || one.wanted == one.found; }

// But not where it is all that would be put right of the thing: what is planned is told.
Deviations worth_telling(const Deviations& all, const plan::Plan& plan) {
    if (std::ranges::none_of(all, goes_without_saying)) return all;
    std::set<std::string> planned, of_more;
    for (const plan::Step& step : plan) planned.insert(plan::subject(step.op));
    for (const Deviation& one : all)
        if (!goes_without_saying(one)) of_more.insert(one.subject);
    Deviations told;
    std::ranges::copy_if(all, std::back_inserter(told), [&](const Deviation& one) { return !goes_without_saying(one) || (!of_more.contains(one.subject) && planned.contains(one.subject)); });
    return told;
}

void add_missing(Deviations& into, const std::string& subject, const std::string& attribute = "presence") {
    const Deviation missing{subject, attribute, "there", "missing"};   // a port of Open vSwitch is a row and a device
    if (std::ranges::find(into, missing) == into.end()) into.push_back(missing);
}

// The kernel looks for another host that has an IPv6 address, and then does not use it.
std::string anothers(const bridges::Link& want, const bridges::Link& there) {
    std::string told;
    for (const auto& address : there.facts.rare.get().duplicate)
        if (want.addresses && want.addresses->contains(address)) told += "; " + address.text() + " is another host's";
    return told;
}

void find(const bridges::Link& want, const bridges::State& have, Deviations& into) {
    const bridges::Link* there = have.links.find(want.name);
    if (!there) return add_missing(into, want.name.text());
    const bool is_other_kind = want.kind && there->kind && want.kind->index() != there->kind->index();
    if (is_other_kind) into.push_back({want.name.text(), "kind", std::string(name_of(*want.kind)), std::string(name_of(*there->kind))});
    for (auto& difference : topology::differences(want, *there)) {
        if (difference.attribute == "addresses") difference.found += anothers(want, *there);
        if (!is_other_kind || difference.attribute != "kind") add(into, want.name.text(), difference);
    }
}

// Routes and rules are what they are: here "unset" is a value too.
void find(const bridges::Route& want, const bridges::State& have, Deviations& into) {
    const bridges::Route* there = have.routes.find(want.key());
    if (!there) return add_missing(into, want.device.text(), describe(want));
    if (*there == want) return;
    const std::string found = there->protocol == want.protocol ? describe(*there) + " through " + there->device.text()
                                                               : "one that netd did not make";
    into.push_back({want.device.text(), describe(want), "there", found});
}

// A rule has no device of its own, so it is told of the one that its routes go through.
void find(const bridges::Rule& want, const bridges::State& have, const std::string& subject, Deviations& into) {
    const bridges::Rule* there = have.rules.find(want.key());
    if (!there) add_missing(into, want.in ? want.in->text() : subject, describe(want));
    else if (!(*there == want)) into.push_back({want.in ? want.in->text() : subject, describe(want), "there", "one that netd did not make"});
}

void find(const guests::Nic& want, const guests::State& have, Deviations& into) {
    const guests::Nic* there = have.nics.find(want.key());
    if (!there) return add_missing(into, guests::describe(want));
    for (const auto& difference : guests::deviations(want, *there)) add(into, guests::describe(want), difference);
}

template <class R>
void find_row(const R& want, const topology::Keyed<R>& have, Deviations& into) {
    const R* there = have.find(want.key());
    if (!there) return add_missing(into, want.name.text());
    for (const auto& difference : topology::differences(want, *there)) add(into, want.name.text(), difference);
}

Deviations compare(const lower::HostState& want, const lower::HostState& have) {
    Deviations found;
    std::string device;
    for (const auto& link : want.kernel.links) find(link, have.kernel, found);
    for (const auto& route : want.kernel.routes) {
        find(route, have.kernel, found);
        device = route.device.text();
    }
    for (const auto& rule : want.kernel.rules) find(rule, have.kernel, device, found);
    for (const auto& bridge : want.ovs.bridges) find_row(bridge, have.ovs.bridges, found);
    for (const auto& port : want.ovs.ports) find_row(port, have.ovs.ports, found);
    for (const auto& nic : want.guests.nics) find(nic, have.guests, found);
    for (const auto& mirror : want.ovs.mirrors) find_row(mirror, have.ovs.mirrors, found);
    return found;
}

// A bridgeless network without a tag lives on the base itself: what its address and its stack are is its own affair.
bool is_its_own(const Deviation& deviation, const intent::Base& base, const intent::Rider* tenant) {
    return tenant && deviation.subject == base.device.text() &&
           (deviation.attribute.starts_with("addresses") || deviation.attribute == "routed" || deviation.attribute.starts_with("stack"));
}

template <class R>
void put_each(const topology::Keyed<R>& from, topology::Keyed<R>& into) {
    for (const R& one : from) into.put(one);
}

class Seeker {
public:
    explicit Seeker(const Snapshot& snapshot)
        : snapshot_(snapshot), there_(lower::without_lost_guests(snapshot.running, lower::everything(snapshot.running), snapshot.host())) {}

    Drift seek() {
        for (const auto& network : snapshot_.running.networks()) {
            lower::Touched touched{.networks = {network.name}};
            for (const auto& nic : snapshot_.running.plugged_into(network.name)) touched.nics.insert(nic.key());
            put(drift_.networks, network.name.text(), deviations(touched));
        }
        for (const auto& base : snapshot_.running.bases()) seek(base);
        for (const auto& bond : snapshot_.running.bonds())
            if (!snapshot_.running.bases().contains(bond.name)) {
                Deviations found = deviations({.bases = {bond.name}});
                add_missing_ports(bond.name, found);
                put(drift_.bonds, bond.name.text(), std::move(found));
            }
        for (const auto& nic : snapshot_.running.nics())
            if (!snapshot_.running.network(nic.network)) put(drift_.guests, nic.vm, deviations({.nics = {nic.key()}}));
        return std::move(drift_);
    }

private:
    void seek(const intent::Base& base) {
        Deviations found = deviations({.bases = {base.device}});
        add_missing_ports(base.device, found);
        if (found.empty()) return;
        const intent::Rider* untagged = base.with_tag(std::nullopt);
        const bool has_tenant = untagged && !untagged->bridged && untagged->switch_kind == intent::SwitchKind::legacy;
        for (const intent::Rider& rider : base.riders) {
            Deviations felt;
            for (const Deviation& deviation : found)
                if (!is_its_own(deviation, base, has_tenant ? untagged : nullptr) || rider.network == untagged->network) felt.push_back(deviation);
            put(drift_.networks, rider.network.text(), std::move(felt));
        }
    }

    Deviations deviations(const lower::Touched& touched) const {
        lower::HostState want = wanted(touched);
        Deviations found = compare(want, snapshot_.observed);
        if (found.empty()) return found;
        want = lower::beside_foreign_addresses(std::move(want), snapshot_.host());
        found = compare(want, snapshot_.observed);
        lower::Scope scope;
        scope.include(want);
        const plan::Plan plan = plan::make(want, lower::restricted(snapshot_.observed, scope));
        if (plan.empty()) return {};
        return worth_telling(found, plan);
    }

    // A NIC whose namespace is gone is missing itself, and nobody owes it copies.
    lower::HostState wanted(const lower::Touched& touched) const {
        lower::HostState want = lower::lower(there_, touched, snapshot_.host());
        lower::Touched lost;
        for (const auto& nic : touched.nics)
            if (!there_.nics().contains(nic)) lost.nics.insert(nic);
        if (lost.nics.empty()) return want;
        const lower::HostState missing = lower::lower(snapshot_.running, lost, snapshot_.host());
        put_each(missing.kernel.links, want.kernel.links);
        put_each(missing.ovs.ports, want.ovs.ports);
        put_each(missing.ovs.mirrors, want.ovs.mirrors);
        return want;
    }

    // Nothing can be planned of them until they come.
    void add_missing_ports(const topology::IfName& device, Deviations& into) const {
        const intent::Bond* bond = snapshot_.running.bonds().find(device);
        if (!bond) return;
        for (const auto& nic : bond->nics)
            if (!snapshot_.observed.kernel.links.contains(nic)) add_missing(into, nic.text());
    }

    static void put(Drift::Deviations& into, const std::string& name, Deviations found) {
        if (found.empty()) return;
        auto& all = into[name];
        all.insert(all.end(), found.begin(), found.end());
    }

    const Snapshot& snapshot_;
    const intent::Intent there_;  // without the NICs of guests whose namespace is gone
    Drift drift_;
};

}  // namespace

Drift find_drift(const Snapshot& snapshot) {
    if (!snapshot.pending && !snapshot.is_stuck) return Seeker(snapshot).seek();
    Snapshot followed = snapshot;
    followed.running = lower::as_guests_are_now(snapshot.running, snapshot.host());
    return Seeker(followed).seek();
}

std::string words_of(const Deviation& deviation) {
    if (deviation.attribute == "presence") return "is missing";
    if (deviation.wanted == "there") return deviation.attribute + " is " + deviation.found;
    return deviation.attribute + " is " + deviation.found + ", wanted " + deviation.wanted;
}

}  // namespace observe
