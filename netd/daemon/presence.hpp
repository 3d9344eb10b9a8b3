// Whether a guest that a NIC was defined for is there to have it.
#pragma once

#include "netd/intent/definition.hpp"

#include <optional>
#include <string>

namespace netd {

bool namespace_exists(const std::string& name);  // under /run/netns, or a path
bool may_see_namespace(const std::string& name);  // one that a process of others is in wants CAP_SYS_PTRACE where it is named by that process
bool is_own_namespace(const std::string& name);  // that netd lives in
bool is_guests_namespace(const std::string& name, const std::optional<topology::IfName>& free);  // it exists, and is another; and nothing is called so in there
bool guest_is_there(const intent::GuestNic& nic);

}  // namespace netd
