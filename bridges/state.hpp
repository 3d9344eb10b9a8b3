// Everything that the kernel has, or shall have, in one value.
#pragma once

#include "bridges/resources.hpp"
#include "topology/keyed.hpp"

namespace bridges {

struct State {
    topology::Keyed<Link> links = {};
    topology::Keyed<Route> routes = {};
    topology::Keyed<Rule> rules = {};

    bool operator==(const State&) const = default;
    static constexpr auto fields =
        std::tuple{Field{"links", &State::links}, Field{"routes", &State::routes}, Field{"rules", &State::rules}};
};

using topology::Create;
using topology::Remove;
using topology::Update;

using Op = std::variant<Create<Link>, Update<Link>, Remove<Link>, Create<Route>, Update<Route>, Remove<Route>,
                        Create<Rule>, Remove<Rule>>;

}  // namespace bridges
