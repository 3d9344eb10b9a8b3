// JSON from strangers: read so strictly that what comes out can be copied, compared and shown without a second thought.
#pragma once

#include "topology/result.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace wire {

using topology::Error;
using topology::Fault;
using topology::Result;

constexpr std::size_t most_bytes = std::size_t{4} << 20;
constexpr std::size_t most_levels = 32;
// A value costs 64 bytes or so in memory and can be written in 3, so the bytes alone would not bound what is held.
constexpr std::size_t most_values = 500'000;

// Who wrote it: a client, whose names and numbers must be legal; or netd, to its own disk, with those that the kernel reported.
enum class From { client, disk };

// Refuses (Fault::invalid) what is not exactly one JSON text in UTF-8 within the bounds above, and also: a key given
// twice in an object; control characters in a string other than tab and newline, or any in a key; a whole number that
// fits neither int64 nor uint64 (others read it as a float and lose digits in silence).
// Error::subject is the JSON pointer of the culprit, or "byte N" if the text breaks off being JSON there.
Result<nlohmann::json> parse_strict(std::string_view text);

// A control character of ASCII, and none of those that are allowed.
bool has_control(std::string_view text, std::string_view allowed);

// The value of the outermost object's "id", taken from a text that parse_strict() refused, so that the refusal can be
// addressed. Null if there is none, more than one, or it is neither a whole number nor a text of at most 256 bytes.
nlohmann::json salvage_id(std::string_view text);

// One line. Never throws over what is not UTF-8 (an alias, a name from LLDP): such bytes become U+FFFD.
std::string dump(const nlohmann::json& value);
// A text in quotes, as dump() has it.
void append_quoted(std::string& to, std::string_view text);

// Text for an error message: at most this many bytes, cut between characters.
std::string shortened(std::string_view text, std::size_t most = 64);

// A JSON pointer one token longer.
std::string pointer(std::string_view parent, std::string_view token);

}  // namespace wire
