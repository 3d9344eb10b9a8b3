// A namespace is a file; of a tap's guest nobody but its hypervisor knows.
#include "netd/daemon/presence.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace netd {

namespace {

std::string path_of(const std::string& name) { return name.starts_with('/') ? name : "/run/netns/" + name; }

}  // namespace

bool namespace_exists(const std::string& name) {
    struct statfs about;
    return ::statfs(path_of(name).c_str(), &about) == 0 && about.f_type == NSFS_MAGIC;
}

bool is_own_namespace(const std::string& name) {
    struct stat file, own;
    return ::stat(path_of(name).c_str(), &file) == 0 && ::stat("/proc/self/ns/net", &own) == 0 && file.st_dev == own.st_dev && file.st_ino == own.st_ino;
}

bool guest_is_there(const intent::GuestNic& nic) {
    return nic.kind != intent::GuestKind::netns || (namespace_exists(nic.vm) && !is_own_namespace(nic.vm));
}

}  // namespace netd
