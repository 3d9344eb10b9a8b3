// How wide a text becomes in a browser. Nobody here has the font, so it is a guess on the generous side.
#pragma once

#include <string>
#include <string_view>

namespace topology {

// Widths of an average letter, in pixels: of a title (13px, bold), of small text (11px), of small bold text.
enum class Font { title, small, bold };

double pixels_of(std::string_view text, Font font);

// The text if it fits, else its beginning and an ellipsis.
std::string cut_to_pixels(std::string_view text, double pixels, Font font);

}  // namespace topology
