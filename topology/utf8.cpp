// Decoding follows table 3-7 of the Unicode standard; the widths are the blocks that terminals draw wide, not every
// assigned character.
#include "topology/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace topology {
namespace {

struct Range {
    char32_t first, last;
};

constexpr Range combining[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
                               {0x064b, 0x065f}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                               {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
constexpr Range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
                          {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
                          {0xfe30, 0xfe4f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                          {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

template <std::size_t Size>
bool holds(const Range (&ranges)[Size], char32_t code) {
    const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), code,
                                        [](char32_t value, const Range& range) { return value < range.first; });
    return after != std::begin(ranges) && code <= std::prev(after)->last;
}

std::size_t width_of(char32_t code) {
    if (is_control(code) || is_invisible(code) || holds(combining, code)) return 0;
    return holds(wide, code) ? 2 : 1;
}

// How many bytes a character has that begins with this one; 0 if none does.
std::size_t length_by_first(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    if (first >= 0xf0 && first <= 0xf4) return 4;
    return 0;
}

bool is_encoded_shortest(char32_t code, std::size_t bytes) {
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return code >= smallest[bytes];
}

}  // namespace

std::optional<Character> character_at(std::string_view text, std::size_t at) {
    if (at >= text.size()) return {};
    const auto first = static_cast<std::uint8_t>(text[at]);
    const auto bytes = length_by_first(first);
    if (bytes == 0 || bytes > text.size() - at) return {};
    if (bytes == 1) return Character{first, 1};
    char32_t code = first & (0x7fu >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<std::uint8_t>(text[at + i]);
        if ((next & 0xc0) != 0x80) return {};
        code = code << 6 | (next & 0x3fu);
    }
    const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (is_surrogate || code > 0x10ffff || !is_encoded_shortest(code, bytes)) return {};
    return Character{code, bytes};
}

bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool is_invisible(char32_t code) {
    constexpr Range hidden[] = {{0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x180e, 0x180e}, {0x200b, 0x200f},
                                {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
                                {0xe0000, 0xe007f}};
    return holds(hidden, code);
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = character_at(text, at);
        columns += character ? width_of(character->code) : 1;
        at += character ? character->bytes : 1;
    }
    return columns;
}

std::string cut_to_columns(std::string_view text, std::size_t columns, std::string_view end) {
    if (columns_of(text) <= columns) return std::string(text);
    if (columns_of(end) > columns) end = {};
    const auto room = columns - columns_of(end);
    std::size_t at = 0, used = 0;
    while (at < text.size()) {
        const auto character = character_at(text, at);
        const auto width = character ? width_of(character->code) : 1;
        if (used + width > room) break;
        used += width;
        at += character ? character->bytes : 1;
    }
    return std::string(text.substr(0, at)).append(end);
}

std::string_view cut_to_bytes(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    auto end = bytes;
    while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace topology
