// Reads with a bound, tells JSON from YAML, and checks no more than the outline: what is inside is netd's to judge.
#include "netctl/read_file.hpp"

#include "netctl/read_yaml.hpp"
#include "netctl/text.hpp"
#include "netd/wire/json.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>

namespace netctl {

namespace {

using nlohmann::json;

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Trouble rejected(std::string path, std::string what) {
    return {Exit::rejected, what, {}, 0, {{std::move(path), "invalid", what}}};
}

Trouble unreadable(const std::string& name, std::string_view why) {
    return {Exit::failed, fmt::format("{} can't be read: {}", printable(name), why)};
}

std::variant<std::string, Trouble> read_all(std::FILE* file, const std::string& name) {
    std::string text;
    char block[65536];
    while (const auto got = std::fread(block, 1, sizeof block, file)) {
        text.append(block, got);
        if (text.size() > wire::most_bytes) return unreadable(name, "it has more than 4 MiB");
    }
    if (std::ferror(file)) return unreadable(name, std::strerror(errno));
    return text;
}

bool is_json(std::string_view text, const std::string& name) {
    if (name.ends_with(".json")) return true;
    if (name.ends_with(".yaml") || name.ends_with(".yml")) return false;
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != text.npos && text[first] == '{';
}

topology::Result<Yaml> read_either(std::string_view text, const std::string& name) {
    if (!is_json(text, name)) return read_yaml(text);
    auto value = wire::parse_strict(text);
    if (!value) return value.error();
    // JSON is YAML, nearly; where it is not, complaints do without their line.
    auto same = read_yaml(text);
    return Yaml{std::move(*value), same ? std::move(same->lines) : std::map<std::string, int>{}};
}

std::string shown_name(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace

std::variant<Definitions, Trouble> read_definitions(std::string_view text, const std::string& name) {
    auto read = read_either(text, name);
    if (!read) {
        const auto& [fault, subject, what] = read.error();
        if (subject.starts_with('/')) return rejected(subject, what);
        return rejected("", subject.empty() ? what : subject + ": " + what);
    }
    if (!read->value.is_object()) return rejected("", "the file is an object with networks, bondings and options");
    json params{{"networks", json::object()}, {"bondings", json::object()}, {"options", json::object()}};
    for (auto& [key, value] : read->value.items()) {
        const auto path = wire::pointer("", key);
        if (!params.contains(key)) return rejected(path, in_quotes(key) + " is not known here; known are networks, bondings and options");
        if (value.is_null()) continue;
        if (!value.is_object()) return rejected(path, in_quotes(key) + " is an object");
        params[key] = std::move(value);
    }
    return Definitions{std::move(params), {shown_name(name), std::move(read->lines)}};
}

std::variant<Definitions, Trouble> read_definitions(const std::string& path) {
    std::variant<std::string, Trouble> text;
    if (path == "-") {
        text = read_all(stdin, shown_name(path));
    } else {
        const File file(std::fopen(path.c_str(), "re"));
        if (!file) return unreadable(path, std::strerror(errno));
        text = read_all(file.get(), path);
    }
    if (auto* trouble = std::get_if<Trouble>(&text)) return std::move(*trouble);
    return read_definitions(std::get<std::string>(text), path);
}

}  // namespace netctl
