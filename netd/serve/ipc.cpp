// See ipc.hpp.
#include "netd/serve/ipc.hpp"

#include "netd/loop/event_loop.hpp"
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
bool is_served(const sockaddr_un& address, int type) {
    const loop::Fd probe{::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!probe) return true;
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(probe.number(), where, sizeof address) == 0 || (errno != ECONNREFUSED && errno != ENOENT);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

// libzmq removes whatever has the name, a file as readily as the socket of a living daemon.
Result<> check_free(const std::string& path, int type) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT ? Result<>{} : Result<>{system_error(path, "lstat")};
    if (!S_ISSOCK(found.st_mode)) return Error{Fault::conflict, path, "is there and is no socket: remove it by hand"};
    if (is_served(address_of(path), type)) return Error{Fault::conflict, path, "another process serves this socket"};
    return {};
}

Result<> make_room(const std::string& path, int group, int type) {
    if (!path.starts_with('/')) return Error{Fault::invalid, path, "must be an absolute path"};
    if (path.size() >= sizeof(sockaddr_un{}.sun_path)) return Error{Fault::invalid, path, "the path is too long for a socket"};
    if (auto made = make_folder(path, group); !made) return made.error();
    return check_free(path, type);
}

}  // namespace

Result<> bind_ipc(Socket& socket, const std::string& endpoint, int group) {
    constexpr std::string_view scheme = "ipc://";
    if (!endpoint.starts_with(scheme)) return Error{Fault::invalid, endpoint, "must begin with ipc://"};
    const std::string path = endpoint.substr(scheme.size());
    if (auto room = make_room(path, group, SOCK_STREAM); !room) return room.error();
    const Umask group_only{0117};
    if (auto bound = socket.bind(endpoint); !bound) return bound.error();
    return give_to(path, group);
}

Result<loop::Fd> listen_for_packets(const std::string& path, int group) {
    if (auto room = make_room(path, group, SOCK_SEQPACKET); !room) return room.error();
    loop::Fd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return system_error(path, "socket");
    const auto address = address_of(path);
    ::unlink(path.c_str());
    const Umask group_only{0117};
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return system_error(path, "bind");
    if (::listen(socket.number(), SOMAXCONN) != 0) return system_error(path, "listen");
    if (auto given = give_to(path, group); !given) return given.error();
    return socket;
}

}  // namespace serve
