// Which addresses a host can have as its own.
#pragma once

#include "topology/numbers.hpp"

#include <string_view>

namespace topology {

// Why a host can't have this address, in words; empty if it can.
std::string_view unfit_for_a_host(const Subnet& address);

}  // namespace topology
