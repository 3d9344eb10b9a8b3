// Scopes: which keys a state has, and a state cut down to keys.
#include "netd/lower/host_state.hpp"

namespace lower {
namespace {

template <class R, class Keys>
void collect(const topology::Keyed<R>& from, Keys& into) {
    for (const R& resource : from) into.insert(resource.key());
}

template <class R, class Keys>
topology::Keyed<R> pick(const topology::Keyed<R>& from, const Keys& keys) {
    topology::Keyed<R> picked;
    for (const auto& key : keys)
        if (const R* found = from.find(key)) picked.put(*found);
    return picked;
}

}  // namespace

void Scope::include(const HostState& state) {
    collect(state.kernel.links, links);
    collect(state.kernel.routes, routes);
    collect(state.kernel.rules, rules);
    collect(state.ovs.bridges, bridges);
    collect(state.ovs.ports, ports);
    collect(state.guests.nics, nics);
    collect(state.ovs.mirrors, mirrors);
}

void Scope::include(const Scope& other) {
    links.insert(other.links.begin(), other.links.end());
    routes.insert(other.routes.begin(), other.routes.end());
    rules.insert(other.rules.begin(), other.rules.end());
    bridges.insert(other.bridges.begin(), other.bridges.end());
    ports.insert(other.ports.begin(), other.ports.end());
    nics.insert(other.nics.begin(), other.nics.end());
    mirrors.insert(other.mirrors.begin(), other.mirrors.end());
}

HostState restricted(const HostState& state, const Scope& scope) {
    return {{pick(state.kernel.links, scope.links), pick(state.kernel.routes, scope.routes), pick(state.kernel.rules, scope.rules)},
            {pick(state.ovs.bridges, scope.bridges), pick(state.ovs.ports, scope.ports), pick(state.ovs.mirrors, scope.mirrors)},
            {{}, pick(state.guests.nics, scope.nics)}};
}

}  // namespace lower
