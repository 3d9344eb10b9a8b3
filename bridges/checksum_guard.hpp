// A program of BPF that sees what no other filter does: the request, in a guest's frame, to have a checksum written into it somewhere.
#pragma once

#include "bridges/nl_handles.hpp"
#include "topology/result.hpp"

namespace bridges {

// Loaded once, and attached where frames of guests come in (traffic_control.hpp). It drops a frame whose request is for two bytes that a
// filter looks at, and lets all others go on to the next filter. docs/decisions/0050.
class ChecksumGuard {
public:
    // Errors: the kernel doesn't tell what an sk_buff looks like (/sys/kernel/btf/vmlinux), knows no BPF, or netd may not (CAP_BPF, CAP_PERFMON).
    static topology::Result<ChecksumGuard> load();
    ChecksumGuard() = default;  // none

    int number() const { return program_.get(); }  // its descriptor; -1: none
    static constexpr const char* name = "netd-checksum-4";  // a filter that has it is this program, in this version

private:
    explicit ChecksumGuard(Descriptor program) : program_(std::move(program)) {}
    Descriptor program_;
};

}  // namespace bridges
