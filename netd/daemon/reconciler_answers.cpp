// What is told of how a change has ended: to whoever asked for it, and to all who listen.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/request.hpp"
#include "netd/wire/write_plan.hpp"

namespace netd {

using nlohmann::json;
using topology::Error;
using topology::Fault;

namespace {

int code_of(const Error& error, int otherwise) {
    if (error.subject.starts_with("Open vSwitch")) return intent::code::no_ovs;
    return error.fault == Fault::busy && error.subject.starts_with("domain ") ? intent::code::migrating : otherwise;
}

json complaint_of(const Error& error) {
    return json::array({{{"path", ""}, {"fault", topology::name_of(error.fault)}, {"what", sentence(error)}}});
}

}  // namespace

void Reconciler::conclude(const Asker& asker, const apply::Outcome& outcome, int code_if_refused, const std::optional<std::uint64_t>& transaction) {
    const auto number = transaction ? json(*transaction) : json();
    const auto remember = [&](const char* what, const std::string& why) { last_outcome_ = {what, why, clock_.wall(), transaction}; };
    if (const auto* waiting = std::get_if<apply::Waiting>(&outcome)) {
        asker_ = asker;
        waiting_since_ = clock_.boottime();
        log::info("change {} stands, and waits for {}", waiting->id, waiting->is_confirmed ? "its leases" : "its confirmation");
        publish();
        announce("transaction.waiting", {{"transaction", waiting->id}});
    } else if (const auto* committed = std::get_if<apply::Committed>(&outcome)) {
        const std::string why = committed->uncommitted ? sentence(*committed->uncommitted) : "";
        if (committed->changed) remember("committed", why);
        if (transactor_.is_boot_incomplete()) transactor_.look_at_the_boot_again(attainable());
        publish();
        if (committed->changed) announce("transaction.committed", {{"transaction", number}});
        json result = {{"revision", last_ ? last_->revision : 0}, {"changed", committed->changed}, {"outcome", "committed"}};
        if (!why.empty()) log::error("it stands, but is not committed: {}", why), result["uncommitted"] = why;
        if (asker) reply(*asker, result);
    } else if (const auto* back = std::get_if<apply::RolledBack>(&outcome); back && !transaction && asker) {
        publish();  // nothing was begun; what was found out by asking is told
        refuse(*asker, code_of(back->because, code_if_refused), back->because);
    } else if (back) {
        log::warn("rolled back: {}", sentence(back->because));
        remember("rolled-back", sentence(back->because));
        publish();
        announce("transaction.rolled-back", {{"transaction", number}, {"why", sentence(back->because)}});
        if (asker) answer_no(*asker, code_of(back->because, code_if_refused), "rolled back: " + sentence(back->because), complaint_of(back->because));
    } else if (const auto* stuck = std::get_if<apply::Degraded>(&outcome)) {
        const std::string why = sentence(stuck->because) + (stuck->rollback ? "; and the way back is blocked: " + sentence(*stuck->rollback) : "");
        log::error("degraded: {}", why);
        remember("degraded", why);
        publish();
        announce("transaction.degraded", {{"transaction", number}, {"why", why}});
        if (asker) answer_no(*asker, code_of(stuck->because, intent::code::refused), "degraded: " + why, complaint_of(stuck->because));
    }
}

void Reconciler::reply(const serve::Ticket& ticket, const json& result, bool ends_write) {
    notes_.push(serve::Reply{ticket, wire::write_result(ticket.id, result), ends_write});
}

void Reconciler::answer_no(const serve::Ticket& ticket, int code, const std::string& message, const json& data) {
    notes_.push(serve::Reply{ticket, wire::write_error(ticket.id, code, message, data)});
}

void Reconciler::refuse(const serve::Ticket& ticket, int code, const Error& error) { refuse(ticket, intent::Complaints{{code, "", error.fault, sentence(error)}}); }

void Reconciler::refuse(const serve::Ticket& ticket, const intent::Complaints& complaints) {
    const std::string message = wire::summary(complaints);
    log::info("{}: refused ({}): {}", asked_by(ticket), complaints.front().code, message);
    answer_no(ticket, complaints.front().code, message, wire::write_complaints(complaints));
}

void Reconciler::announce(const char* topic, json event) {
    event["revision"] = last_ ? last_->revision : 0;
    notes_.push(serve::Announce{topic, std::move(event)});
}

}  // namespace netd
