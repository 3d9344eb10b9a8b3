// Classes of letters that are about equally wide in the sans-serif fonts of the usual desktops; the widest one counts.
#include "topology/pixels.hpp"

#include "topology/utf8.hpp"

namespace topology {
namespace {

double width_of_average(Font font) {
    switch (font) {
        case Font::title: return 8.6;
        case Font::small: return 6.5;
        case Font::bold: return 7.2;
    }
    return 8.6;
}

// In average letters.
double width_of(const Character& character, std::string_view bytes) {
    constexpr std::string_view narrow = " .,:;'|!ijlI()[]{}/\\-", broad = "mwMW@%=<>+~&#";
    if (character.bytes == 1 && narrow.find(static_cast<char>(character.code)) != std::string_view::npos) return 0.6;
    if (character.bytes == 1 && broad.find(static_cast<char>(character.code)) != std::string_view::npos) return 1.45;
    if (character.bytes == 1) return character.code >= 'A' && character.code <= 'Z' ? 1.12 : 1.0;
    if (character.code == U'·') return 0.6;
    return 1.12 * static_cast<double>(columns_of(bytes));
}

}  // namespace

double pixels_of(std::string_view text, Font font) {
    double letters = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = character_at(text, at).value_or(Character{'M', 1});
        letters += width_of(character, text.substr(at, character.bytes));
        at += character.bytes;
    }
    return letters * width_of_average(font);
}

std::string cut_to_pixels(std::string_view text, double pixels, Font font) {
    constexpr std::string_view ellipsis = "…";
    if (pixels_of(text, font) <= pixels) return std::string(text);
    double left = pixels - pixels_of(ellipsis, font);
    std::size_t at = 0;
    while (at < text.size()) {
        const auto character = character_at(text, at).value_or(Character{'M', 1});
        left -= pixels_of(text.substr(at, character.bytes), font);
        if (left < 0) break;
        at += character.bytes;
    }
    return std::string(text.substr(0, at)).append(ellipsis);
}

}  // namespace topology
