// How many frames the filters of guests and the rules of the host dropped, read from the kernel at the moment of the question;
// waits for nobody.
#pragma once

#include "topology/block_reasons.hpp"
#include "topology/result.hpp"

#include <memory>

namespace bridges {

using topology::Blocked;

class BlockedReader {
public:
    // Where the kernel has no nftables, nothing is ever blocked.
    BlockedReader();
    ~BlockedReader();

    // Counts begin anew when a table of netd's is put up anew. Empty where there is none.
    topology::Result<Blocked> read();

private:
    struct Held;
    std::unique_ptr<Held> held_;
};

}  // namespace bridges
