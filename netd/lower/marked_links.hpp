// Which links have a mark, whatever they are called.
#pragma once

#include "bridges/resources.hpp"
#include "topology/keyed.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace lower {

// Follows the links by what has changed of them since it was asked before, so that who looks for one mark walks over no thousand others.
class MarkedLinks {
public:
    // Those of these links that have the mark, which is one of netd's.
    std::vector<const bridges::Link*> of(const topology::Owner& mark, const topology::Keyed<bridges::Link>& links);

private:
    void follow(const topology::Keyed<bridges::Link>& links);

    topology::Keyed<bridges::Link> links_;
    std::unordered_multimap<std::string, topology::IfName> names_;  // by the mark's role
};

}  // namespace lower
