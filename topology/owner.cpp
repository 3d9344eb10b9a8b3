// The mark as it is written on a link: what does not fit there is shortened before anybody compares it.
#include "topology/owner.hpp"

#include "topology/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace topology {
namespace {

constexpr std::string_view mark = "netd: ";
constexpr std::size_t longest_alias = 255;  // the kernel's IFALIASZ without the closing zero
constexpr std::size_t longest_role = longest_alias - mark.size();

// FNV-1a: the same on every machine and in every version, as the mark outlives the process.
std::uint64_t fingerprint(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
    return hash;
}

}  // namespace

// A role that does not fit ends in a fingerprint of the whole, so that two long names stay two owners and what is
// read back equals what was written.
Owner Owner::ours(std::string_view role) {
    if (role.size() <= longest_role) return {std::string(role)};
    const auto tail = fmt::format("~{:016x}", fingerprint(role));
    return {std::string(cut_to_bytes(role, longest_role - tail.size())) + tail};
}

Owner Owner::from_alias(std::string_view alias) {
    if (alias.size() <= mark.size() || !alias.starts_with(mark)) return foreign();
    return {std::string(alias.substr(mark.size()))};
}

std::string Owner::alias() const {
    if (!role) return {};
    return std::string(cut_to_bytes(std::string(mark) + *role, longest_alias));
}

}  // namespace topology
