// A route as somebody else made it, with all that a Route has no word for: its source, metrics, several hops, a gateway that no other
// route leads to. Kept as the kernel tells it, to be said again as it was.
#pragma once

#include "bridges/nl_message.hpp"
#include "bridges/state.hpp"

namespace bridges {

// Route::manner of the route that a RTM_NEWROUTE is about; empty if its Route says all.
std::string route_manner(const nlmsghdr& message);

// The message that makes it so again, by that device. None: it has no manner, or one that leads through links that are no more.
std::optional<Message> write_in_its_manner(const Route& route, int device, const State& host);

}  // namespace bridges
