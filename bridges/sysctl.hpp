// What of a link's behaviour is only to be set under /proc/sys/net.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

namespace bridges {

// Sets what `now` asks for and `have` is not. True if anything was written: the kernel makes no report of it. ARP's
// settings are not among them, netlink takes those.
topology::Result<bool> write_sysctls(const IfName& link, const HostStack& now, const HostStack& have);

}  // namespace bridges
