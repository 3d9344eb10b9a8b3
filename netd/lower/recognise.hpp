// A guest's NIC whose definition was lost is known again by what netd wrote on its port, and by where that is.
#pragma once

#include "netd/lower/lower.hpp"

namespace lower {

// For which NIC netd made the port of this one, be it there or not; none: it did not.
std::optional<intent::GuestNic::Key> made_for(const guests::Nic& there, const Host& host);

// The definition of the NIC as its port, which must be there, tells it: network, tags, filter, limits; not which networks it mirrors.
// None: the port is not marked as this NIC's, or where no network of `running` is. Pure.
std::optional<intent::GuestNic> recognise(const intent::GuestNic::Key& key, const intent::Intent& running, const Host& host);

}  // namespace lower
