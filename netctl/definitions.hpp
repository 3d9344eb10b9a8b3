// Definitions of one kind of switch, since a request is about one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace netctl {

// Its networks, and of bonds those that they are on; of those that no network is on, the ones that are of that kind themselves.
nlohmann::json of_kind(const nlohmann::json& definitions, const std::string& kind);

}  // namespace netctl
