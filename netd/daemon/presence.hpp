// Whether a guest that a NIC was defined for is there to have it.
#pragma once

#include "netd/intent/definition.hpp"

#include <string>

namespace netd {

bool namespace_exists(const std::string& name);  // under /run/netns, or a path
bool is_own_namespace(const std::string& name);  // that netd lives in
bool is_guests_namespace(const std::string& name);  // it exists, and is another
bool guest_is_there(const intent::GuestNic& nic);

}  // namespace netd
