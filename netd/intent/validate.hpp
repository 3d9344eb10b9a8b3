// Says which definitions a request leads to, or everything that is wrong with it.
#pragma once

#include "netd/intent/request.hpp"

namespace intent {

struct Verdict {
    Intent wanted;            // meaningless if there are complaints
    Complaints complaints = {};
};

// The request laid over what holds now. A network in the request takes the place of the one of its name; what is not
// named stays, but for the default route, which a new holder takes from the old one. Pure.
Verdict validate(const Request& request, const Intent& running, const Facts& facts);

// A guest's NIC laid over what holds now (`code` is what to complain with: 49 or 56).
Verdict validate_nic(const GuestNic& nic, const Intent& running, const Facts& facts, int code);

}  // namespace intent
