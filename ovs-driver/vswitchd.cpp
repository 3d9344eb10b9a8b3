// See vswitchd.hpp. The kernel takes a connection as long as the socket's owner lives, whatever that is busy with.
#include "ovs-driver/vswitchd.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace ovs {
namespace {

bool somebody_listens(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return true;  // can't be asked
    std::copy(path.begin(), path.end(), address.sun_path);
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return true;
    const bool is_refused = ::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && (errno == ECONNREFUSED || errno == ENOENT);
    ::close(number);
    return !is_refused;
}

}  // namespace

bool vswitchd_is_gone(const std::string& folder) {
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
        const std::string name = entry.path().filename();
        if (name.starts_with("ovs-vswitchd") && name.ends_with(".ctl") && somebody_listens(entry.path())) return false;
    }
    return !unreadable;
}

}  // namespace ovs
