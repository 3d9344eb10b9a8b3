// See entry.hpp.
#include "netd/wire/entry.hpp"

#include <algorithm>

namespace wire {
void Entry::put(std::string_view key, std::string_view text) {
    add(key);
    append_quoted(values_, text);
}

void Entry::put(std::string_view key, const std::vector<std::string>& texts) {
    add(key);
    values_ += '[';
    for (const std::string& text : texts) {
        if (&text != texts.data()) values_ += ',';
        append_quoted(values_, text);
    }
    values_ += ']';
}

void Entry::put(std::string_view key, const nlohmann::json& value) { put_written(key, dump(value)); }

void Entry::put_written(std::string_view key, std::string_view json) {
    add(key);
    values_ += json;
}

std::string Entry::text() const {
    struct Part {
        std::string_view key, value;
    };
    std::vector<Part> parts;
    parts.reserve(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const std::size_t until = i + 1 < members_.size() ? members_[i + 1].from : values_.size();
        parts.push_back({members_[i].key, std::string_view(values_).substr(members_[i].from, until - members_[i].from)});
    }
    std::ranges::stable_sort(parts, {}, &Part::key);
    std::string text = "{";
    text.reserve(values_.size() + 20 * parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i + 1 < parts.size() && parts[i + 1].key == parts[i].key) continue;
        if (text.size() > 1) text += ',';
        text.append(1, '"').append(parts[i].key).append("\":").append(parts[i].value);
    }
    return text += '}';
}

}  // namespace wire
