// One request, one transaction, one wait: what the database accepted is only believed once ovs-vswitchd has done it.
#include "ovs-driver/ovsdb_switch.hpp"

#include "ovs-driver/filtered.hpp"
#include "ovs-driver/flow_keeper.hpp"
#include "ovs-driver/kernel_datapath.hpp"
#include "ovs-driver/library.hpp"
#include "ovs-driver/mirror.hpp"
#include "ovs-driver/rows_read.hpp"
#include "ovs-driver/rows_write.hpp"
#include "ovs-driver/session.hpp"
#include "ovs-driver/settling.hpp"
#include "ovs-driver/vswitchd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr const char* subject = "Open vSwitch";
constexpr std::chrono::seconds flow_patience{3}, return_patience{5}, a_look{1};
constexpr std::chrono::milliseconds a_glance{50};

// The port that gets copies, or gets others, or none any more: a mirror of netd's has its name.
const IfName* output_of_mirror(const Op& op) {
    if (const auto* made = std::get_if<Create<PortMirror>>(&op)) return &made->now.name;
    if (const auto* changed = std::get_if<Update<PortMirror>>(&op)) return &changed->now.name;
    if (const auto* gone = std::get_if<Remove<PortMirror>>(&op)) return &gone->was.name;
    return nullptr;
}

class OvsdbSwitch final : public Switch {
public:
    explicit OvsdbSwitch(std::string socket) : session_(std::move(socket)), flows_(folder_of(session_.remote())), vswitchd_(folder_of(session_.remote())) {}

    bool hear() override {
        listen();
        return std::exchange(changed_, false);
    }

    Restored take_restored() override { return flows_.take_restored(); }

    bool connected() const override { return session_.connected(); }
    bool is_silent() const override { return flows_.is_silent() || vswitchd_.is_silent(); }
    bool is_gone() const override { return vswitchd_.is_gone(); }
    bool comes_back(Deadline deadline) override;
    bool answers(Deadline deadline) override;
    bool forwards_as_told(Deadline deadline) override;
    std::string where() const override { return session_.remote(); }
    const State& state() const override { return mirror_.state(); }
    std::string default_datapath() const override;
    Progress apply(std::span<const Op> ops, Deadline deadline) override;
    void wait(std::span<const int> readable, Deadline deadline) override {
        flows_.wait();
        vswitchd_.wait();
        session_.wait(readable, deadline);
    }

private:
    // The number that cur_cfg must reach, or none if there was nothing to write.
    using Awaited = std::optional<std::int64_t>;

    void listen();
    bool is_connected_again(Deadline deadline);
    Progress apply_filtered(std::span<const Op> ops, Deadline deadline);
    Progress commit_and_judge(std::span<const Op> ops, Deadline deadline);
    Result<Awaited> commit(std::span<const Op> ops, Deadline deadline);
    Result<ovsdb_idl_txn_status> commit_once(std::span<const Op> ops, Deadline deadline, Awaited& awaited);
    Result<> wait_until_applied(std::int64_t number, Deadline deadline);
    template <class Arrived>
    Result<> wait_for(Arrived arrived, Deadline deadline, const char* too_late);
    Progress judge(std::span<const Op> ops) const;
    Result<> came_up(const IfName& name) const;
    Result<> no_answer() const;

    Session session_;
    Mirror mirror_;
    FlowKeeper flows_;
    Vswitchd vswitchd_;
    unsigned generation_ = 0;
    bool was_connected_ = false, was_silent_ = false;
    Deadline lost_ = {};   // when the connection went
    mutable KernelDatapath kernel_;
    bool changed_ = false;
};

// What is learned while a transaction is under way is told by the next hear().
void OvsdbSwitch::listen() {
    session_.run();
    const bool is_another = mirror_.follow(session_);
    changed_ |= is_another;
    if (std::exchange(generation_, session_.generation()) != session_.generation())
        for (const Bridge& bridge : state().bridges)
            if (bridge.owner && bridge.owner->is_ours()) flows_.look_after(bridge.name);
    if (is_another) flows_.follow(filtered_bridges(state()), state());
    else flows_.run();
    vswitchd_.run();
    const bool silent = is_silent();
    changed_ |= std::exchange(was_silent_, silent) != silent;
    if (std::exchange(was_connected_, connected()) == connected()) return;
    changed_ = true;
    if (!connected()) lost_ = Session::Clock::now();
}

// One that died a moment ago is on its way back, as systemd starts it again: that is waited for, once.
bool OvsdbSwitch::is_connected_again(Deadline deadline) {
    const auto until = std::min(deadline, lost_ + return_patience);
    for (; !connected() && Session::Clock::now() < until; listen()) wait({}, until);
    return connected();
}

// Nobody tells of a socket that somebody listens at again.
bool OvsdbSwitch::comes_back(Deadline deadline) {
    for (auto now = Session::Clock::now(); connected() && is_gone(); now = Session::Clock::now()) {
        if (is_silent() || now >= deadline) return false;
        wait({}, std::min(deadline, now + a_glance));
        listen();
    }
    return true;
}

// One that has not answered the last question is given a moment to answer it.
bool OvsdbSwitch::answers(Deadline deadline) {
    if (vswitchd_.is_silent()) deadline = std::min(deadline, Session::Clock::now() + a_look);
    for (vswitchd_.ask(), listen(); connected() && !vswitchd_.has_answered(); listen()) {
        if (Session::Clock::now() >= deadline) {
            vswitchd_.give_up();
            return false;
        }
        wait({}, deadline);
        deadline = but_for_a_standstill(deadline);
    }
    return true;
}

bool OvsdbSwitch::forwards_as_told(Deadline deadline) {
    for (Settling settling(folder_of(session_.remote())); connected() && !settling.run(); listen()) {
        if (Session::Clock::now() >= deadline) return false;
        settling.wait();
        wait({}, deadline);
    }
    return true;
}

std::string OvsdbSwitch::default_datapath() const {
    const auto* root = session_.root();
    const auto listed = root ? std::span(root->datapath_types, root->n_datapath_types) : std::span<char*>();
    const bool can = std::ranges::any_of(listed, [](const char* type) { return std::string_view(type) == "system"; });
    return can && kernel_.is_there() ? "system" : "netdev";
}

Result<> OvsdbSwitch::no_answer() const {
    if (!connected()) return Error{Fault::backend, subject, fmt::format("no answer at {}: is openvswitch-switch running?", where())};
    if (!session_.root()) return Error{Fault::backend, subject, fmt::format("the database at {} is empty: has ovs-vsctl init been run?", where())};
    return {};
}

Progress OvsdbSwitch::apply(std::span<const Op> ops, Deadline deadline) {
    if (ops.empty()) return {};
    listen();
    if (!connected() && is_connected_again(deadline)) return {.stopped = Error{Fault::lost_sync, subject, "the connection was lost, and is back"}};
    if (auto answer = no_answer(); !answer) return {.stopped = answer.error()};
    std::vector<Op> numbered = with_numbers(ops, state());
    if (std::none_of(numbered.begin(), numbered.end(), [&](const Op& op) { return waits_for_its_bridge(op, state()); }))
        return apply_filtered(numbered, deadline);
    // A bridge that is not there yet has nowhere to put flows: it comes before everything else.
    const auto rest = std::stable_partition(numbered.begin(), numbered.end(), [&](const Op& op) {
        const auto* made = std::get_if<Create<Bridge>>(&op);
        return made && !state().bridges.find(made->now.name);
    });
    Progress bridges = commit_and_judge({numbered.begin(), rest}, deadline);
    if (bridges.stopped) return bridges;
    Progress progress = apply_filtered({rest, numbered.end()}, deadline);
    progress.done += bridges.done;
    return progress;
}

// First the flows, then the ports.
Progress OvsdbSwitch::apply_filtered(std::span<const Op> ops, Deadline deadline) {
    Progress progress;
    const auto taught = taught_bridges(ops, state());
    for (const auto& [bridge, ports] : filtered_bridges(ops, state())) {
        const auto until = std::min(deadline, Session::Clock::now() + flow_patience);
        auto ready = flows_.prepare(bridge, ports, until);
        if (const auto more = but_for_a_standstill(until); !ready && more != until) ready = flows_.prepare(bridge, ports, more);
        if (ready || progress.stopped) continue;
        // Nobody there is told as such; else it is this port's flows that were not taken.
        const std::string& whose = ready.error().subject.empty() ? ports.begin()->second.name.text() : ready.error().subject;
        progress.stopped = Error{ready.error().fault, whose, "guests can't be filtered: " + ready.error().what};
    }
    if (!progress.stopped) progress = commit_and_judge(ops, deadline);
    for (const Op& op : ops)
        if (const IfName* output = output_of_mirror(op)) flows_.write_again(*output);
    for (const IfName& bridge : taught) flows_.unlearn(bridge);
    flows_.settle(!progress.stopped);
    return progress;
}

Progress OvsdbSwitch::commit_and_judge(std::span<const Op> ops, Deadline deadline) {
    const auto awaited = commit(ops, deadline);
    if (!awaited) return {.stopped = awaited.error()};
    if (!*awaited) return {.done = ops.size()};
    if (auto applied = wait_until_applied(**awaited, deadline); !applied) return {.stopped = applied.error()};
    return judge(ops);
}

// Somebody else's change between our look and our write makes the server say "try again": then look and write again.
Result<OvsdbSwitch::Awaited> OvsdbSwitch::commit(std::span<const Op> ops, Deadline deadline) {
    Awaited awaited;
    for (;;) {
        const unsigned seen = session_.seqno();
        const auto status = commit_once(ops, deadline, awaited);
        if (!status) return status.error();
        if (*status != TXN_TRY_AGAIN) return awaited;
        const auto news = [&] { return session_.seqno() != seen; };
        if (auto heard = wait_for(news, deadline, "the database was busy until the deadline"); !heard) return heard.error();
    }
}

// TXN_SUCCESS, TXN_UNCHANGED or TXN_TRY_AGAIN; everything else is an error.
Result<ovsdb_idl_txn_status> OvsdbSwitch::commit_once(std::span<const Op> ops, Deadline deadline, Awaited& awaited) {
    const Transaction transaction(ovsdb_idl_txn_create(session_.idl()));
    if (auto written = write_ops(session_, *transaction, state(), ops); !written) return written.error();
    ovsdb_idl_txn_increment(transaction.get(), &session_.root()->header_, &ovsrec_open_vswitch_col_next_cfg, false);
    auto status = ovsdb_idl_txn_commit(transaction.get());
    const auto answered = [&] { return (status = ovsdb_idl_txn_commit(transaction.get())) != TXN_INCOMPLETE; };
    if (status == TXN_INCOMPLETE) {
        const auto heard = wait_for(answered, deadline, "ovsdb-server did not answer in time");
        if (!heard) return heard.error();
    }
    if (status == TXN_SUCCESS) awaited = ovsdb_idl_txn_get_increment_new_value(transaction.get());
    if (status == TXN_SUCCESS || status == TXN_UNCHANGED || status == TXN_TRY_AGAIN) return status;
    return Error{Fault::backend, subject, words_of_refusal(ovsdb_idl_txn_get_error(transaction.get()))};
}

Result<> OvsdbSwitch::wait_until_applied(std::int64_t number, Deadline deadline) {
    const auto applied = [&] { return session_.root() && session_.root()->cur_cfg >= number; };
    std::optional<Deadline> gone;  // since when
    if (vswitchd_.is_silent()) deadline = std::min(deadline, Session::Clock::now() + a_look);  // it was waited for before
    for (;;) {
        const auto now = Session::Clock::now(), until = std::min(deadline, now + a_look);
        auto waited = wait_for(applied, until, "ovs-vswitchd did not apply the change in time: is it running?");
        if (waited || waited.error().fault != Fault::timeout || until == deadline) return waited;
        if (!is_gone()) gone.reset();
        else if (!gone) gone = now;
        else if (now - *gone >= return_patience) return Error{Fault::backend, subject, "ovs-vswitchd is not running: the database has the change, and nobody carries it out"};
    }
}

template <class Arrived>
Result<> OvsdbSwitch::wait_for(Arrived arrived, Deadline deadline, const char* too_late) {
    for (;;) {
        listen();
        // Before the question: a transaction that the loss of the connection ended says "try again", but may be done.
        if (!connected()) return Error{Fault::lost_sync, subject, fmt::format("the connection to {} was lost", where())};
        if (arrived()) return {};
        if (Session::Clock::now() >= deadline) return Error{Fault::timeout, subject, too_late};
        wait({}, deadline);
    }
}

// ofport and error are written in the same transaction as cur_cfg, so they are as new as it is.
Progress OvsdbSwitch::judge(std::span<const Op> ops) const {
    Progress progress;
    for (const Op& op : ops) {
        Result<> verdict;
        if (const auto* bridge = std::get_if<Create<Bridge>>(&op)) verdict = came_up(bridge->now.name);
        if (const auto* port = std::get_if<Create<Port>>(&op)) verdict = came_up(port->now.name);
        // What others plugged in and was dead before is no reason to take a move back.
        const auto is_alive = [](const Port& port) { return port.facts.ofport > 0 || (port.owner && port.owner->is_ours()); };
        if (const auto* port = std::get_if<Update<Port>>(&op); port && port->now.bridge && port->now.bridge != port->was.bridge && is_alive(port->was))
            verdict = came_up(port->now.name);
        if (verdict) ++progress.done;
        else if (!progress.stopped) progress.stopped = verdict.error();
    }
    return progress;
}

// A bridge comes up with its local port.
Result<> OvsdbSwitch::came_up(const IfName& name) const {
    const auto* row = session_.interface(name);
    if (!row) return Error{Fault::conflict, name.text(), "somebody else removed it at once"};
    const auto facts = read_facts(*row);
    if (!facts.error.empty()) return Error{Fault::backend, name.text(), facts.error};
    if (facts.ofport > 0) return {};
    return Error{Fault::backend, name.text(), "ovs-vswitchd could not open it and gave no reason (see its log)"};
}

}  // namespace

std::unique_ptr<Switch> open_switch(std::string socket) { return std::make_unique<OvsdbSwitch>(std::move(socket)); }

}  // namespace ovs
