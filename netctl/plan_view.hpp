// A plan as a list of what comes, what changes and what goes.
#pragma once

#include "netctl/screen.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace netctl {

// `answer` is that of Host.planNetworks. One line a step: "+ create bridge web   network web needs it".
Table plan_table(const nlohmann::json& answer);

// "3 steps: 1 to create, 2 to change"; "nothing to do".
std::string plan_summary(const nlohmann::json& answer);

}  // namespace netctl
