// A guest's NIC whose definition was lost is known again by what netd wrote on its port, and by where that is.
#pragma once

#include "netd/lower/lower.hpp"

namespace lower {

// The port is there, and bears the mark of this NIC.
bool is_marked_port(const guests::Nic& there, const Host& host);

// Its definition as the port tells it: network, tags, filter, limits; not which networks it mirrors. None: it is where no network of
// `running` is. Of a marked port only. Pure.
std::optional<intent::GuestNic> recognise(const guests::Nic& there, const intent::Intent& running, const Host& host);

}  // namespace lower
