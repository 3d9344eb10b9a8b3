// netd's capabilities and statistics under the key names that iproute2 made known: ifname, mtu, operstate, master, link,
// address, addr_info, stats64.
#pragma once

#include <nlohmann/json.hpp>

namespace netctl {

// `capabilities` is the answer of Host.getNetworkCapabilities, `statistics` that of Host.getNetworkStatistics or null.
// Both return a list of objects: NICs, bonds, bridges and VLANs, in this order; and networks by name.
nlohmann::json links_of(const nlohmann::json& capabilities, const nlohmann::json& statistics);
nlohmann::json networks_of(const nlohmann::json& capabilities, const nlohmann::json& statistics);

// What `topology` (the answer of Host.getTopology) knows of the wires of networks: the NIC or bond of one that lost it, and that
// there is no carrier, with the flag NO-CARRIER. The operstate of one that guests hold up all the same is LOWERLAYERDOWN then.
void add_wires(nlohmann::json& networks, const nlohmann::json& topology);

// The flag NO-CARRIER for links that are up, and without a carrier.
void add_carriers(nlohmann::json& links, const nlohmann::json& topology);

// Networks that are defined and whose device is gone, which the capabilities leave out: what `topology` knows of them. Their
// operstate is MISSING.
void add_missing(nlohmann::json& networks, const nlohmann::json& topology);

// Which of them ask for an address by DHCP and have none, as `status` (the answer of Host.getStatus) tells.
void add_leases(nlohmann::json& networks, const nlohmann::json& status);

// {"rx": {"bytes": …}, "tx": {…}} of one interface; empty where nothing is known.
nlohmann::json stats64_of(const nlohmann::json& statistics, const std::string& ifname);

}  // namespace netctl
