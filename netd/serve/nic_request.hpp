// What must be right about the parameters of VM.hotplugNic, hotunplugNic and updateDevice whatever the host is like.
#pragma once

#include "netd/intent/complaints.hpp"
#include "netd/serve/commands.hpp"

namespace serve {

// The code that the verb complains with.
int code_of(NicVerb verb);

// Everything that is wrong with them as such, so that nobody waits in the queue for that. What the NIC is beside others is another matter.
intent::Complaints wrong_with(NicVerb verb, const nlohmann::json& params);

// The pointers of these (/nic/…) as the parameters have it: some clients write the NIC's attributes beside `vmId`.
intent::Complaints as_asked(const intent::Complaints& complaints, const nlohmann::json& params);

// What says which NIC is meant, and where it stands.
struct NicName {
    std::string key = {};    // macAddr or alias; "": nothing says it
    std::string place = {};  // a pointer
    nlohmann::json value = {};
};
// By which it is found: the MAC, else the alias, beside `vmId`; where neither is there the same in `nic`, whose alias is a new one otherwise.
NicName name_of(const nlohmann::json& params);

// The MAC that `nic` has. Of parameters with which nothing is wrong, as the next.
std::optional<topology::Mac> mac_in_nic(const nlohmann::json& params);
// Whether that is another than the NIC's that is meant.
bool names_another(const nlohmann::json& params, const topology::Mac& mac);
// What is said of that.
topology::Error another_mac(NicVerb verb);

bool has_nic(const nlohmann::json& params);
// `nic` of the parameters; an empty object where there is none.
const nlohmann::json& nic_of(const nlohmann::json& params);

}  // namespace serve
