// libvirt's pointers, owned by type. Only the sources of this folder include it.
#pragma once

#include "topology/result.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace guests {

template <auto Release>
struct FreedBy {
    template <class T> void operator()(T* held) const noexcept { Release(held); }
};

using DomainPtr = std::unique_ptr<virDomain, FreedBy<virDomainFree>>;
using NetworkPtr = std::unique_ptr<virNetwork, FreedBy<virNetworkFree>>;
using TextPtr = std::unique_ptr<char, FreedBy<std::free>>;

struct CloseConnection {
    void operator()(virConnect* held) const noexcept { virConnectClose(held); }
};
using ConnectionPtr = std::unique_ptr<virConnect, CloseConnection>;

// What libvirt last said on this thread.
topology::Error last_error(const std::string& subject);

}  // namespace guests
