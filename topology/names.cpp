// The rules that make a text a name: what the kernel refuses, and what it takes but tools misread, is refused here.
#include "topology/names.hpp"

#include "topology/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace topology {
namespace {

constexpr std::size_t longest_device_name = 15;   // IFNAMSIZ without the closing zero
constexpr std::size_t longest_network_name = 256;

// std::isalnum() asks the locale; a device name does not.
bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool may_begin_device(char c) { return is_letter_or_digit(c) || c == '_'; }
bool may_continue_device(char c) { return may_begin_device(c) || c == '.' || c == '-'; }

// The kernel's own: "lo" is not ours to shape, "all" and "default" are directories beside the devices in
// /proc/sys/net, "bonding_masters" is a file among them in /sys/class/net.
bool is_reserved(std::string_view text) {
    return text == "lo" || text == "all" || text == "default" || text == "bonding_masters";
}

// Enough of a foreign text to recognise it in an error, and no more.
std::string shown(std::string_view text) {
    constexpr std::size_t enough = 64;
    const auto part = cut_to_bytes(text, enough);
    return escaped(part) + (part.size() < text.size() ? "..." : "");
}

Error refuse_name(std::string_view text, std::string_view because) {
    return {Fault::invalid, shown(text), fmt::format("\"{}\" {}", shown(text), because)};
}

void append_bytes(std::string& out, std::string_view bytes) {
    for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
}

}  // namespace

Result<IfName> IfName::parse(std::string_view text) {
    const bool is_well_formed = !text.empty() && text.size() <= longest_device_name && may_begin_device(text[0]) &&
                                std::all_of(text.begin(), text.end(), may_continue_device);
    if (!is_well_formed) {
        const bool only_begins_badly = !text.empty() && text.size() <= longest_device_name &&
                                       std::all_of(text.begin(), text.end(), may_continue_device);
        return refuse_name(text, only_begins_badly
                                ? "is not a device name: it must begin with a letter, a digit or '_'"
                                : "is not a device name: 1 to 15 letters, digits, '_', '.', '-'");
    }
    if (is_reserved(text)) return refuse_name(text, "is the kernel's own name: choose another one");
    return IfName(std::string(text));
}

Result<NetworkName> NetworkName::parse(std::string_view text) {
    if (text.empty()) return refuse_name(text, "is not a network's name: it needs at least one character");
    if (text.size() > longest_network_name)
        return refuse_name(text, fmt::format("is too long for a network's name: {} bytes, at most 256", text.size()));
    if (!is_utf8(text)) return refuse_name(text, "is not a network's name: its bytes are not UTF-8");
    for (std::size_t at = 0; at < text.size();) {
        const auto character = *character_at(text, at);
        if (is_control(character.code)) return refuse_name(text, "is not a network's name: leave out the control characters");
        at += character.bytes;
    }
    return NetworkName(std::string(text));
}

bool is_bridge_name(std::string_view text) {
    return IfName::parse(text) && text.find('.') == std::string_view::npos;
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto character = character_at(text, at);
        if (!character) return false;
        at += character->bytes;
    }
    return true;
}

std::string escaped(std::string_view text) {
    // Nearly every text is this plain, and pictures of a large host ask for tens of thousands.
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = character_at(text, at);
        const auto bytes = text.substr(at, character ? character->bytes : 1);
        if (!character || is_control(character->code) || is_invisible(character->code)) append_bytes(out, bytes);
        else out += bytes;
        at += bytes.size();
    }
    return out;
}

}  // namespace topology
