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

}  // namespace

std::string words_of_change_before_us(const json& status) {
    const auto& transaction = member(status, "transaction");
    const auto left = number_at(transaction, "secondsLeft");
    if (!left) return {};
    return fmt::format("change {} waits to be confirmed, {} s at most, and what is asked for now begins after it · try: netctl confirm, or netctl rollback",
                       printable(text_at(transaction, "id")), *left);
}

milliseconds wait_behind_others(Session& session) {
    const auto answer = session.netd.call("Host.getStatus", json::object(), std::min(session.patience, for_the_question));
    const auto* status = std::get_if<json>(&answer);
    if (!status) return {};
    session.screen.remark(words_of_change_before_us(*status));
    const auto left = number_at(member(*status, "transaction"), "secondsLeft");
    return std::chrono::seconds(left.value_or(0));
}

}  // namespace netctl
