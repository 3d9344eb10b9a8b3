// An object of JSON, written as it is made: of thousands of entries the values would take longer to make and to free than to write.
#pragma once

#include "netd/wire/json.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wire {

class Entry {
public:
    // Of one key the last value counts. Keys are literals: ASCII, and nothing in them to be escaped.
    void put(std::string_view key, std::string_view text);
    void put(std::string_view key, const char* text) { put(key, std::string_view(text)); }
    void put(std::string_view key, const std::string& text) { put(key, std::string_view(text)); }
    void put(std::string_view key, const std::vector<std::string>& texts);
    void put(std::string_view key, const nlohmann::json& value);
    void put_written(std::string_view key, std::string_view json);  // what is JSON already
    template <std::integral Number>
    void put(std::string_view key, Number value) {
        add(key);
        if constexpr (std::same_as<Number, bool>) values_ += value ? "true" : "false";
        else values_ += std::to_string(value);
    }

    // With its members in the order of their keys.
    std::string text() const;

private:
    struct Member {
        std::string_view key;
        std::size_t from;  // in values_, until where the next begins
    };
    void add(std::string_view key) { members_.push_back({key, values_.size()}); }

    std::vector<Member> members_;
    std::string values_;
};

}  // namespace wire
