// One table of methods; what each needs is checked before its handler runs.
#include "netd/serve/requests.hpp"

#include "netd/apply/preview.hpp"
#include "netd/intent/follow_ups.hpp"
#include "netd/intent/validate.hpp"
#include "netd/observe/way_of_client.hpp"
#include "netd/serve/nic_request.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/request.hpp"
#include "netd/wire/values.hpp"
#include "netd/wire/write_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace serve {

using nlohmann::json;

Requests::Requests(Send send, loop::Mailbox<Command>& commands, const loop::Clock& clock)
    : send_(std::move(send)), commands_(commands), clock_(clock), started_(clock.boottime()),
      snapshot_(std::make_shared<observe::Snapshot>()) {}

const std::unordered_map<std::string, Requests::Method>& Requests::methods() {
    using Texts = std::vector<std::string_view>;
    static const Texts none, compat{"compat"}, which{"which"}, view{"view", "network", "guest"}, vm{"vmId"};
    static const std::unordered_map<std::string, Method> table{
        {"Host.setupNetworks", {&Requests::setup, true}},
        {"Host.planNetworks", {&Requests::plan, false}},
        {"Host.setSafeNetworkConfig", {&Requests::commit, true, none}},
        {"Host.confirmConnectivity", {&Requests::confirm, true, none, {"transaction"}}},
        {"Host.rollback", {&Requests::roll_back, true, none, {"transaction"}}},
        {"Host.ping2", {&Requests::ping, false, none}},
        {"Host.getNetworkCapabilities", {&Requests::capabilities, false, compat}},
        {"Host.getCapabilities", {&Requests::capabilities, false, compat}},
        {"Host.getNetworkStatistics", {&Requests::statistics, false, none}},
        {"Host.getStats", {&Requests::statistics, false, none}},
        {"Host.getRunningConfig", {&Requests::running_config, false, which}},
        {"Host.getLldp", {&Requests::lldp, false, none, {"filter"}}},
        {"Host.getDrift", {&Requests::drift, false, none}},
        {"Host.getTopology", {&Requests::topology, false, view}},
        {"Host.getStatus", {&Requests::status, false, none}},
        {"VM.hotplugNic", {&Requests::hotplug, true}},
        {"VM.hotunplugNic", {&Requests::hotunplug, true}},
        {"VM.updateDevice", {&Requests::update_device, true}},
        {"VM.getNics", {&Requests::nics, false, vm}},
    };
    return table;
}

void Requests::on_message(const Caller& caller, std::string_view message) {
    ++counters_.requests;
    auto read = wire::read_request(message);
    if (auto* refusal = std::get_if<wire::Refusal>(&read)) {
        ++counters_.malformed;
        return send_({caller, refusal->id}, wire::write_error(*refusal));
    }
    auto& request = std::get<wire::Request>(read);
    const auto found = methods().find(request.method);
    const Ticket ticket{caller, request.id, found == methods().end() ? std::string_view() : found->first};
    if (found == methods().end())
        return refuse(ticket, static_cast<int>(wire::Rpc::unknown_method), "/method", topology::Fault::invalid,
                      fmt::format("there is no method '{}'; docs/protocol.md lists those there are", wire::shortened(request.method)));
    if (found->second.writes && !caller.may_operate())
        return refuse(ticket, intent::code::forbidden, "", topology::Fault::denied, fmt::format("{} may look, not change; operators are in group netd-admin", caller.who()));
    if (const auto wrong = wrong_with(request.params, found->second))
        return refuse(ticket, static_cast<int>(wire::Rpc::invalid_params), wrong->subject, wrong->fault, fmt::format("{}: {}", request.method, wrong->what));
    (this->*found->second.handler)(ticket, request.params);
}

std::optional<topology::Error> Requests::wrong_with(const Params& params, const Method& method) {
    if (!method.texts) return std::nullopt;
    const auto is_in = [](const std::vector<std::string_view>& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); };
    for (const auto& [name, value] : params.items()) {
        if (is_in(method.others, name)) continue;
        const auto wrong = [&name = name](std::string what) { return topology::Error{topology::Fault::invalid, wire::pointer("", name), std::move(what)}; };
        if (!is_in(*method.texts, name)) return wrong(fmt::format("'{}' is not a parameter", wire::shortened(name)));
        if (!value.is_string() && !value.is_null()) return wrong(fmt::format("{}: a text is due here", name));
    }
    return std::nullopt;
}

void Requests::on_reply(Reply reply) {
    if (reply.ends_write && reply.ticket.is_counted) on_left_queue();
    send_(reply.ticket, std::move(reply.bytes));
}

void Requests::on_left_queue(LeftQueue left) {
    if (writes_ > 0) --writes_;
    if (left.was_refused && refused_ > 0) --refused_;
    if (deadlines_) deadlines_->forget();
}

loop::Result<> Requests::keep_deadlines(loop::EventLoop& loop) {
    auto deadlines = Deadlines::open(loop, clock_, [this](const Ticket& ticket, const std::string& why) {
        ++refused_;
        refuse(ticket, intent::code::busy, "", topology::Fault::busy, why);
    });
    if (!deadlines) return deadlines.error();
    deadlines_ = std::move(*deadlines);
    return {};
}

void Requests::publish(observe::Published snapshot) {
    snapshot_ = std::move(snapshot);
    kept_.clear();
}

void Requests::answer(const Ticket& ticket, const json& result) { send_(ticket, wire::write_result(ticket.id, result)); }

void Requests::refuse(const Ticket& ticket, int code, std::string_view path, topology::Fault fault, const std::string& what) {
    refuse(ticket, intent::Complaints{{code, std::string(path), fault, what}});
}

void Requests::refuse(const Ticket& ticket, const intent::Complaints& complaints) {
    ++counters_.refused;
    send_(ticket, wire::write_error(ticket.id, complaints.front().code, wire::summary(complaints), wire::write_complaints(complaints)));
}

bool Requests::enqueue(const Ticket& ticket, Command command) {
    if (writes_ >= most_writes) {
        ++counters_.busy;
        refuse(ticket, intent::code::busy, "", topology::Fault::busy, fmt::format("{} changes wait already; try again when one is done", most_writes));
        return false;
    }
    ++writes_;
    commands_.push(std::move(command));
    return true;
}

void Requests::answer_kept(const Ticket& ticket, const std::string& key, const std::function<std::string()>& write) {
    auto kept = kept_.find(key);
    if (kept == kept_.end()) kept = kept_.emplace(key, write()).first;
    answer_text(ticket, kept->second);
}

void Requests::answer_text(const Ticket& ticket, std::string_view result) {
    std::string whole = R"({"jsonrpc":"2.0","id":)" + wire::dump(ticket.id) + R"(,"result":)";
    whole.reserve(whole.size() + result.size() + 1);
    send_(ticket, whole.append(result).append(1, '}'));
}

void Requests::ping(const Ticket& ticket, const Params&) { answer(ticket, true); }

std::optional<intent::Request> Requests::read_setup(const Ticket& ticket, const Params& params) {
    intent::Complaints complaints;
    intent::Request request = wire::read_setup(params, complaints);
    if (complaints.empty()) return request;
    // What could be read is held against the rules as well, so that every complaint comes at once.
    intent::rename(request, snapshot_->renamed, snapshot_->running, snapshot_->observed.kernel);
    intent::add_broken_rules(complaints, intent::validate(request, snapshot_->running, snapshot_->facts()).complaints);
    refuse(ticket, complaints);
    return std::nullopt;
}

void Requests::setup(const Ticket& ticket, const Params& params) {
    auto request = read_setup(ticket, params);
    if (!request) return;
    if (request->options.dry_run) return answer_plan(ticket, *request);
    const Setup kept{ticket, {.options = request->options}};
    if (enqueue(ticket, Setup{ticket, std::move(*request), kept.turn}) && deadlines_) deadlines_->keep(kept);
}

void Requests::plan(const Ticket& ticket, const Params& params) {
    if (const auto request = read_setup(ticket, params)) answer_plan(ticket, *request);
}

void Requests::answer_plan(const Ticket& ticket, intent::Request request) {
    intent::rename(request, snapshot_->renamed, snapshot_->running, snapshot_->observed.kernel);
    const auto verdict = intent::validate(request, snapshot_->running, snapshot_->facts());
    if (!verdict.complaints.empty()) return refuse(ticket, verdict.complaints);
    if (const auto cut = observe::cut_off(ticket.caller.connection(), request, snapshot_->running, verdict.wanted, snapshot_->observed.kernel))
        return refuse(ticket, {*cut});
    const apply::Terms terms = apply::terms_of(request);
    const lower::Host host = snapshot_->host();
    if (const auto harm = apply::harm_to_others(request, snapshot_->running, verdict.wanted, terms, host); !harm.empty()) return refuse(ticket, harm);
    answer(ticket, wire::write_plan(apply::preview(snapshot_->running, verdict.wanted, terms, snapshot_->observed, host)));
}

void Requests::commit(const Ticket& ticket, const Params&) { enqueue(ticket, CommitRunning{ticket}); }

// By both that which waits for its end is meant. Neither is counted as a write: it must get through just when the queue is full.
template <class Ending>
void Requests::end(const Ticket& ticket, const Params& params) {
    std::optional<std::uint64_t> transaction;
    const json asked = params.value("transaction", json());
    if (!asked.is_null() && asked != "") {
        const auto number = wire::read_int(asked, 0, std::numeric_limits<std::int64_t>::max());
        if (!number) return refuse(ticket, static_cast<int>(wire::Rpc::invalid_params), "/transaction", topology::Fault::invalid, "transaction: the number of a change that waits is due here");
        transaction = static_cast<std::uint64_t>(*number);
    }
    commands_.push(Ending{ticket, transaction});
}

void Requests::confirm(const Ticket& ticket, const Params& params) { end<Confirm>(ticket, params); }
void Requests::roll_back(const Ticket& ticket, const Params& params) { end<RollBack>(ticket, params); }

void Requests::change_nic(const Ticket& ticket, NicVerb verb, const Params& params) {
    if (const auto complaints = serve::wrong_with(verb, params); !complaints.empty()) return refuse(ticket, complaints);
    enqueue(ticket, ChangeNic{ticket, verb, params});
}

void Requests::hotplug(const Ticket& ticket, const Params& params) { change_nic(ticket, NicVerb::plug, params); }
void Requests::hotunplug(const Ticket& ticket, const Params& params) { change_nic(ticket, NicVerb::unplug, params); }
void Requests::update_device(const Ticket& ticket, const Params& params) { change_nic(ticket, NicVerb::update, params); }

}  // namespace serve
