// The file side of an ipc endpoint: who may reach the socket is settled before the first byte is read from it.
#include "netd/loop/event_loop.hpp"
#include "netd/loop/fd.hpp"
#include "netd/serve/zmq_handles.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace serve {

namespace {

using loop::system_error;

// umask is the only way: libzmq makes the socket and never asks for its mode.
class Umask {
public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(before_); }

private:
    mode_t before_;
};

Result<> give_to(const std::string& path, int group) {
    if (group < 0) return {};
    if (::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0) return system_error(path, "chown");
    return {};
}

Result<> make_folder(const std::string& path, int group) {
    const auto slash = path.rfind('/');
    if (slash == path.npos || slash == 0) return {};
    const std::string folder = path.substr(0, slash);
    const Umask open_to_group{0027};
    if (::mkdir(folder.c_str(), 0750) == 0) return give_to(folder, group);
    if (errno == EEXIST) return {};  // systemd's RuntimeDirectory=, with the rights that the unit gives it
    return system_error(folder, "mkdir");
}

// Does a process listen there? Only a plain "refused" says no; what we may not ask (EACCES) is somebody's.
bool is_served(const sockaddr_un& address) {
    const loop::Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!probe) return true;
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(probe.number(), where, sizeof address) == 0 || (errno != ECONNREFUSED && errno != ENOENT);
}

// libzmq removes whatever has the name, a file as readily as the socket of a living daemon.
Result<> check_free(const std::string& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT ? Result<>{} : Result<>{system_error(path, "lstat")};
    if (!S_ISSOCK(found.st_mode)) return Error{Fault::conflict, path, "is there and is no socket: remove it by hand"};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (is_served(address)) return Error{Fault::conflict, path, "another process serves this socket"};
    return {};
}

}  // namespace

Result<> bind_ipc(Socket& socket, const std::string& endpoint, int group) {
    constexpr std::string_view scheme = "ipc://";
    if (!endpoint.starts_with(scheme)) return Error{Fault::invalid, endpoint, "must begin with ipc://"};
    const std::string path = endpoint.substr(scheme.size());
    if (!path.starts_with('/')) return Error{Fault::invalid, endpoint, "must name an absolute path"};
    if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return Error{Fault::invalid, endpoint, "the path is too long for a socket"};
    if (auto made = make_folder(path, group); !made) return made.error();
    if (auto is_free = check_free(path); !is_free) return is_free.error();
    const Umask group_only{0117};
    if (auto bound = socket.bind(endpoint); !bound) return bound.error();
    return give_to(path, group);
}

}  // namespace serve
