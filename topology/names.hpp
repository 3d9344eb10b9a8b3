// Names that are legal because they were parsed: whoever holds one never checks it again.
#pragma once

#include "topology/result.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace topology {

// The name of a kernel device: 1 to 15 bytes that the kernel takes and that no tool misreads.
class IfName {
public:
    static Result<IfName> parse(std::string_view text);

    // A name that the kernel or OVSDB itself reported; anything it has is a name.
    static IfName observed(std::string_view text) { return IfName(std::string(text)); }

    const std::string& text() const { return text_; }
    const char* c_str() const { return text_.c_str(); }
    auto operator<=>(const IfName&) const = default;

private:
    explicit IfName(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// The name of a logical network: 1 to 256 bytes of UTF-8 without control characters.
class NetworkName {
public:
    static Result<NetworkName> parse(std::string_view text);

    const std::string& text() const { return text_; }
    auto operator<=>(const NetworkName&) const = default;

private:
    explicit NetworkName(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// True where the name can be a bridge of the same name, as engines expect of `legacy`: 1 to 15 characters,
// none of `: . /` or white space, not leading '-', and legal as a device.
bool is_bridge_name(std::string_view text);

bool is_utf8(std::string_view text);

// Everything that is not printable as \xNN, so that a foreign name can't move the terminal's cursor.
std::string escaped(std::string_view text);

}  // namespace topology
