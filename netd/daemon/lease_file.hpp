// How a lease comes from the DHCP client to netd: as a file, which outlives both. The client runs netd itself as its hook,
// with its news in the environment.
#pragma once

#include "netd/lower/leases.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace netd {

// In the hook's environment: where the lease goes.
constexpr const char* lease_file_variable = "netd_lease_file";

// What the client's news mean for the lease that is kept. That one has expired is not believed: dhcpcd says so, too, when a
// cable is out for a moment or netd moves the address to another device; netd knows itself when it does (end_of_lease).
enum class News { keeps, brings, ends };
News news_of(std::string_view reason);

// A lease as one `key=value` a line, as dhcpcd calls them: new_ip_address, new_subnet_cidr, new_routers, … Whatever can't be
// read in it is passed over; nullopt without an address. Pure.
std::optional<lower::Lease> read_lease(const std::string& text);

// When it ends by what the server said, by CLOCK_BOOTTIME; nullopt: never. Pure.
std::optional<std::chrono::nanoseconds> end_of_lease(const std::string& text);

// The hook: leaves what the environment tells in that file, whole or not at all; an empty one when the lease has ended. The
// process's exit status.
int keep_lease(const std::string& file);

}  // namespace netd
