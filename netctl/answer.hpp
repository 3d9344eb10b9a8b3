// Reading netd's answers: what is not there, or of another shape than expected, is simply empty.
//
// netctl may be older or newer than the netd it talks to, so no answer may make it stumble.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netctl {

// The member, or null.
const nlohmann::json& member(const nlohmann::json& object, std::string_view name);

// The member if it is of that kind, or an empty one.
const nlohmann::json& object_at(const nlohmann::json& object, std::string_view name);
const nlohmann::json& array_at(const nlohmann::json& object, std::string_view name);
bool flag_at(const nlohmann::json& object, std::string_view name, bool otherwise = false);

// Numbers may come as texts (compat "3.6").
std::optional<std::uint64_t> number_at(const nlohmann::json& object, std::string_view name);

// A scalar as people write it: texts without quotes, null as "", lists joined by blanks, objects as JSON.
std::string shown(const nlohmann::json& value);
std::string text_at(const nlohmann::json& object, std::string_view name);

// The texts of a list.
std::vector<std::string> texts_at(const nlohmann::json& object, std::string_view name);

// "a, b"; for the third and more of a long list, "a, b and 5 more".
std::string joined(const std::vector<std::string>& texts, std::size_t most = 4);

}  // namespace netctl
