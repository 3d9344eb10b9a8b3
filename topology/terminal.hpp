// A line of a terminal in pieces of one colour each: so that its width can be known and cut before colours go in.
#pragma once

#include "topology/node.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace topology {

enum class Ink { plain, faint, good, warning, bad };

Ink ink_of(const Node& node);

struct Span {
    std::string text;
    Ink ink = Ink::plain;
};

class Line {
public:
    Line& add(std::string text, Ink ink = Ink::plain);
    Line& add(const Line& other);
    Line& fill_to(std::size_t columns, std::string_view filling = " ", Ink ink = Ink::plain);
    std::size_t width() const;

    // The line as it is written: cut to `columns` (0: not cut), without what cannot be seen at its end.
    std::string written(std::size_t columns, bool color, std::string_view ellipsis) const;

private:
    std::vector<Span> spans_;
};

// Lines of ASCII for terminals that have nothing else: the tree's own strokes by their like, the rest as \xNN.
std::string in_ascii(std::string_view text);

}  // namespace topology
