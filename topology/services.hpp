// What the host answers on networks of each role.
#pragma once

#include "topology/role.hpp"

#include <map>
#include <vector>

namespace topology {

// One protocol's ports: "tcp/22", "tcp/49152-49215", "udp/6081", "sctp/132".
struct Service {
    std::string protocol = "tcp";
    std::uint16_t first = 0, last = 0;

    static Result<Service> parse(std::string_view text);
    std::string text() const;
    auto operator<=>(const Service&) const = default;
};

// By role; a role that is not in it answers nothing but ping.
using Services = std::map<Role, std::set<Service>>;

// ssh and the engine's port on management, the hypervisor's ports for migration, consoles on display, bricks on gluster.
Services usual_services();

// Of a device's roles together.
std::set<Service> services_of(const Services& services, const Standing& standing);

}  // namespace topology
