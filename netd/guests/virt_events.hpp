// libvirt's own loop, and what it hears: only hints to look again.
#pragma once

#include "netd/guests/virt_handles.hpp"

#include <functional>

namespace guests {

// Once in a process, before the first connection is opened: libvirt wants a thread that turns its loop. It lives as long as
// the process and owns nothing.
void start_virt_loop();

// What to do when a domain has changed, and when the connection is gone. Called on libvirt's thread.
struct Hints {
    std::function<void(const std::string& domain)> changed;
    std::function<void()> lost;
};

// From now on, until the connection is closed.
topology::Result<> listen(virConnect* connection, const Hints& hints);

}  // namespace guests
