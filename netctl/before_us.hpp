// netd makes one change after the other, and one that waits to be confirmed holds up those that come later: whoever asks
// for something then is told why he waits.
#pragma once

#include "netctl/verbs.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace netctl {

// "a change waits …" of the answer of Host.getStatus; "" if none does.
std::string words_of_change_before_us(const nlohmann::json& status);

// How much longer an answer may take for that.
milliseconds time_of_change_before_us(const nlohmann::json& status);

// Asks, tells it, and returns that time.
milliseconds wait_behind_others(Session& session);

}  // namespace netctl
