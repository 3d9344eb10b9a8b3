// Look-ups in what the hypervisor has.
#include "netd/guests/state.hpp"

#include <fmt/format.h>

#include <strings.h>

namespace guests {

const Domain* State::domain(const std::string& name_or_uuid) const {
    if (const Domain* found = domains.find(Text{name_or_uuid})) return found;
    for (const Domain& domain : domains)
        if (::strcasecmp(domain.uuid.c_str(), name_or_uuid.c_str()) == 0) return &domain;
    return nullptr;
}

bool State::runs(const std::string& name) const {
    const Domain* found = domains.find(Text{name});
    return found && found->active;
}

std::string describe(const Nic& nic) { return fmt::format("NIC {} of {}", nic.mac.text(), nic.domain); }

}  // namespace guests
