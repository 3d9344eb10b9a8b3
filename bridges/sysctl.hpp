// What of a link's behaviour is only to be set under /proc/sys/net.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

namespace bridges {

// Sets what `now` asks of the stack and `have` is not. True if anything was written: the kernel makes no report of it. ARP's
// settings are not among them, netlink takes those. What a link is too small for can't be set, and that is no "no".
topology::Result<bool> write_sysctls(const Link& now, const Link& have);

}  // namespace bridges
