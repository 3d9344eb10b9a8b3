// A NIC as libvirt writes it, and back: pure, for XML comes from outside like everything else.
#pragma once

#include "netd/guests/state.hpp"
#include "topology/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace guests {

// The <interface> element that plugs the NIC in: on a tap that is there already, which libvirt shall not touch.
std::string write_interface(const Nic& nic);

// The NICs of a domain, from the whole of its description: one a MAC. Those without a MAC or a device are left out. An error:
// it is no description of a domain.
topology::Result<std::vector<Nic>> read_interfaces(std::string_view xml, const std::string& domain);

// The <network> element that offers a logical network: guests are put on a bridge that is there.
std::string write_network(const Offer& offer);

// The UUID of a network that netd offers: from its name, and with a beginning that tells it from those of others.
std::string uuid_of_offer(std::string_view name);
bool is_uuid_of_offer(std::string_view uuid);

}  // namespace guests
