// What is called by a hash must stay called so: it is written down here, and not the standard library's.
#pragma once

#include <cstdint>
#include <string_view>

namespace topology {

// FNV-1a, 64 bits: of any text, the same for ever.
constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    return hash;
}

}  // namespace topology
