// Whether this kernel's nftables can tell by which bridge a frame comes, which gates ask (filter_rules.cpp).
#pragma once

namespace bridges {

// Seen by asking for such a rule, in a table that goes again in the same transaction. The kernel loads its module (nft_meta_bridge)
// for it where there is one. By netlink, since the program `nft` takes a quarter of a start.
bool can_have_gates();

}  // namespace bridges
