// UTF-8 character by character, and how much room a text takes on a terminal.
//
// Own code because the C library's answer depends on the locale, and a daemon has none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace topology {

struct Character {
    char32_t code = 0;
    std::size_t bytes = 1;
    bool operator==(const Character&) const = default;
};

// The character that begins at that byte; none where the bytes are not well-formed UTF-8 (overlong forms, surrogates
// and what is above U+10FFFF are not).
std::optional<Character> character_at(std::string_view text, std::size_t at);

// Control characters of ASCII, DEL and those of Latin-1 (U+0080 to U+009F).
bool is_control(char32_t code);

// True for what a reader does not see but what changes how he sees the rest: direction marks, zero-width characters,
// line separators.
bool is_invisible(char32_t code);

// How many columns a terminal uses: 2 for East Asian wide characters and emoji, 0 for combining marks.
std::size_t columns_of(std::string_view text);

// The text if it fits, else so much of its beginning that `end` fits behind it (no end where there is no room for it).
std::string cut_to_columns(std::string_view text, std::size_t columns, std::string_view end = "…");

// The longest beginning of the text that has at most so many bytes and ends between two characters.
std::string_view cut_to_bytes(std::string_view text, std::size_t bytes);

}  // namespace topology
