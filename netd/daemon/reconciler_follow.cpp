// What guests do by themselves is followed: the definitions learn of it, and the hypervisor learns of the definitions. So are the
// names of NICs.
#include "netd/daemon/reconciler.hpp"

#include "bridges/bus.hpp"
#include "netd/apply/executor.hpp"
#include "netd/daemon/left_filters.hpp"
#include "netd/daemon/log.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/vm_id.hpp"

#include <fmt/format.h>

namespace netd {

using intent::GuestNic;
namespace code = intent::code;

namespace {

using Clock = std::chrono::steady_clock;

// Where a network's guests find themselves: after a change of it they say where they are.
bool is_elsewhere(const intent::Network& was, const intent::Network& now) {
    return was.base() != now.base() || was.vlan != now.vlan || was.switch_kind != now.switch_kind;
}

bool is_elsewhere(const GuestNic& was, const GuestNic& now) {
    return was.network != now.network || was.vlan != now.vlan || was.trunk != now.trunk;
}

}  // namespace

// Also after a change that was taken back: its guests have been to and fro.
void Reconciler::announce_moved(const intent::Intent& was, const intent::Intent& now) {
    std::vector<guests::Nic::Key> moved;
    const auto add = [&](const GuestNic& nic) {
        if (nic.kind == intent::GuestKind::libvirt) moved.push_back(lower::in_domain(nic.key(), backends_.guests.state()));
    };
    const intent::Delta delta = intent::difference(was, now);
    for (const auto& change : delta.networks)
        if (const auto* update = std::get_if<topology::Update<intent::Network>>(&change); update && is_elsewhere(update->was, update->now))
            for (const GuestNic& nic : now.plugged_into(update->now.name)) add(nic);
    for (const auto& change : delta.nics)
        if (const auto* update = std::get_if<topology::Update<GuestNic>>(&change); update && is_elsewhere(update->was, update->now)) add(update->now);
    backends_.guests.announce(moved);
}

void Reconciler::follow_guests() {
    if (transactor_.is_open()) return guard_newcomers();
    guarded_.reset();
    if (std::exchange(guarded_newcomers_, false)) forget_filters(backends_.kernel);  // of those that have gone again
    const guests::State& now = backends_.guests.state();
    const bool networks_moved = !followers_ || !(followers_->networks() == transactor_.running().networks());
    if (networks_moved && !backends_.guests.where().empty()) backends_.guests.offer(lower::offers_of(transactor_.running()));
    if (!backends_.guests.connected()) {
        // Whatever happens meanwhile is found when it answers again.
        if (networks_moved) followers_ = transactor_.running();
        followed_.reset();
        return;
    }
    if (followed_ && followers_ && *followed_ == now && *followers_ == transactor_.running() && unplaced_.empty()) return;
    if (Clock::now() < guests_again_) return;
    followed_ = now;
    const lower::Followed followed = lower::follow_guests(transactor_.running(), transactor_.host());
    bool is_refused = false;
    if (!(followed.wanted == transactor_.running())) {
        const apply::Outcome outcome = transactor_.begin(followed.wanted, {.begun = tell_begun(own)});
        is_refused = !std::holds_alternative<apply::Committed>(outcome);
        conclude(std::nullopt, outcome, code::refused);
        if (is_refused) follow_each(followed.wanted);
        forget_filters(backends_.kernel);  // of ports that went with their guests
    }
    followers_ = transactor_.running();
    if (is_refused) {
        followed_.reset();
        guests_again_ = Clock::now() + guests_pause_.lengthen();
    } else {
        guests_pause_.end();
    }
    for (const auto& nic : followed.recognised)
        if (lower::find_nic(transactor_.running(), nic.domain, nic.mac, now)) log::warn("NIC {} of guest {} was in no definition, and is known again by its port", nic.mac.text(), nic.domain);
    see_to_strays(followed);
}

// Ports that the hypervisor has taken to bridges of others, whoever saw it and when: there they are filtered by whoever has those.
void Reconciler::let_go_of_ports() {
    if (transactor_.is_open()) return;
    const LookedAt before = std::exchange(filters_seen_, {transactor_.running(), backends_.kernel.state().links});
    const auto released = lower::left_filtered(before.running, filters_seen_.running, before.links, backends_.kernel.state());
    if (released.empty()) return;
    let_go_of(released, backends_.kernel);
    publish();
}

// What is in the way of one guest is not in that of the others.
void Reconciler::follow_each(const intent::Intent& wanted) {
    const auto changes = intent::difference(transactor_.running(), wanted).nics;
    for (const auto& change : changes.size() > 1 ? changes : decltype(changes)()) {
        if (transactor_.is_stuck()) return;
        intent::Delta alone;
        alone.nics = {change};
        conclude(std::nullopt, transactor_.begin(intent::with(transactor_.running(), alone), {.begun = tell_begun(own)}), code::refused);
    }
}

// Definitions have to wait while a change waits, or its way back is blocked. A guest that starts meanwhile is tagged, filtered and kept
// apart all the same.
void Reconciler::guard_newcomers() {
    if (!backends_.guests.connected()) return;
    const lower::HostState now = observe::state_of(backends_);
    if (guarded_ && guarded_->guests == now.guests && guarded_->kernel.links == now.kernel.links && guarded_->ovs.ports == now.ovs.ports) return;
    guarded_ = now;
    const intent::Intent& standing = transactor_.standing();
    const lower::Host host = transactor_.host();
    const intent::Intent wanted = lower::follow_guests(standing, host).wanted;
    lower::Touched newcomers;
    for (const GuestNic& nic : wanted.nics()) {
        const GuestNic* known = standing.nics().find(nic.key());
        if (nic.adopted && !(known && known->adopted == nic.adopted && known->network == nic.network)) newcomers.nics.insert(nic.key());
    }
    if (newcomers.nics.empty()) return;
    guarded_newcomers_ = true;
    const lower::Goal due = lower::goal(wanted, wanted, newcomers, host);
    const auto reached = apply::reach(due.wanted, due.scope, backends_, Clock::now() + std::chrono::seconds(5));
    if (!reached) return log::error("guests that have started are not kept apart as they should be: {}", sentence(reached.error()));
    guarded_ = observe::state_of(backends_);
}

void Reconciler::see_to_strays(const lower::Followed& followed) {
    const std::set<guests::Nic::Key> strays(followed.strays.begin(), followed.strays.end()), unplaced(followed.unplaced.begin(), followed.unplaced.end());
    for (const auto& stray : strays) {
        if (strays_.contains(stray)) continue;
        log::warn("guest {} has NIC {} of a plug that was taken back: it is asked to let go of it", stray.domain, stray.mac.text());
        std::ignore = backends_.guests.ask_to_let_go(stray, Clock::now() + std::chrono::seconds(5));
    }
    strays_ = strays;
    if (unplaced == std::exchange(unplaced_, unplaced)) return;
    for (const auto& nic : unplaced) log::warn("guest {} has NIC {} on a port of netd's, but it is in no definition, and its port on no network: it is left alone", nic.domain, nic.mac.text());
    publish();
}

// The port goes when the guest has let go. One that does not in time keeps NIC and port, filters and all.
void Reconciler::settle_partings() {
    const bool is_known = backends_.guests.connected();  // else what it says is what was
    for (const Parting& parting : std::exchange(partings_, {})) {
        const guests::Nic* there = backends_.guests.state().nics.find(lower::in_domain(parting.nic, backends_.guests.state()));
        const bool plugged = there && there->device == parting.device;
        if (!plugged && is_known && !transactor_.waiting()) {
            const GuestNic* defined = transactor_.running().nics().find(parting.nic);
            if (defined && lower::port_of(*defined) == parting.device) take_out(parting.ticket, parting.nic);
            else reply(parting.ticket, {{"changed", true}});
        } else if ((plugged || !is_known) && Clock::now() >= parting.deadline) {
            refuse(parting.ticket, code::unplug_failed, {topology::Fault::timeout, "domain " + parting.nic.vm, fmt::format("the guest does not let go of {}; it is still plugged in", parting.nic.mac.text())});
        } else {
            partings_.push_back(parting);
        }
    }
}

// libvirt puts a NIC elsewhere without a word (virsh update-device): that its port is in another place is the only hint.
void Reconciler::ask_who_moved() {
    const lower::HostState now = observe::state_of(backends_);
    if (!places_) places_ = now;
    std::set<topology::IfName> moved;
    topology::Keyed<bridges::Link>::each_difference(places_->kernel.links, now.kernel.links, [&](const bridges::Link* was, const bridges::Link* link) {
        if (was && link && was->master != link->master) moved.insert(link->name);
    });
    topology::Keyed<ovs::Port>::each_difference(places_->ovs.ports, now.ovs.ports, [&](const ovs::Port* was, const ovs::Port* port) {
        if (!was || !port || was->bridge != port->bridge || was->tagging != port->tagging) moved.insert(port ? port->name : was->name);
    });
    places_ = now;
    std::set<std::string> domains;
    for (const guests::Nic& nic : moved.empty() ? topology::Keyed<guests::Nic>() : now.guests.nics)
        if (!nic.facts.ours && nic.device && moved.contains(*nic.device)) domains.insert(nic.domain);
    backends_.guests.look_at(domains);
}

// A tag that libvirt has changed is no drift, and its word of it may not have come yet: it is waited for.
void Reconciler::ask_before_mending() {
    const lower::Host host = observe::host_of(backends_);
    lower::Touched adopted;
    const intent::Intent& standing = transactor_.standing();
    for (const GuestNic& nic : standing.nics())
        if (nic.adopted && backends_.ovs.state().ports.contains(*nic.adopted)) adopted.nics.insert(nic.key());
    if (adopted.nics.empty()) return;
    const lower::HostState due = lower::lower(standing, adopted, host);
    std::set<std::string> domains;
    for (const auto& key : adopted.nics) {
        const GuestNic& nic = *standing.nics().find(key);
        const ovs::Port* row = backends_.ovs.state().ports.find(*nic.adopted);
        const ovs::Port* wanted = due.ovs.ports.find(*nic.adopted);
        if (!wanted || wanted->tagging != row->tagging) domains.insert(lower::domain_name(nic.vm, backends_.guests.state()));
    }
    for (const std::string& domain : domains)
        if (const auto asked = backends_.guests.may_change(domain, Clock::now() + std::chrono::seconds(2)); !asked && asked.error().fault == topology::Fault::timeout) break;
    if (!domains.empty()) see_to_guests();
}

// Of a cable that virsh draws nobody hears anything: a few domains are asked in turn.
void Reconciler::ask_in_turn() {
    constexpr std::size_t at_once = 10;
    if (!backends_.guests.connected()) return;
    const auto& domains = backends_.guests.state().domains;
    std::set<std::string> next;
    const auto take_from = [&](auto domain) {
        for (; domain != domains.end() && next.size() < at_once; ++domain)
            if ((*domain).active) next.insert(asked_in_turn_ = (*domain).name);
    };
    take_from(domains.from(guests::Text{asked_in_turn_ + '\0'}));
    if (next.empty()) take_from(domains.begin());
    backends_.guests.look_at(next);
}

// A NIC that comes, or has the name of another now, may be one that is known under another name; it may have come in the middle of a change.
void Reconciler::follow_names() {
    const auto& now = backends_.kernel.state().links;
    topology::Keyed<bridges::Link>::each_difference(links_followed_, now, [&](const bridges::Link* was, const bridges::Link* link) {
        const bool is_another = link && (!was || was->facts.index != link->facts.index);
        names_due_ = names_due_ || (is_another && intent::is_known(*link, transactor_.identities(), bridges::bus_of));
    });
    links_followed_ = now;
    if (!names_due_ || transactor_.is_open()) return;
    names_due_ = false;
    if (transactor_.follow_names()) tell_renames();
}

void Reconciler::see_to_leftovers() {
    if (auto swept = transactor_.see_to_leftovers(); !swept) log::warn("what nobody committed stays in Open vSwitch: {}", sentence(swept.error()));
    for (const topology::IfName& name : transactor_.take_leftovers()) log::info("{} is taken out of Open vSwitch: netd made it before the boot, and nobody committed it", name.text());
}

void Reconciler::tell_renames() {
    for (const auto& [name, device] : transactor_.renames()) {
        const auto told = renames_told_.find(name);
        if (told != renames_told_.end() && told->second == device) continue;
        if (backends_.kernel.state().links.contains(device)) log::info("what the definitions called {} is {} now", name.text(), device.text());
        else log::warn("{} is another card now: the one that the definitions called so is away, and {} in them until it comes", name.text(), device.text());
        announce("nic.renamed", {{"subject", device.text()}, {"was", name.text()}});
    }
    renames_told_ = transactor_.renames();
}

}  // namespace netd
