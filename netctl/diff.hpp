// What is different: between the host and its definitions, and between what runs and what comes back at boot.
#pragma once

#include "netctl/screen.hpp"

#include <nlohmann/json.hpp>

namespace netctl {

// [{kind: "network", "bond" or "guest", name, subject, attribute, wanted, found}] of the answer of Host.getDrift.
nlohmann::json drift_of(const nlohmann::json& answer);

// [{kind, name, change: "added" | "changed" | "removed", attributes: [{attribute, committed, running}]}] of two answers
// of Host.getRunningConfig.
nlohmann::json uncommitted_of(const nlohmann::json& committed, const nlohmann::json& running);

Table drift_table(const nlohmann::json& drift);
Table uncommitted_table(const nlohmann::json& changes);

}  // namespace netctl
