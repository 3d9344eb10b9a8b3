// What a guest's NIC must be, as far as its tags, limits and copies of traffic go.
#pragma once

#include "netd/intent/request.hpp"

#include <functional>

namespace intent {

using RefuseNic = std::function<void(std::string_view attribute, Fault fault, std::string what)>;

// `vlan` and `trunk`: on a switch that knows tags, and not that which the untagged network has inside of it.
void check_tags(const GuestNic& nic, const Intent& wanted, const RefuseNic& refuse);

// `specParams`: figures that make sense, and limits that this kernel and this switch can keep.
void check_limits(const GuestNic& nic, const Intent& wanted, const Facts& facts, const RefuseNic& refuse);

// `portMirroring`: networks that are there and whose traffic can be copied to where the NIC is.
void check_mirroring(const GuestNic& nic, const Intent& wanted, const Facts& facts, const RefuseNic& refuse);

}  // namespace intent
