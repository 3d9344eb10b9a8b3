// What makes a text a number, a tag or a size. Strict on purpose: "5 ", "+5" and "0x5" are somebody's mistake.
#include "topology/numbers.hpp"

#include "topology/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace topology {
namespace {

constexpr std::int64_t highest_vlan = 4094;
constexpr std::int64_t lowest_mtu = 68, highest_mtu = 65521;

Error refuse(std::string_view text, std::string what) {
    return {Fault::invalid, escaped(text.substr(0, 64)), std::move(what)};
}

bool is_all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// One piece of a set: "100" or "1-10".
Result<std::pair<VlanId, VlanId>> parse_range(std::string_view text) {
    const auto dash = text.find('-');
    auto first = VlanId::parse(text.substr(0, dash));
    if (!first) return first.error();
    if (dash == std::string_view::npos) return std::pair{*first, *first};
    auto last = VlanId::parse(text.substr(dash + 1));
    if (!last) return last.error();
    if (*last < *first) return refuse(text, "a range of VLANs is written from low to high, as in 1-10");
    return std::pair{*first, *last};
}

int value_of_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Result<std::int64_t> parse_number(std::string_view text, std::int64_t low, std::int64_t high) {
    const auto refusal = [&] { return refuse(text, fmt::format("a whole number from {} to {} is due", low, high)); };
    if (!is_all_digits(text.substr(!text.empty() && text[0] == '-'))) return refusal();
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || number < low || number > high) return refusal();
    return number;
}

Result<VlanId> VlanId::parse(std::string_view text) {
    const auto number = parse_number(text, 0, highest_vlan);
    if (!number) return refuse(text, "a VLAN is a number from 0 to 4094");
    return from(*number);
}

Result<VlanId> VlanId::from(std::int64_t number) {
    if (number < 0 || number > highest_vlan) return refuse(std::to_string(number), "a VLAN is a number from 0 to 4094");
    return VlanId(static_cast<std::uint16_t>(number));
}

Result<VlanSet> VlanSet::parse(std::string_view text) {
    VlanSet set;
    if (text.empty()) return set;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        const auto range = parse_range(text.substr(at, end - at));
        if (!range) return about(escaped(text.substr(0, 64)), range.error());
        for (auto number = range->first.number(); number <= range->second.number(); ++number) set.bits_.edit().set(number);
        at = end + 1;
    }
    return set;
}

std::vector<std::pair<VlanId, VlanId>> VlanSet::ranges() const {
    std::vector<std::pair<VlanId, VlanId>> runs;
    for (std::int64_t number = 0; number <= highest_vlan; ++number) {
        const auto id = *VlanId::from(number);
        if (!contains(id)) continue;
        const bool continues = !runs.empty() && runs.back().second.number() + 1 == number;
        if (continues) runs.back().second = id;
        else runs.emplace_back(id, id);
    }
    return runs;
}

std::string VlanSet::text() const {
    std::string text;
    for (const auto& [first, last] : ranges()) {
        text += text.empty() ? "" : ",";
        text += first == last ? std::to_string(first.number()) : fmt::format("{}-{}", first.number(), last.number());
    }
    return text;
}

Result<Mtu> Mtu::parse(std::string_view text) {
    const auto number = parse_number(text, lowest_mtu, highest_mtu);
    if (!number) return refuse(text, "an MTU is a number from 68 to 65521");
    return from(*number);
}

Result<Mtu> Mtu::from(std::int64_t number) {
    if (number < lowest_mtu || number > highest_mtu)
        return refuse(std::to_string(number), "an MTU is a number from 68 to 65521");
    return Mtu(static_cast<std::uint32_t>(number));
}

Result<Mac> Mac::parse(std::string_view text) {
    const auto refusal = [&] {
        return refuse(text, "an Ethernet address is six pairs of hex digits, as in 52:54:00:12:34:56");
    };
    if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return refusal();
    Bytes bytes = {};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto at = 3 * i;
        const int high = value_of_digit(text[at]), low = value_of_digit(text[at + 1]);
        const bool is_separated = i == 0 || text[at - 1] == text[2];  // one kind of separator, not both
        if (high < 0 || low < 0 || !is_separated) return refusal();
        bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return Mac(bytes);
}

std::string Mac::text() const {
    return fmt::format("{:02x}", fmt::join(bytes_, ":"));
}

}  // namespace topology
