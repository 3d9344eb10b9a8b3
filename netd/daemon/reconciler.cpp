// Waits for whatever comes first: a command, the kernel, OVS, a deadline.
#include "netd/daemon/reconciler.hpp"

#include "netd/apply/executor.hpp"
#include "netd/apply/preview.hpp"
#include "netd/daemon/left_wires.hpp"
#include "netd/daemon/log.hpp"
#include "netd/intent/validate.hpp"
#include "netd/observe/way_of_client.hpp"
#include "netd/serve/deadlines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netd {

using topology::Error;
using topology::Fault;

Reconciler::Reconciler(observe::Backends backends, DhcpClients& clients, HostResolver& resolver, store::Store store, const loop::Clock& clock, loop::Mailbox<serve::Command>& commands,
                       loop::Mailbox<serve::Note>& notes, loop::Labour& labour)
    : backends_(backends), clients_(clients), resolver_(resolver), transactor_(backends, std::move(store), clock), clock_(clock), commands_(commands), notes_(notes), labour_(labour) {
    // libvirt may take 15 s to answer; guests' ports do not stay without filters as long.
    backends_.guests.beside(backends_.kernel.descriptor(), [this] {
        if (auto heard = backends_.kernel.hear()) see_to_rules();
    });
}

topology::Result<> Reconciler::start(store::Remembered remembered, std::optional<Management> management) {
    if (auto heard = backends_.kernel.hear(); !heard) return heard.error();
    backends_.ovs.hear();
    keep_unheard();
    const auto heard = heard_in_change(remembered);
    const apply::Outcome outcome = transactor_.recover(std::move(remembered));
    for (const Error& damage : transactor_.damages()) log::error("{}", sentence(damage));
    follow_leases();  // what came while there was no netd
    await_again();
    conclude(std::nullopt, outcome, intent::code::refused);
    put_rules_back();
    routers_.believe(left_wires(heard, outcome, transactor_.standing()), needs().hearing, last_told());
    // Files that were damaged may have had its definition; and what an earlier netd began and nobody confirms is not begun anew.
    if (!transactor_.trouble() && !transactor_.waiting()) management_ = std::move(management);
    see_to_management();
    if (management_ && !management_due_) log::warn("there is no NIC '{}' yet to be taken over as network ovirtmgmt: that is done when it comes", management_->nic.text());
    publish();
    tell_renames();
    see_to_leftovers();
    return {};
}

void Reconciler::run() {
    while (!stopping_) {
        if (see_to_rules()) publish();  // what was done may have been disturbed
        if (names_due_ && !transactor_.is_open()) {
            follow_names();
            publish();
        }
        auto readable = clients_.descriptors();
        for (const int other : {commands_.descriptor(), backends_.kernel.descriptor(), backends_.guests.descriptor(), resolver_.descriptor(), routers_.descriptor()})
            if (other >= 0) readable.push_back(other);
        labour_.end();
        backends_.ovs.wait(readable, next_deadline());
        labour_.begin();
        hear();
        see_to_management();
        patrol();
        hear_leases();
        if (resolver_.hear()) publish();
        for (auto& command : commands_.take()) take(std::move(command));
        expire();
        work_off();
        if (!stopping_ && gatekeeper_.see_to_taps()) publish();
        see_to_routers();
    }
}

std::chrono::steady_clock::time_point Reconciler::next_deadline() const {
    const auto now = std::chrono::steady_clock::now();
    auto deadline = now + std::chrono::hours(1);
    const auto in = [&](std::chrono::nanoseconds boottime) { return now + std::max(std::chrono::nanoseconds(0), boottime - clock_.boottime()); };
    for (const auto& next : {clients_.next(), resolver_.next(), routers_.next()})
        if (next) deadline = std::min(deadline, in(*next));
    if (!transactor_.is_stuck()) {  // until then no lease is followed
        if (const auto ends = clients_.leases().next()) deadline = std::min(deadline, in(*ends));
        for (const auto& [key, refused] : refused_leases_) deadline = std::min(deadline, in(refused.again));
        if (refused_leases_.empty() && clients_.leases().has_offers()) deadline = now;
    }
    deadline = std::min(deadline, patrol_again_);
    if (guests_pause_.lasts()) deadline = std::min(deadline, std::max(guests_again_, now + std::chrono::seconds(1)));
    for (const auto& again : {rules_again_, hear_again_})
        if (again) deadline = std::min(deadline, in(*again));
    for (const Parting& parting : partings_)
        if (parting.deadline > now) deadline = std::min(deadline, parting.deadline);
    if (!transactor_.waiting()) return deadline;
    auto first = transactor_.waiting()->deadline;
    for (const serve::Command& command : queue_)
        if (const auto* setup = std::get_if<serve::Setup>(&command)) first = std::min(first, setup->deadline());
    return std::min(deadline, in(first));
}

void Reconciler::keep_unheard() {
    if (auto kept = apply::keep_unheard(backends_); !kept) log::warn("the host can't be kept from hearing guests on Open vSwitch: {}", kept.error().what);
}

void Reconciler::hear() {
    // Whoever tells of ports of others is asked before them: the guest of one that has just come would be followed to where none is.
    const bool guests_changed = backends_.guests.hear(), ovs_changed = backends_.ovs.hear(), others_changed = guests_changed || ovs_changed;
    const auto heard = backends_.kernel.hear();
    if (ovs_changed) keep_unheard();
    tell_restored_flows();
    const bool was_deaf = std::exchange(hear_again_, std::nullopt).has_value();
    if (!heard) {
        // What was told is taken, and nothing more may come for long.
        log::error("the kernel's notifications can't be read: {}", heard.error().what);
        hear_again_ = clock_.boottime() + std::chrono::seconds(2);
        if (others_changed) publish();
        return;
    }
    if (heard->overrun) ++overruns_;
    const bool are_back = see_to_rules();
    const bool is_another = heard->changed || others_changed || was_deaf;  // what was taken then is told now
    if (is_another) ask_who_moved();
    if (!is_another && !are_back) return;
    try_again();
    see_to_leftovers();
    follow_names();
    publish();
}

intent::Facts Reconciler::facts() const {
    return {.kernel = backends_.kernel.state(), .abilities = backends_.kernel.abilities(), .ovs_connected = backends_.ovs.connected(), .ovs_where = backends_.ovs.where(),
            .has_dhcp_client = DhcpClients::are_to_be_had(), .resolver_obstacle = resolver_.obstacle(), .ovs_datapath = backends_.ovs.default_datapath(), .ovs = &backends_.ovs.state()};
}

std::string asked_by(const serve::Ticket& ticket) { return fmt::format("{} by {}", ticket.method, ticket.caller.who()); }

namespace {

// Of a request, for the log: not all of a thousand.
std::string names_of(const intent::Request& request) {
    std::vector<std::string> names;
    for (const auto& network : request.networks) names.push_back(network.name.text());
    for (const auto& network : request.removed) names.push_back("-" + network.text());
    for (const auto& bond : request.bonds) names.push_back(bond.name.text());
    for (const auto& bond : request.removed_bonds) names.push_back("-" + bond.text());
    return names.empty() ? "nothing by name" : log::some_of(std::move(names));
}

// Which routes of others stood where one of netd's is now. What leads by the same router was taken over with its NIC.
void tell_replaced_routes(const topology::Keyed<bridges::Route>& before, const topology::Keyed<bridges::Route>& now) {
    topology::Keyed<bridges::Route>::each_difference(before, now, [](const bridges::Route* was, const bridges::Route* is) {
        if (!was || !is || was->protocol == bridges::Route::ours || is->protocol != bridges::Route::ours || was->via == is->via) return;
        log::warn("{} through {}, which netd did not make, is replaced by {} through {}; it comes back if this change is taken back, and not later", bridges::describe(*was),
                  was->device.text(), bridges::describe(*is), is->device.text());
    });
}

}  // namespace

void Reconciler::setup(serve::Setup setup) {
    intent::rename(setup.request, transactor_.renames(), transactor_.running(), backends_.kernel.state());
    const bool needs_vswitchd = std::ranges::any_of(setup.request.networks, [](const auto& network) { return network.switch_kind == intent::SwitchKind::ovs; });
    const bool is_vswitchd_gone = needs_vswitchd && !backends_.ovs.comes_back(std::chrono::steady_clock::now() + std::chrono::seconds(2));
    intent::Facts now = facts();
    now.is_vswitchd_gone = is_vswitchd_gone;
    const auto verdict = intent::validate(setup.request, transactor_.running(), now);
    if (!verdict.complaints.empty()) return refuse(setup.ticket, verdict.complaints);
    if (const auto cut = observe::cut_off(setup.ticket.caller.connection(), setup.request, transactor_.running(), verdict.wanted, backends_.kernel.state()))
        return refuse(setup.ticket, {*cut});
    apply::Terms terms = apply::terms_of(setup.request);
    if (const auto harm = apply::harm_to_others(setup.request, transactor_.running(), verdict.wanted, terms, transactor_.host()); !harm.empty()) return refuse(setup.ticket, harm);
    log::info("{}: {}", asked_by(setup.ticket), names_of(setup.request));
    const intent::Intent was = transactor_.running();
    if (terms.timeout) terms.timeout = std::chrono::ceil<std::chrono::seconds>(setup.deadline() - clock_.boottime());
    terms.is_remote = setup.ticket.caller.is_remote();
    terms.begun = tell_begun(setup.ticket.caller.who());
    await_leases(setup.request, verdict.wanted, terms);
    const auto routes = backends_.kernel.state().routes;
    const auto outcome = transactor_.begin(verdict.wanted, terms);
    tell_replaced_routes(routes, backends_.kernel.state().routes);
    if (!std::holds_alternative<apply::Waiting>(outcome)) awaited_.reset();
    if (const auto* committed = std::get_if<apply::Committed>(&outcome)) log::info("{}", committed->changed ? "done" : "nothing was to be done");
    announce_moved(was, verdict.wanted);
    conclude(setup.ticket, outcome, intent::code::refused);
}

// Of a change, else of what networks stand on.
std::optional<Error> Reconciler::trouble() {
    if (auto own = transactor_.trouble()) return own;
    if (auto of_nic = trouble_of_management()) return of_nic;
    if (!unplaced_.empty()) {
        const auto& [domain, mac] = *unplaced_.begin();
        return Error{Fault::not_found, "domain " + domain, fmt::format("its NIC {} is on a port of netd's, but in no definition, and the port on no network", mac.text())};
    }
    return trouble_of_ovs();
}

std::optional<Error> Reconciler::trouble_of_ovs() {
    if (needs().ovs == 0) return std::nullopt;
    if (!backends_.ovs.connected()) return Error{Fault::backend, "Open vSwitch", fmt::format("ovsdb-server does not answer at {}, and networks are on it: is openvswitch-switch running?", backends_.ovs.where())};
    if (backends_.ovs.is_silent()) return Error{Fault::backend, "Open vSwitch", "ovs-vswitchd does not answer, and networks are on it: is openvswitch-switch running?"};
    return std::nullopt;
}

void Reconciler::log_ovs() {
    const auto trouble = trouble_of_ovs();
    std::string words = trouble ? trouble->what : "";
    if (words == ovs_trouble_) return;
    if (!words.empty()) log::error("Open vSwitch: {}", words);
    else if (needs().ovs > 0) log::info("Open vSwitch answers again");
    ovs_trouble_ = std::move(words);
}

void Reconciler::show() {
    log_ovs();
    auto next = std::make_shared<observe::Snapshot>();
    next->revision = last_ ? last_->revision + 1 : 1;
    next->observed = observe::state_of(backends_);
    next->running = transactor_.standing();
    next->committed = transactor_.committed();
    next->abilities = backends_.kernel.abilities();
    next->ovs_connected = backends_.ovs.connected();
    next->ovs_silent = backends_.ovs.is_silent();
    next->ovs_where = backends_.ovs.where();
    next->ovs_datapath = backends_.ovs.default_datapath();
    next->has_dhcp_client = DhcpClients::are_to_be_had();
    next->resolver_obstacle = resolver_.obstacle();
    next->nameservers = resolver_.nameservers();
    next->guests_connected = backends_.guests.connected();
    next->guests_where = backends_.guests.where();
    next->guests_trouble = backends_.guests.trouble();
    if (const auto& waiting = transactor_.waiting()) next->pending = observe::Pending{waiting->id, waiting->deadline};
    next->is_stuck = transactor_.is_stuck();
    next->last = last_outcome_;
    next->trouble = trouble();
    next->overruns = overruns_;
    next->leases = std::make_shared<const lower::Leases>(clients_.leases().held());
    next->has_namespace = backends_.has_namespace;
    next->renamed = transactor_.renames();
    next->paces = paces_.follow(*next);
    last_ = next;
    notes_.push(observe::Published(std::move(next)));
}

}  // namespace netd
