// Everything that OVSDB has, or shall have, in one value.
#pragma once

#include "ovs-driver/resources.hpp"
#include "topology/keyed.hpp"

namespace ovs {

struct State {
    topology::Keyed<Bridge> bridges = {};
    topology::Keyed<Port> ports = {};
    topology::Keyed<PortMirror> mirrors = {};

    bool operator==(const State&) const = default;
    static constexpr auto fields = std::tuple{Field{"bridges", &State::bridges}, Field{"ports", &State::ports}, Field{"mirrors", &State::mirrors}};
};

using topology::Create;
using topology::Remove;
using topology::Update;

using Op = std::variant<Create<Bridge>, Update<Bridge>, Remove<Bridge>, Create<Port>, Update<Port>, Remove<Port>,
                        Create<PortMirror>, Update<PortMirror>, Remove<PortMirror>>;

}  // namespace ovs
