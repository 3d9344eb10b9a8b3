// Colours are the eight that every terminal has, and stay readable on black and on white.
#include "topology/terminal.hpp"

#include "topology/captions.hpp"
#include "topology/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace topology {
namespace {

std::string_view code_of(Ink ink) {
    switch (ink) {
        case Ink::plain: return "";
        case Ink::faint: return "\x1b[2m";
        case Ink::good: return "\x1b[32m";
        case Ink::warning: return "\x1b[33m";
        case Ink::bad: return "\x1b[31m";
    }
    return "";
}

std::string_view stroke_in_ascii(char32_t code) {
    switch (code) {
        case U'─': return "-";
        case U'│': return "|";
        case U'┬':
        case U'├':
        case U'┤': return "+";
        case U'└': return "`";
        case U'┘': return "'";
        case U'·': return "-";
        case U'→': return ">";
        case U'…': return "~";
        default: return "";
    }
}

}  // namespace

Ink ink_of(const Node& node) {
    if (node.state == NodeState::missing) return Ink::bad;
    if (!problem_of(node).empty() || node.state == NodeState::no_carrier) return Ink::warning;
    return node.state == NodeState::down ? Ink::bad : Ink::good;
}

Line& Line::add(std::string text, Ink ink) {
    if (text.empty()) return *this;
    if (!spans_.empty() && spans_.back().ink == ink) spans_.back().text += text;
    else spans_.push_back({std::move(text), ink});
    return *this;
}

Line& Line::add(const Line& other) {
    for (const Span& span : other.spans_) add(span.text, span.ink);
    return *this;
}

Line& Line::fill_to(std::size_t columns, std::string_view filling, Ink ink) {
    std::string text;
    for (auto used = width(); used < columns; ++used) text += filling;
    return add(std::move(text), ink);
}

std::size_t Line::width() const {
    std::size_t columns = 0;
    for (const Span& span : spans_) columns += columns_of(span.text);
    return columns;
}

std::string Line::written(std::size_t columns, bool color, std::string_view ellipsis) const {
    std::string out;
    auto left = columns == 0 ? width() : columns;
    const bool is_cut = width() > left;
    for (const Span& span : spans_) {
        const auto needed = columns_of(span.text);
        // The last column of a line that goes on is the ellipsis's, wherever a piece happens to end.
        const bool ends_here = is_cut && needed >= left;
        const auto text = ends_here ? cut_to_columns(span.text + " ", left, ellipsis) : span.text;
        const bool has_ink = color && span.ink != Ink::plain;
        out += has_ink ? fmt::format("{}{}\x1b[0m", code_of(span.ink), text) : text;
        if (ends_here) break;
        left -= needed;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

std::string in_ascii(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = character_at(text, at);
        const auto bytes = text.substr(at, character ? character->bytes : 1);
        const auto stroke = character ? stroke_in_ascii(character->code) : std::string_view();
        if (bytes.size() == 1 && character) out += bytes;
        else if (!stroke.empty()) out += stroke;
        else for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
        at += bytes.size();
    }
    return out;
}

}  // namespace topology
