// A file of definitions as an administrator writes it, made ready to be sent.
#pragma once

#include "netctl/trouble.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace netctl {

// What Host.setupNetworks takes, and where each part of it stands.
struct Definitions {
    nlohmann::json params = {};  // networks, bondings and options, each an object
    Source source = {};
};

// What the file is called in words; "-" is standard input.
Source source_of(const std::string& path);

// At most 4 MiB.
std::variant<Definitions, Trouble> read_definitions(const std::string& path);

// The same from a text; the name's ending says whether it is JSON or YAML, or else its first character.
std::variant<Definitions, Trouble> read_definitions(std::string_view text, const std::string& name);

}  // namespace netctl
