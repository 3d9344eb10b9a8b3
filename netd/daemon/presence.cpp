// A namespace is a file; of a tap's guest nobody but its hypervisor knows.
#include "netd/daemon/presence.hpp"

#include "bridges/netns_path.hpp"
#include "netd/lower/attainable.hpp"

#include <cerrno>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace netd {

bool namespace_exists(const std::string& name) {
    struct statfs about;
    return ::statfs(bridges::netns_path(name).c_str(), &about) == 0 && about.f_type == NSFS_MAGIC;
}

bool may_see_namespace(const std::string& name) {
    struct statfs about;
    return ::statfs(bridges::netns_path(name).c_str(), &about) == 0 || (errno != EACCES && errno != EPERM);
}

bool is_own_namespace(const std::string& name) {
    struct stat file, own;
    return ::stat(bridges::netns_path(name).c_str(), &file) == 0 && ::stat("/proc/self/ns/net", &own) == 0 && file.st_dev == own.st_dev && file.st_ino == own.st_ino;
}

bool is_guests_namespace(const std::string& name, const std::optional<topology::IfName>& free) {
    return namespace_exists(name) && !is_own_namespace(name) && !(free && bridges::has_link(name, *free));
}

bool guest_is_there(const intent::GuestNic& nic) { return lower::has_place(nic, is_guests_namespace); }

}  // namespace netd
