// Numbers and names as a reader at night wants them: short, and without surprises.
#include "netctl/text.hpp"

#include "topology/names.hpp"
#include "topology/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace netctl {

std::string printable(std::string_view text) { return topology::escaped(text); }

std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
    columns = std::max<std::size_t>(columns, 2);  // the widest character
    std::vector<std::string> lines;
    while (topology::columns_of(text) > columns) {
        const auto fits = topology::cut_to_columns(text, columns, "").size();
        const auto blank = text.rfind(' ', fits);  // it may stand just behind what fits
        const auto end = blank == text.npos || blank == 0 ? fits : blank;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(text.find_first_not_of(' ', end), text.size()));
    }
    lines.emplace_back(text);
    return lines;
}

std::string short_number(std::uint64_t number) {
    constexpr std::string_view units = " kMGTPE";
    double rest = static_cast<double>(number);
    std::size_t unit = 0;
    // 999.5 would be shown as 1000.
    while (rest >= 999.5 && unit + 1 < units.size()) {
        rest /= 1000;
        ++unit;
    }
    if (unit == 0) return std::to_string(number);
    return fmt::format("{:.{}f}{}", rest, rest < 9.95 ? 1 : 0, units[unit]);
}

std::string short_time(std::chrono::seconds time) {
    struct Part { std::int64_t seconds; char unit; };
    constexpr Part parts[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    std::int64_t rest = std::max<std::int64_t>(time.count(), 0);
    std::string text;
    int shown = 0;
    for (const auto& [seconds, unit] : parts) {
        const auto whole = rest / seconds;
        rest %= seconds;
        if (whole == 0 && shown == 0 && unit != 's') continue;
        if (shown > 0 && whole == 0) break;
        text += fmt::format("{}{}{}", text.empty() ? "" : " ", whole, unit);
        if (++shown == 2) break;
    }
    return text;
}

topology::Result<std::chrono::milliseconds> parse_time(std::string_view text) {
    using topology::Error;
    using topology::Fault;
    std::uint32_t count = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), count);
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    std::uint64_t factor = 0;
    if (unit == "ms") factor = 1;
    else if (unit.empty() || unit == "s") factor = 1000;
    else if (unit == "m" || unit == "min") factor = 60'000;
    const auto time = count * factor;
    if (bad != std::errc() || factor == 0 || time == 0 || time > 3'600'000)
        return Error{Fault::invalid, std::string(text), "a time is written like 500ms, 60s or 2m, and is at most an hour"};
    return std::chrono::milliseconds(time);
}

}  // namespace netctl
