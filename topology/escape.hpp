// Foreign texts made harmless for the format that they go into.
#pragma once

#include <string>
#include <string_view>

namespace topology {

// Fit for XML text and attributes. What is no UTF-8 or is not allowed in XML is told as \xNN.
std::string xml_escaped(std::string_view text);

// The same of a text in which there is nothing of that: only what means something in XML is marked.
std::string xml_marked(std::string_view text);

// Fit for a quoted string of the DOT language.
std::string dot_escaped(std::string_view text);

// Fit for a quoted label of Mermaid, which reads HTML entities.
std::string mermaid_escaped(std::string_view text);

}  // namespace topology
