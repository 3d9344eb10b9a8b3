// Everything that the hypervisor has, or shall have, in one value.
#pragma once

#include "netd/guests/resources.hpp"
#include "topology/keyed.hpp"

#include <variant>

namespace guests {

struct State {
    topology::Keyed<Domain> domains = {};
    topology::Keyed<Nic> nics = {};

    // By name, or by UUID with its hyphens, in any case. Null: there is none.
    const Domain* domain(const std::string& name_or_uuid) const;
    bool runs(const std::string& domain) const;

    bool operator==(const State&) const = default;
};

using topology::Create;
using topology::Remove;
using topology::Update;

using Op = std::variant<Create<Nic>, Update<Nic>, Remove<Nic>>;

}  // namespace guests
