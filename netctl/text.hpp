// Words for people: names of strangers made harmless, and numbers with a unit.
#pragma once

#include "topology/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netctl {

// What would move a terminal's cursor, or deceive its reader, as \xNN; newlines too.
std::string printable(std::string_view text);

// The same in double quotes.
std::string in_quotes(std::string_view text);

// Lines of at most so many columns, broken at blanks where there are some. Of text that is printable already.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

// "1.5M": at most four digits, powers of 1000.
std::string short_number(std::uint64_t number);

// "3d 4h", "5m 12s", "0s": the two largest parts.
std::string short_time(std::chrono::seconds time);

// "60", "60s", "2m", "500ms"; nothing less than a millisecond, nothing above an hour.
topology::Result<std::chrono::milliseconds> parse_time(std::string_view text);

}  // namespace netctl
