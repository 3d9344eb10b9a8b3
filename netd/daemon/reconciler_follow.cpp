// What guests do by themselves is followed: the definitions learn of it, and the hypervisor learns of the definitions. So are the
// names of NICs.
#include "netd/daemon/reconciler.hpp"

#include "bridges/bus.hpp"
#include "netd/daemon/log.hpp"

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

std::string Reconciler::guest_named(const std::string& vm) const {
    const guests::Domain* domain = backends_.guests.state().domain(vm);
    return domain ? domain->name : vm;
}

// Also after a change that was taken back: its guests have been to and fro.
void Reconciler::announce_moved(const intent::Intent& was, const intent::Intent& now) {
    std::vector<guests::Nic::Key> moved;
    const auto add = [&](const GuestNic& nic) {
        if (nic.kind == intent::GuestKind::libvirt) moved.push_back({nic.vm, nic.mac});
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
    if (transactor_.waiting() || transactor_.is_stuck() || stopping_) return;
    const guests::State& now = backends_.guests.state();
    const bool networks_moved = !followers_ || !(followers_->networks() == transactor_.running().networks());
    if (networks_moved && !backends_.guests.where().empty()) backends_.guests.offer(lower::offers_of(transactor_.running()));
    if (!backends_.guests.connected()) {
        // Whatever happens meanwhile is found when it answers again.
        if (networks_moved) followers_ = transactor_.running();
        followed_.reset();
        return;
    }
    if (followed_ && followers_ && *followed_ == now && *followers_ == transactor_.running()) return;
    if (Clock::now() < guests_again_) return;
    followed_ = now;
    const lower::Followed followed = lower::follow_guests(transactor_.running(), observe::host_of(backends_));
    bool is_refused = false;
    if (!(followed.wanted == transactor_.running())) {
        apply::Terms terms;
        terms.confirm = false;
        const apply::Outcome outcome = transactor_.begin(followed.wanted, terms);
        is_refused = !std::holds_alternative<apply::Committed>(outcome);
        conclude(std::nullopt, outcome, code::refused);
        if (auto forgotten = backends_.kernel.forget_filters(); !forgotten) log::warn("filters of ports that are gone stay: {}", forgotten.error().what);
    }
    followers_ = transactor_.running();
    constexpr std::chrono::seconds first_pause{5}, longest_pause{60};
    guests_pause_ = is_refused ? std::clamp(guests_pause_ * 2, first_pause, longest_pause) : std::chrono::seconds(0);
    if (is_refused) followed_.reset();
    guests_again_ = Clock::now() + guests_pause_;
    for (const auto& nic : is_refused ? std::vector<guests::Nic::Key>() : followed.recognised)
        log::warn("NIC {} of guest {} was in no definition, and is known again by its port", nic.mac.text(), nic.domain);
    see_to_strays(followed);
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
    if (stopping_) return;
    const bool is_known = backends_.guests.connected();  // else what it says is what was
    for (const Parting& parting : std::exchange(partings_, {})) {
        const bool plugged = backends_.guests.state().nics.contains({parting.nic.vm, parting.nic.mac});
        if (!plugged && is_known && !transactor_.waiting()) {
            if (transactor_.running().nics().contains(parting.nic)) take_out(parting.ticket, parting.nic);
            else reply(parting.ticket, {{"changed", true}});
        } else if ((plugged || !is_known) && Clock::now() >= parting.deadline) {
            refuse(parting.ticket, code::unplug_failed, fmt::format("domain {}: the guest does not let go of {}; it is still plugged in", parting.nic.vm, parting.nic.mac.text()));
        } else {
            partings_.push_back(parting);
        }
    }
}

// A NIC that comes may be one that is known under another name; it may have come in the middle of a change.
void Reconciler::follow_names() {
    const auto& now = backends_.kernel.state().links;
    topology::Keyed<bridges::Link>::each_difference(links_followed_, now, [&](const bridges::Link* was, const bridges::Link* link) {
        names_due_ = names_due_ || (!was && link && intent::is_known(*link, transactor_.identities(), bridges::bus_of));
    });
    links_followed_ = now;
    if (!names_due_ || transactor_.waiting() || transactor_.is_stuck()) return;
    names_due_ = false;
    if (transactor_.follow_names()) tell_renames();
}

void Reconciler::tell_renames() {
    for (const auto& [name, device] : transactor_.renames()) {
        const auto told = renames_told_.find(name);
        if (told != renames_told_.end() && told->second == device) continue;
        renames_told_.insert_or_assign(name, device);
        log::info("what the definitions called {} is {} now", name.text(), device.text());
        announce("nic.renamed", {{"subject", device.text()}, {"was", name.text()}});
    }
}

}  // namespace netd
