// YAML as netctl takes it: the part that is JSON in other clothes, and nothing that can grow while it is read.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace netctl {

struct Yaml {
    nlohmann::json value = {};
    std::map<std::string, int> lines = {};  // by JSON pointer, counted from 1
};

// Why there is none, and where that stands.
struct Unread {
    std::string path = {};  // JSON pointer; empty if it is about the whole
    int line = 0;           // 0 if it has none
    std::string what = {};
    bool operator==(const Unread&) const = default;
};

// One document, within the bounds of wire::parse_strict. Refused: aliases (an anchor alone is harmless), tags that are
// not YAML's own, keys that are no text or given twice, control characters as parse_strict does, and numbers with leading
// zeros, which are octal to some.
// Scalars mean what YAML 1.2 says (core schema), so `on` and `yes` stay texts; netd reads them as it likes.
std::variant<Yaml, Unread> read_yaml(std::string_view text);

}  // namespace netctl
