// The far end of a veth pair, in a namespace that is not ours.
#pragma once

#include "bridges/nl_handles.hpp"
#include "topology/result.hpp"

#include <vector>

namespace bridges {

struct FarEnd {
    std::size_t change = 0;  // which change it belongs to
    Descriptor netns;
    int index = 0;  // in that namespace
};

topology::Result<Descriptor> open_netns(const std::string& path_or_name);

// Takes the far ends up; the kernel refuses that in the message that makes the pair. Returns a result for each.
std::vector<topology::Result<>> raise(const std::vector<FarEnd>& ends);

}  // namespace bridges
