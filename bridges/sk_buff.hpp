// Where the running kernel has the fields of a frame that no program is shown otherwise.
#pragma once

#include "topology/result.hpp"

namespace bridges {

// Within an sk_buff; of a bit field: its byte, and by how much that is shifted.
struct Place {
    int byte = 0, shift = 0;
};

struct SkBuff {
    Place ip_summed, csum_start, csum_offset, mac_header;

    // It differs from kernel to kernel; the running one tells (BTF). Errors: it doesn't.
    static topology::Result<SkBuff> look_up();
};

}  // namespace bridges
