// When, in a batch of changes of links, the filters of their ports come and go, and the rules of the host come.
#pragma once

#include "bridges/batch.hpp"
#include "bridges/filter_table.hpp"
#include "bridges/host_table.hpp"

namespace bridges {

// Filters stand before the links that they are for: a port that can't be filtered is refused, and so not made.
void put_filters(FilterTable& table, Batch& batch, std::span<const Op> ops);

// The rules of the host stand before a device of a network does, too. `links`: as they are before the batch.
void put_host_rules(HostTable& table, Batch& batch, std::span<const Op> ops, const topology::Keyed<Link>& links);

// And they go after them, or when they could not be made. `links`: as they are after the batch.
void drop_filters(FilterTable& table, const Batch& batch, std::span<const Op> ops, const topology::Keyed<Link>& links);

// What the rules of the host counted of links that went.
void drop_host_counts(HostTable& table, const Batch& batch, std::span<const Op> ops);

}  // namespace bridges
