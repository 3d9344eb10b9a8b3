// YAML as netctl takes it: the part that is JSON in other clothes, and nothing that can grow while it is read.
#pragma once

#include "topology/result.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace netctl {

struct Yaml {
    nlohmann::json value = {};
    std::map<std::string, int> lines = {};  // by JSON pointer, counted from 1
};

// One document, within the bounds of wire::parse_strict. Refused: aliases (an anchor alone is harmless), tags that are
// not YAML's own, keys that are no text or given twice. Error::subject is "line N".
// Scalars mean what YAML 1.2 says (core schema), so `on` and `yes` stay texts; netd reads them as it likes.
topology::Result<Yaml> read_yaml(std::string_view text);

}  // namespace netctl
