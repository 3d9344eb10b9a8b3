// What is asked of a guest's NIC, read; that it is well-formed has been seen to at the door (netd/serve/nic_request.hpp).
#pragma once

#include "netd/serve/commands.hpp"

#include <string>

namespace netd {

// Plugs that may be one change with others: those that nobody but this host has a say in.
bool goes_with_others(const serve::ChangeNic& plug);

// Named as libvirt wants aliases of others than itself to be.
bool is_alias(const std::string& alias);

// Of one that is plugged in once more: what is left out and can't change is as it has it.
void keep_what_lasts(const nlohmann::json& described, const intent::GuestNic& known, intent::GuestNic& nic);

// What an update changes of the NIC; what is left out stays, null takes away.
void read_changes(const nlohmann::json& params, intent::GuestNic& nic, intent::Complaints& complaints);

}  // namespace netd
