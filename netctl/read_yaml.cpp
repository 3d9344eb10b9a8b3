// The only place that knows yaml-cpp. It takes the parser's events and builds the document itself: yaml-cpp's own tree
// expands aliases, and does not mind a key that is given twice.
#include "netctl/read_yaml.hpp"

#include "netctl/text.hpp"
#include "netd/wire/json.hpp"
#include "topology/names.hpp"

#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <vector>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace netctl {

namespace {

using nlohmann::json;

constexpr std::string_view own_tags = "tag:yaml.org,2002:";

template <class Number>
std::optional<Number> whole(std::string_view text) {
    Number number{};
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// Nothing else; 010 is eight to YAML 1.1 and ten to YAML 1.2, and to people.
bool has_leading_zeros(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return text.size() > 1 && text[0] == '0' && text.find_first_not_of("0123456789") == text.npos;
}

std::string without_leading_zeros(std::string_view text) {
    const auto digits = text.find_first_not_of("-0");
    return (text[0] == '-' ? "-" : "") + std::string(digits == text.npos ? "0" : text.substr(digits));
}

// Lines are counted from 0.
bool starts_with_tab(std::string_view text, int line) {
    for (; line > 0; --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    const auto first = text.find_first_not_of(' ');
    return first != text.npos && text[first] == '\t';
}

// The core schema, but for octal and hexadecimal numbers, which stay text.
json meaning_of(const std::string& text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const auto digits = std::string_view(text).substr(text[0] == '-' ? 1 : 0);
    if (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') return text;
    if (const auto number = whole<std::int64_t>(text)) return *number;
    if (const auto number = whole<std::uint64_t>(text)) return *number;
    const bool is_decimal = digits.find_first_not_of("0123456789.") == digits.npos && digits.find('.') != digits.npos;
    if (const auto number = whole<double>(text); is_decimal && number) return *number;
    return text;
}

class Builder final : public YAML::EventHandler {
public:
    Yaml take() && { return std::move(yaml_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { put(mark, nullptr); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "an alias (*name) is not taken; write it out"); }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& text) override {
        const bool is_plain = tag == "?" || tag.empty();
        const bool is_text = tag == "!" || tag == std::string(own_tags) + "str";
        check_tag(mark, tag);
        if (wants_key()) return take_key(mark, text);
        if (wire::has_control(text, "\t\n")) refuse(mark, "a text with a control character is not taken");
        if ((is_plain || !is_text) && has_leading_zeros(text))
            refuse(mark, fmt::format("{} can be meant as octal or as decimal; write {}, or \"{}\" if it is a text", text, without_leading_zeros(text), text));
        put(mark, is_plain || !is_text ? meaning_of(text) : json(text));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        enter(mark, json::array());
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
        check_tag(mark, tag);
        enter(mark, json::object());
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapEnd() override { open_.pop_back(); }

private:
    // A container stays where it is while it is open: its parent gets no further element before it is closed.
    struct Open {
        json* container;
        std::string path;
        std::optional<std::string> key = {};  // of the member whose value comes next
    };

    // Leaves the parser by the only door that it has; met in read_yaml().
    [[noreturn]] static void refuse(const YAML::Mark& mark, std::string what, std::string path) { throw Unread{std::move(path), mark.line + 1, std::move(what)}; }
    [[noreturn]] void refuse(const YAML::Mark& mark, std::string what) const { refuse(mark, std::move(what), wants_key() ? open_.back().path : path_of_next()); }

    void check_tag(const YAML::Mark& mark, const std::string& tag) const {
        const bool is_own = tag.empty() || tag == "?" || tag == "!" || (tag.starts_with(own_tags) && tag != std::string(own_tags) + "binary");
        if (!is_own) refuse(mark, fmt::format("the tag {} is not taken", printable(tag)));
    }

    bool wants_key() const { return !open_.empty() && open_.back().container->is_object() && !open_.back().key; }

    void take_key(const YAML::Mark& mark, const std::string& name) {
        auto& open = open_.back();
        if (wire::has_control(name, "")) refuse(mark, "a key with a control character is not taken");
        if (open.container->contains(name)) refuse(mark, in_quotes(name) + " is given twice", wire::pointer(open.path, name));
        open.key = name;
        yaml_.lines[wire::pointer(open.path, name)] = mark.line + 1;
    }

    std::string path_of_next() const {
        if (open_.empty()) return {};
        const auto& open = open_.back();
        return wire::pointer(open.path, open.key ? *open.key : std::to_string(open.container->size()));
    }

    json* put(const YAML::Mark& mark, json value) {
        if (wants_key()) refuse(mark, "a key is a text");
        if (++values_ > wire::most_values) refuse(mark, fmt::format("the file has more than {} values", wire::most_values));
        yaml_.lines.try_emplace(path_of_next(), mark.line + 1);
        if (open_.empty()) return &(yaml_.value = std::move(value));
        auto& open = open_.back();
        if (!open.key) {
            open.container->push_back(std::move(value));
            return &open.container->back();
        }
        auto& place = (*open.container)[*open.key];
        open.key.reset();
        return &(place = std::move(value));
    }

    void enter(const YAML::Mark& mark, json empty) {
        if (open_.size() >= wire::most_levels) refuse(mark, fmt::format("it lies deeper than {} levels", wire::most_levels));
        auto path = path_of_next();
        auto* container = put(mark, std::move(empty));
        open_.push_back({container, std::move(path)});
    }

    Yaml yaml_;
    std::vector<Open> open_;
    std::size_t values_ = 0;
};

}  // namespace

std::variant<Yaml, Unread> read_yaml(std::string_view text) {
    if (text.size() > wire::most_bytes) return Unread{"", 0, "the file has more than 4 MiB"};
    if (!topology::is_utf8(text)) return Unread{"", 0, "the file is not UTF-8"};
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        Builder builder;
        if (!parser.HandleNextDocument(builder)) return Unread{"", 0, "the file is empty"};
        Builder second;
        if (parser.HandleNextDocument(second)) return Unread{"", 0, "the file has more than one document"};
        return std::move(builder).take();
    } catch (const Unread& refusal) {
        return refusal;
    } catch (const YAML::Exception& error) {
        if (error.mark.is_null()) return Unread{"", 0, "not YAML: " + error.msg};
        const char* tab = starts_with_tab(text, error.mark.line) ? " (a tab does not indent in YAML, blanks do)" : "";
        return Unread{"", error.mark.line + 1, "not YAML: " + error.msg + tab};
    }
}

}  // namespace netctl
