// Memory that goes back to the kernel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <malloc.h>

namespace netd {

// Many networks come and go through several times the memory that they take, of which the allocator gives nothing back by
// itself while something above it is in use.
class Tidying {
public:
    // To be called when nothing is due; there are so many links now.
    void after(std::size_t links) {
        constexpr std::size_t many = 64;
        if (std::max(links, links_) - std::min(links, links_) < many) return;
        links_ = links;
        malloc_trim(0);
    }

private:
    std::size_t links_ = 0;
};

}  // namespace netd
