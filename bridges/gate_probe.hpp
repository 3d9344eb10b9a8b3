// What this kernel's nftables can do is seen by asking for such a rule, in a table that goes again in the same transaction. The kernel
// loads its module for it where there is one. By netlink, since the program `nft` takes a quarter of a start.
#pragma once

#include <cstdint>

namespace bridges {

// Whether it can tell by which bridge a frame comes (nft_meta_bridge), which gates ask (filter_rules.cpp).
bool can_have_gates();

// Whether it has tables of that family at all. Asked what is in them, it says of any family that this is nothing.
bool can_have_tables(std::uint8_t family);

}  // namespace bridges
