// What could be read of a request is held against the rules as well: this tells what they add to what could not be read.
#pragma once

#include "netd/intent/complaints.hpp"

namespace intent {

// Adds to the complaints about what can't be read those about rules that the rest breaks; but not what only follows from the former, as
// that a prefix needs the address that could not be read. What can't be read is no entry of its list, so entries get back their numbers.
void add_broken_rules(Complaints& unread, const Complaints& broken);

}  // namespace intent
