// nlohmann's parser is sound but polite: it lets the last of two keys win and turns a large integer into a float. This
// builds the document from its events instead, so that each refusal happens before anything is stored.
#include "netd/wire/json.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace wire {

bool has_control(std::string_view text, std::string_view allowed) {
    return std::any_of(text.begin(), text.end(), [&](char c) {
        return static_cast<unsigned char>(c) < 0x20 && allowed.find(c) == allowed.npos;
    });
}

namespace {

using nlohmann::json;

// The parser's own words, without its label in front and without the bytes that it read last: those are the sender's.
std::string reason(std::string_view what) {
    if (const auto column = what.find(", column "); column != what.npos)
        if (const auto colon = what.find(": ", column); colon != what.npos) what.remove_prefix(colon + 2);
    if (const auto label = what.find("] "); what.starts_with("[json.") && label != what.npos) what.remove_prefix(label + 2);
    return shortened(what.substr(0, what.find("; last read")), 160);
}

// Builds the document; each event answers "go on?". Holds no recursion: the open containers are a list.
class Reader final : public nlohmann::json_sax<json> {
public:
    json take() && { return std::move(root_); }
    const std::optional<Error>& refusal() const { return refusal_; }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool binary(binary_t&) override { return refuse("is not JSON"); }

    bool number_float(number_float_t value, const string_t& written) override {
        if (written.find_first_of(".eE") == written.npos) return refuse("is a whole number that fits no 64 bits");
        return put(value);
    }

    bool string(string_t& value) override {
        if (has_control(value, "\t\n")) return refuse("is a text with a control character");
        return put(std::move(value));
    }

    bool key(string_t& name) override {
        auto& object = *open_.back().container;
        if (has_control(name, "")) return refuse("has a key with a control character", open_.size() - 1);
        open_.back().key = std::move(name);
        if (object.contains(open_.back().key)) return refuse("is given twice");
        return true;
    }

    bool start_object(std::size_t) override { return enter(json::object()); }
    bool start_array(std::size_t) override { return enter(json::array()); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& why) override {
        if (!refusal_) refusal_ = Error{Fault::invalid, "byte " + std::to_string(position), "not JSON: " + reason(why.what())};
        return false;
    }

private:
    // The container stays where it is while it is open: its parent gets no further element before it is closed.
    struct Open {
        json* container;
        std::string key = {};  // of the member that is being read, if it is an object
    };

    json* place(json&& value) {
        if (open_.empty()) return &(root_ = std::move(value));
        json& parent = *open_.back().container;
        if (parent.is_object()) return &(parent[open_.back().key] = std::move(value));
        parent.push_back(std::move(value));
        return &parent.back();
    }

    bool put(json&& value) {
        if (++values_ > most_values) return refuse("has too many values before it (" + std::to_string(most_values) + ")");
        place(std::move(value));
        return true;
    }

    bool enter(json&& empty) {
        if (open_.size() >= most_levels) return refuse("lies deeper than " + std::to_string(most_levels) + " levels");
        if (++values_ > most_values) return refuse("has too many values before it (" + std::to_string(most_values) + ")");
        open_.push_back({place(std::move(empty))});
        return true;
    }

    bool leave() {
        open_.pop_back();
        return true;
    }

    bool refuse(std::string what) { return refuse(std::move(what), open_.size()); }
    bool refuse(std::string what, std::size_t levels) {
        std::string at;
        for (std::size_t level = 0; level < levels; ++level) {
            const Open& open = open_[level];
            const bool next_is_inside = level + 1 < open_.size();
            if (open.container->is_object()) at = pointer(at, open.key);
            else at = pointer(at, std::to_string(open.container->size() - (next_is_inside ? 1 : 0)));
        }
        refusal_ = Error{Fault::invalid, at, std::move(what)};
        return false;
    }

    json root_;
    std::vector<Open> open_;
    std::size_t values_ = 0;
    std::optional<Error> refusal_;
};

// Looks at nothing but the outermost object's "id" and gets as far as the text is JSON at all.
class IdFinder final : public nlohmann::json_sax<json> {
public:
    json found() && { return ids_ == 1 ? std::move(id_) : json(); }

    bool null() override { return scalar(nullptr); }
    bool boolean(bool) override { return scalar(nullptr); }
    bool number_integer(number_integer_t value) override { return scalar(value); }
    bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
    bool number_float(number_float_t, const string_t&) override { return scalar(nullptr); }
    bool binary(binary_t&) override { return false; }
    bool string(string_t& value) override {
        if (!is_id_) return true;
        return scalar(value.size() <= 256 && !has_control(value, "") ? json(std::move(value)) : json());
    }
    bool key(string_t& name) override {
        is_id_ = levels_ == 1 && in_object_ && name == "id";
        return true;
    }
    bool start_object(std::size_t) override { return enter(true); }
    bool start_array(std::size_t) override { return enter(false); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

private:
    bool scalar(json&& value) {
        if (is_id_) {
            ++ids_;
            id_ = std::move(value);
        }
        is_id_ = false;
        return true;
    }
    bool enter(bool object) {
        if (levels_ == 0) in_object_ = object;
        ++levels_;
        return scalar(nullptr);
    }
    bool leave() {
        --levels_;
        return true;
    }

    json id_;
    int ids_ = 0;
    std::size_t levels_ = 0;
    bool in_object_ = false;
    bool is_id_ = false;
};

}  // namespace

Result<json> parse_strict(std::string_view text) {
    if (text.size() > most_bytes)
        return Error{Fault::invalid, "byte " + std::to_string(most_bytes), "the message is longer than that"};
    Reader reader;
    const bool whole = json::sax_parse(text.begin(), text.end(), &reader);
    if (reader.refusal()) return *reader.refusal();
    if (!whole) return Error{Fault::invalid, "", "not JSON"};
    return std::move(reader).take();
}

json salvage_id(std::string_view text) {
    if (text.size() > most_bytes) return nullptr;
    IdFinder finder;
    // Ignored: how far it gets is all that there is to get.
    (void)json::sax_parse(text.begin(), text.end(), &finder);
    return std::move(finder).found();
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// Nearly every text is this plain.
void append_quoted(std::string& to, std::string_view text) {
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, is_plain)) to.append(1, '"').append(text).append(1, '"');
    else to += dump(std::string(text));
}

std::string shortened(std::string_view text, std::size_t most) {
    if (text.size() <= most) return std::string(text);
    constexpr std::string_view ellipsis = "…";
    std::size_t end = most - std::min(most, ellipsis.size());
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return std::string(text.substr(0, end)) += ellipsis;
}

std::string pointer(std::string_view parent, std::string_view token) {
    std::string longer(parent);
    longer += '/';
    for (const char c : shortened(token)) {
        if (c == '~') longer += "~0";
        else if (c == '/') longer += "~1";
        else longer += c;
    }
    return longer;
}

}  // namespace wire
