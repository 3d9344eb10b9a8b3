// How links are removed: all of a batch at once.
#pragma once

#include "bridges/batch.hpp"
#include "bridges/deletions.hpp"
#include "bridges/kernel_mirror.hpp"

namespace bridges {

// The link that was meant, if it is still the one of that name.
const Link* current(const State& state, const Link& was);

// Removes the links that these ops remove, and refuses, in `batch`, what is not ours to remove or what the kernel won't.
void remove_links(KernelMirror& mirror, Deletions& deletions, Batch& batch, std::span<const Op> ops);

}  // namespace bridges
