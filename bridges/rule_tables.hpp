// netd's tables of rules in the kernel: what guests may send, and what the host's own stack takes.
#pragma once

#include "bridges/filter_table.hpp"
#include "bridges/host_table.hpp"
#include "bridges/kernel_mirror.hpp"
#include "bridges/unheard_table.hpp"

namespace bridges {

struct RuleTables {
    FilterTable filters;
    HostTable host;
    UnheardTable unheard;

    // Opened and looked at. nftables may have the kernel look for modules, so it takes a while.
    static Result<RuleTables> open(Services services);

    Result<> look();
    // What the looks have found.
    void tell(KernelMirror& mirror);
    bool has_restored() const { return filters.has_restored() || host.has_restored() || unheard.has_restored(); }

    // As Kernel promises them.
    Kernel::Restored take_restored(const topology::Keyed<Link>& links);
    Result<> forget_filters(const std::set<IfName>& released, KernelMirror& mirror);
};

}  // namespace bridges
