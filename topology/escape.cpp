// Each format has its own few characters that mean something; what comes from others first loses what nobody can see.
#include "topology/escape.hpp"

#include "topology/names.hpp"

#include <fmt/format.h>

namespace topology {

std::string xml_escaped(std::string_view text) { return xml_marked(escaped(text)); }

std::string xml_marked(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string dot_escaped(std::string_view text) {
    std::string out;
    for (const char c : escaped(text)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string mermaid_escaped(std::string_view text) {
    std::string out;
    for (const char c : escaped(text)) {
        const bool means_something = std::string_view("\"#;&<>()[]{}|`\\").find(c) != std::string_view::npos;
        out += means_something ? fmt::format("#{};", static_cast<int>(c)) : std::string(1, c);
    }
    return out;
}

}  // namespace topology
