// What `status` knows of the host, and what of it somebody should look at. Pure, so that it can be tried without a netd.
#pragma once

#include "netctl/exit.hpp"
#include "netctl/screen.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace netctl {

struct Report {
    nlohmann::json status = {};
    nlohmann::json drift = nlohmann::json::array();
    nlohmann::json problems = {};      // of the topology; null where no network is down, or it could not be had

    bool is_dirty() const;  // something runs that is not committed
    bool has_trouble() const;
    const nlohmann::json& bonds() const;  // those that are not well, each with a sentence
};

// All in one line, the worst first: what who looks once must see.
Cell verdict_of(const Report& report);

// For who watches many hosts: what keeps a network from being used fails, what others do to the host, or may be meant to be so, does not.
Exit ending_of(const Report& report);

// The networks that are down, those of one NIC or bond together, and what has become of that.
std::vector<std::string> reasons_of_down(const Report& report);

// Networks that ask for an address by DHCP and have none; those that are down have their line already.
std::vector<std::string> without_lease(const Report& report);

// Networks and others that are not as they are defined, each once.
std::vector<std::string> drifted(const Report& report);

}  // namespace netctl
