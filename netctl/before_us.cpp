// See before_us.hpp.
#include "netctl/before_us.hpp"

#include "netctl/answer.hpp"
#include "netctl/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace netctl {

using nlohmann::json;

namespace {

constexpr milliseconds for_the_question{2000};  // a netd that is silent costs little more than before
constexpr std::uint64_t longest_confirmation = 3600;  // s, that netd takes

}  // namespace

std::string words_of_change_before_us(const json& status) {
    const auto& transaction = member(status, "transaction");
    const auto left = number_at(transaction, "secondsLeft");
    if (!left) return {};
    return fmt::format("change {} waits to be confirmed, {} s at most, and what is asked for now begins after it · try: netctl confirm, or netctl rollback",
                       printable(text_at(transaction, "id")), *left);
}

milliseconds time_of_change_before_us(const json& status) {
    const auto left = number_at(member(status, "transaction"), "secondsLeft").value_or(0);
    return std::chrono::seconds(std::min(left, longest_confirmation));
}

milliseconds wait_behind_others(Session& session) {
    const auto answer = session.netd.call("Host.getStatus", json::object(), std::min(session.patience, for_the_question));
    const auto* status = std::get_if<json>(&answer);
    if (!status) return {};
    session.screen.remark(words_of_change_before_us(*status));
    return time_of_change_before_us(*status);
}

}  // namespace netctl
