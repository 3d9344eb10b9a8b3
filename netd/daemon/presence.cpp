// A namespace is a file; of a tap's guest nobody but its hypervisor knows.
#include "netd/daemon/presence.hpp"

#include <sys/stat.h>

namespace netd {

bool namespace_exists(const std::string& name) {
    const std::string path = name.starts_with('/') ? name : "/run/netns/" + name;
    struct stat status;
    return ::stat(path.c_str(), &status) == 0;
}

bool guest_is_there(const intent::GuestNic& nic) { return nic.kind != intent::GuestKind::netns || namespace_exists(nic.vm); }

}  // namespace netd
