// Reads with a bound, tells JSON from YAML, and checks no more than the outline: what is inside is netd's to judge.
#include "netctl/read_file.hpp"

#include "netctl/read_yaml.hpp"
#include "netctl/text.hpp"
#include "netd/wire/json.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
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

Trouble rejected(std::string path, std::string what, int line = 0) {
    return {Exit::rejected, what, {}, 0, {{std::move(path), "invalid", what, line}}};
}

Trouble unreadable(const std::string& name, std::string_view why) {
    return {Exit::failed, fmt::format("{} can't be read: {}", name.empty() ? in_quotes(name) : printable(name), why)};
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

int line_of_byte(std::string_view text, std::string_view number) {
    std::size_t byte = 0;
    std::from_chars(number.data(), number.data() + number.size(), byte);
    return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size())), '\n'));
}

// JSON is YAML, nearly: what is refused here is mostly refused there, too, and there it has a line.
Unread refusal_of_json(std::string_view text, const topology::Error& error, const std::variant<Yaml, Unread>& same) {
    const auto& [fault, subject, what] = error;
    constexpr std::string_view byte = "byte ";
    if (subject.starts_with(byte)) return {"", line_of_byte(text, std::string_view(subject).substr(byte.size())), subject + ": " + what};
    if (!subject.starts_with('/')) return {"", 0, what};
    const auto* yaml = std::get_if<Unread>(&same);
    return {subject, yaml && yaml->path == subject ? yaml->line : 0, in_quotes(subject.substr(subject.rfind('/') + 1)) + " " + what};
}

std::variant<Yaml, Unread> read_either(std::string_view text, const std::string& name) {
    auto yaml = read_yaml(text);
    if (!is_json(text, name)) return yaml;
    auto value = wire::parse_strict(text);
    if (!value) return refusal_of_json(text, value.error(), yaml);
    auto* same = std::get_if<Yaml>(&yaml);  // where it is not, complaints do without their line
    return Yaml{std::move(*value), same ? std::move(same->lines) : std::map<std::string, int>{}};
}

std::string shown_name(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace

Source source_of(const std::string& path) { return {shown_name(path)}; }

std::variant<Definitions, Trouble> read_definitions(std::string_view text, const std::string& name) {
    auto read = read_either(text, name);
    if (auto* refusal = std::get_if<Unread>(&read)) return rejected(std::move(refusal->path), std::move(refusal->what), refusal->line);
    auto& [whole, lines] = std::get<Yaml>(read);
    if (!whole.is_object()) return rejected("", "the file is an object with networks, bondings and options");
    json params{{"networks", json::object()}, {"bondings", json::object()}, {"options", json::object()}};
    for (auto& [key, value] : whole.items()) {
        const auto path = wire::pointer("", key);
        if (!params.contains(key)) return rejected(path, in_quotes(key) + " is not known here; known are networks, bondings and options", lines[path]);
        if (value.is_null()) continue;
        if (!value.is_object()) return rejected(path, in_quotes(key) + " is an object", lines[path]);
        params[key] = std::move(value);
    }
    return Definitions{std::move(params), {shown_name(name), std::move(lines)}};
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
