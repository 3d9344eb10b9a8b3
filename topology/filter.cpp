// See filter.hpp.
#include "topology/filter.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace topology {
namespace {

constexpr std::array<std::string_view, 3> names = {"standard", "strict", "trusted"};
constexpr std::array<std::pair<std::string_view, FilterLevel::Value>, 4> synonyms = {{
    {"no-mac-spoofing", FilterLevel::standard}, {"vdsm-no-mac-spoofing", FilterLevel::standard},
    {"clean-traffic", FilterLevel::strict}, {"none", FilterLevel::trusted}}};

std::string_view next_word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

IpAddress link_local(const Mac& mac) {
    const auto& m = mac.bytes();
    return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]});
}

}  // namespace

Result<FilterLevel> FilterLevel::parse(std::string_view text) {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found != names.end()) return FilterLevel(static_cast<Value>(found - names.begin()));
    for (const auto& [name, value] : synonyms)
        if (name == text) return FilterLevel(value);
    return Error{Fault::invalid, std::string(text), "a filter is standard, strict or trusted (or none, no-mac-spoofing, clean-traffic)"};
}

std::string FilterLevel::text() const { return std::string(names[value_]); }

Result<Filter> Filter::parse(std::string_view text) {
    const auto level = FilterLevel::parse(next_word(text));
    if (!level) return level.error();
    const auto mac = Mac::parse(next_word(text));
    if (!mac) return mac.error();
    Filter filter{*mac, *level};
    while (!text.empty()) {
        const auto word = next_word(text);
        if (word == "trunk") {
            filter.trunk = true;
            continue;
        }
        const auto address = IpAddress::parse(word);
        if (!address) return address.error();
        filter.addresses.insert(*address);
    }
    return filter;
}

std::string Filter::text() const {
    std::string text = level.text() + " " + mac.text();
    if (trunk) text += " trunk";
    for (const IpAddress& address : addresses) text += " " + address.text();
    return text;
}

std::set<IpAddress> Filter::all_addresses() const {
    if (level.value() != FilterLevel::strict) return {};
    auto all = addresses;
    all.insert({IpAddress::v4({}), IpAddress::v6({}), link_local(mac)});
    return all;
}

}  // namespace topology
