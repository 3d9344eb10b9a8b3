// No exception of the JSON library leaves this file: nothing here asks a value for what it is not.
#include "netctl/answer.hpp"

#include "netd/wire/json.hpp"

#include <charconv>
#include <fmt/format.h>

namespace netctl {

using nlohmann::json;

const json& member(const json& object, std::string_view name) {
    static const json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
}

const json& object_at(const json& object, std::string_view name) {
    static const json empty = json::object();
    const auto& value = member(object, name);
    return value.is_object() ? value : empty;
}

const json& array_at(const json& object, std::string_view name) {
    static const json empty = json::array();
    const auto& value = member(object, name);
    return value.is_array() ? value : empty;
}

bool flag_at(const json& object, std::string_view name, bool otherwise) {
    const auto& value = member(object, name);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::optional<std::uint64_t> number_at(const json& object, std::string_view name) {
    const auto& value = member(object, name);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer() && value.get<std::int64_t>() >= 0) return value.get<std::uint64_t>();
    if (value.is_number_float() && value.get<double>() >= 0 && value.get<double>() < 1e18)
        return static_cast<std::uint64_t>(value.get<double>());
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    std::uint64_t number = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string shown(const json& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return wire::dump(value);
    std::string text;
    for (const auto& one : value) text += (text.empty() ? "" : " ") + shown(one);
    return text;
}

std::string text_at(const json& object, std::string_view name) { return shown(member(object, name)); }

std::vector<std::string> texts_at(const json& object, std::string_view name) {
    std::vector<std::string> texts;
    for (const auto& one : array_at(object, name)) texts.push_back(shown(one));
    return texts;
}

std::string joined(const std::vector<std::string>& texts, std::size_t most) {
    std::string text;
    for (std::size_t at = 0; at < texts.size(); ++at) {
        if (at == most && texts.size() > most + 1) return text + fmt::format(" and {} more", texts.size() - most);
        text += (at == 0 ? "" : ", ") + texts[at];
    }
    return text;
}

}  // namespace netctl
