// Waits for netd and lets netd wait for us, over as many connections as it takes.
#include "netctl/setup.hpp"

#include "netctl/answer.hpp"

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

json status_of(Connections& netd) {
    auto answer = netd.call("Host.getStatus", json::object(), patience);
    auto* status = std::get_if<json>(&answer);
    return status ? std::move(*status) : json();
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
    if (outcome == "committed") return json{{"revision", member(status, "revision")}, {"changed", true}, {"outcome", outcome}};
    const auto why = text_at(last, "why");
    const auto what = outcome == "degraded" ? "the change failed, and could not be taken back whole" : "the change was taken back";
    const auto exit = outcome == "degraded" ? Exit::failed : Exit::rolled_back;
    return Trouble{exit, fmt::format("{}{}{}", what, why.empty() ? "" : ": ", why), "netctl status"};
}

}  // namespace

Setup::Setup(Connections& netd, const json& params) : Setup(netd, params, status_of(netd)) {}

Setup::Setup(Connections& netd, const json& params, const json& before)
    : netd_(netd), last_before_(member(before, "last")), others_(number_of_waiting(before)), call_(netd.begin("Host.setupNetworks", params, Asked::setting_up)) {}

std::optional<Answer> Setup::wait(milliseconds most) {
    if (cut_) return ask_for_the_end(most);
    auto answer = call_.wait(most);
    if (!answer || !is_cut(*answer)) return answer;
    cut_ = true;
    return std::nullopt;
}

// netd may be away for a moment: it starts again, or the way to it is being rebuilt.
std::optional<Answer> Setup::ask_for_the_end(milliseconds most) {
    pause(most);
    auto answer = netd_.call("Host.getStatus", json::object(), patience);
    const auto* status = std::get_if<json>(&answer);
    // The last transaction tells of this one only after it ended.
    const bool is_over = status && member(*status, "transaction").is_null() && member(*status, "last") != last_before_;
    if (!is_over) return std::nullopt;
    return answer_of(*status);
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
    const json status = status_of(netd_);
    if (status.is_null()) return Phase::working;
    const auto& transaction = member(status, "transaction");
    if (!transaction.is_object()) return Phase::over;
    if (number_of_waiting(status) == others_) return Phase::working;
    const auto phase = text_at(transaction, "phase");
    const bool waits = phase.find("confirm") != phase.npos || phase.find("wait") != phase.npos;
    if (waits) mine_ = number_of_waiting(status);
    return waits ? Phase::waits_for_confirmation : Phase::working;
}

milliseconds longest(const json& options) {
    const auto given = number_at(options, "connectivityTimeout");
    return (given ? seconds(*given) : default_confirmation) + longest_work;
}

Answer set_up_and_confirm(Connections& netd, const json& params) {
    const auto deadline = Clock::now() + longest(object_at(params, "options"));
    Setup setup(netd, params);
    for (auto wait = first_confirmation; Clock::now() < deadline; wait = std::min(wait * 2, between_confirmations)) {
        if (auto answer = setup.wait(wait)) return std::move(*answer);
        // Refusals don't matter: too early is not counted, and what is not confirmed is taken back by itself.
        (void)setup.confirm();
    }
    return Trouble{Exit::timeout, "netd did not say how the change ended; it takes back what is not confirmed", "netctl status"};
}

}  // namespace netctl
