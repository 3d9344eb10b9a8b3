// A namespace is a file; of a tap's guest nobody but its hypervisor knows.
#include "netd/daemon/presence.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

namespace netd {

bool namespace_exists(const std::string& name) {
    const std::string path = name.starts_with('/') ? name : "/run/netns/" + name;
    struct statfs about;
    return ::statfs(path.c_str(), &about) == 0 && about.f_type == NSFS_MAGIC;
}

bool guest_is_there(const intent::GuestNic& nic) { return nic.kind != intent::GuestKind::netns || namespace_exists(nic.vm); }

}  // namespace netd
