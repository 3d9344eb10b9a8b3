// The loose types of engines: numbers as strings, booleans as words.
#include "netd/wire/values.hpp"

namespace wire {

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::string> read_text(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
    if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
    return bad_value("text is due here");
}

Result<bool> read_bool(const json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_string()) {
        std::string text = value.get<std::string>();
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
        if (text == "true" || text == "yes" || text == "on") return true;
        if (text == "false" || text == "no" || text == "off") return false;
    }
    return bad_value("true or false is due here (also as \"yes\", \"no\", \"on\", \"off\")");
}

Result<std::int64_t> read_int(const json& value, std::int64_t low, std::int64_t high) {
    const auto out_of_range = [&] { return bad_value(fmt::format("a whole number from {} to {} is due here", low, high)); };
    if (value.is_string()) {
        auto number = topology::parse_number(value.get_ref<const std::string&>(), low, high);
        return number ? number : Result<std::int64_t>(out_of_range());
    }
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        if (number > static_cast<std::uint64_t>(high) || static_cast<std::int64_t>(number) < low) return out_of_range();
        return static_cast<std::int64_t>(number);
    }
    if (value.is_number_integer()) {
        const auto number = value.get<std::int64_t>();
        if (number < low || number > high) return out_of_range();
        return number;
    }
    return out_of_range();
}

}  // namespace wire
