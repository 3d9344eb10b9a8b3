// Waits for netd and lets netd wait for us, over as many connections as it takes.
#include "netctl/setup.hpp"

#include "netctl/answer.hpp"
#include "netctl/before_us.hpp"
#include "netctl/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace netctl {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

// Most changes are made in less than a tenth of a second, and a person waits for this.
constexpr milliseconds first_confirmation{50}, between_confirmations{500};
constexpr milliseconds patience{2000};
constexpr seconds default_confirmation{60};
// Links that come up, leases, a switch daemon that is slow: what a change may take beside the wait for its confirmation.
constexpr seconds longest_work{300};
// What a watchdog or a netd that starts again needs to take a change back whose time is over.
constexpr seconds way_back{5};

Answer ask_status(Connections& netd) { return netd.call("Host.getStatus", json::object(), patience); }

// Null if there is none to be had.
json status_in(const Answer& answer) {
    const auto* status = std::get_if<json>(&answer);
    return status ? *status : json();
}

seconds confirmation_of(const json& options) {
    const auto given = number_at(options, "connectivityTimeout");
    return given ? seconds(std::min<std::uint64_t>(*given, 3600)) : default_confirmation;
}

json number_of_waiting(const json& status) { return member(object_at(status, "transaction"), "id"); }

bool is_cut(const Answer& answer) {
    const auto* trouble = std::get_if<Trouble>(&answer);
    return trouble && trouble->exit == Exit::not_running;
}

// What Host.getStatus says of the last transaction, in the shape of the answer that was lost.
Answer answer_of(const json& status) {
    const auto& last = object_at(status, "last");
    const auto outcome = text_at(last, "outcome");
    const auto why = text_at(last, "why");
    if (outcome == "committed") {
        json answer{{"revision", member(status, "revision")}, {"changed", true}, {"outcome", outcome}};
        if (!why.empty()) answer["uncommitted"] = why;
        return answer;
    }
    const auto what = outcome == "degraded" ? "the change failed, and could not be taken back whole" : "the change was taken back";
    const auto exit = outcome == "degraded" ? Exit::failed : Exit::rolled_back;
    return Trouble{exit, fmt::format("{}{}{}", what, why.empty() ? "" : ": ", why), "netctl status"};
}

}  // namespace

Setup::Setup(Session& session, const json& params) : Setup(session, params, ask_status(session.netd)) {}

Setup::Setup(Session& session, const json& params, const Answer& before)
    : screen_(session.screen), netd_(session.netd), to_confirm_(confirmation_of(object_at(params, "options"))),
      deadline_(Clock::now() + longest(object_at(params, "options"), status_in(before))), last_before_(member(status_in(before), "last")), others_(number_of_waiting(status_in(before))), call_(is_cut(before) ? std::get<Trouble>(before) : Trouble()) {
    screen_.remark(words_of_change_before_us(status_in(before)));
    if (!is_cut(before)) call_ = netd_.begin("Host.setupNetworks", params, Asked::setting_up);
}

std::optional<Answer> Setup::wait(milliseconds most) {
    if (cut_) return ask_for_the_end(most);
    if (const auto* nobody = std::get_if<Trouble>(&call_)) return *nobody;
    auto answer = std::get<Call>(call_).wait(most);
    if (!answer || !is_cut(*answer)) return answer;
    begin_to_ask();
    return std::nullopt;
}

void Setup::begin_to_ask() {
    cut_ = true;
    call_ = Trouble();  // it would connect again and again, for nothing
    const auto longest_absence = to_confirm_ + way_back;
    asked_until_ = Clock::now() + longest_absence;
    screen_.remark(fmt::format("netd went away before it said how the change ended; it is asked for {} more", short_time(longest_absence)));
}

// netd may be away for a moment: it starts again, or the way to it is being rebuilt.
std::optional<Answer> Setup::ask_for_the_end(milliseconds most) {
    pause(most);
    const json status = status_in(ask_status(netd_));
    if (member(status, "transaction").is_object()) {
        asked_until_ = Clock::now() + to_confirm_ + way_back;
        return std::nullopt;
    }
    // The last transaction tells of this one only after it ended.
    if (status.is_object() && member(status, "last") != last_before_) return answer_of(status);
    if (Clock::now() < asked_until_) return std::nullopt;
    const auto* absence = status.is_object() ? "netd went away while it made the change, and knows of none now"
                                             : "netd went away while it made the change, and is not back";
    return Trouble{Exit::timeout, fmt::format("{}; what nobody confirmed is taken back", absence), status.is_object() ? "netctl diff" : "systemctl status netd"};
}

bool Setup::confirm() {
    if (mine_.is_null() && phase() != Phase::waits_for_confirmation) return false;
    const auto answer = netd_.call("Host.confirmConnectivity", {{"transaction", mine_}}, patience);
    const auto* result = std::get_if<json>(&answer);
    return result && flag_at(*result, "confirmed");
}

// Who can't take it back leaves that to its time.
void Setup::roll_back() {
    if (!mine_.is_null()) std::ignore = netd_.call("Host.rollback", {{"transaction", mine_}}, patience);
}

Phase Setup::phase() {
    const json status = status_in(ask_status(netd_));
    if (status.is_null()) return Phase::working;
    const auto& transaction = member(status, "transaction");
    if (!transaction.is_object()) return Phase::over;
    if (number_of_waiting(status) == others_) return Phase::working;
    const auto phase = text_at(transaction, "phase");
    const bool waits = phase.find("confirm") != phase.npos || phase.find("wait") != phase.npos;
    if (waits) mine_ = number_of_waiting(status);
    return waits ? Phase::waits_for_confirmation : Phase::working;
}

milliseconds longest(const json& options, const json& before) { return confirmation_of(options) + longest_work + time_of_change_before_us(before); }

Answer set_up_and_confirm(Session& session, const json& params) {
    Setup setup(session, params);
    for (auto wait = first_confirmation; Clock::now() < setup.deadline(); wait = std::min(wait * 2, between_confirmations)) {
        if (auto answer = setup.wait(wait)) return std::move(*answer);
        // Refusals don't matter: too early is not counted, and what is not confirmed is taken back by itself.
        (void)setup.confirm();
    }
    return Trouble{Exit::timeout, "netd did not say how the change ended; it takes back what is not confirmed", "netctl status"};
}

}  // namespace netctl
