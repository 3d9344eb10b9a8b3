// libvirt's pointers, owned by type. Only the sources of this folder include it.
#pragma once

#include "netd/guests/virt_library.hpp"

#include <cstdlib>
#include <memory>
#include <string>

namespace guests {

struct Release {
    void operator()(virConnect* held) const noexcept { virt().virConnectClose(held); }
    void operator()(virDomain* held) const noexcept { virt().virDomainFree(held); }
    void operator()(virNetwork* held) const noexcept { virt().virNetworkFree(held); }
    void operator()(char* held) const noexcept { std::free(held); }
};

using ConnectionPtr = std::unique_ptr<virConnect, Release>;
using DomainPtr = std::unique_ptr<virDomain, Release>;
using NetworkPtr = std::unique_ptr<virNetwork, Release>;
using TextPtr = std::unique_ptr<char, Release>;

// What libvirt last said on this thread.
topology::Error last_error(const std::string& subject);

}  // namespace guests
