// Who may do what: from the kernel's word on who is at the other end of a socket to one of three roles.
#pragma once

#include "topology/result.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace serve {

// Each includes the one before it.
enum class Role { none, observe, operate };

std::string_view name_of(Role role);

// Who connected. Over ipc: the process, as the kernel saw it at that moment (SO_PEERCRED). Over TCP: the engine whose key it
// has proven, and then the numbers say nothing.
struct Peer {
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    pid_t pid = 0;
    std::string engine = {};

    bool is_remote() const { return !engine.empty(); }

    bool operator==(const Peer&) const = default;
};

// libzmq's Peer-Address over ipc, "NAME:UID:GID:PID"; read from the right, for the name may hold anything.
std::optional<Peer> parse_peer(std::string_view address);

// What travels with each message as its User-Id: "operate:UID:GID:PID", or "operate@ENGINE".
struct Badge {
    Role role = Role::none;
    Peer peer = {};

    bool operator==(const Badge&) const = default;
};

std::string write_badge(const Badge& badge);
std::optional<Badge> parse_badge(std::string_view text);

// The groups whose members may operate, and may observe.
struct Groups {
    std::string operators = "netd-admin";
    std::string observers = "netd";
};

// The role of root and of the daemon's own user is known without asking; nobody else's is.
std::optional<Role> role_without_asking(const Peer& peer, uid_t own);

// Asks the host's user database, which may be a directory on the network: it can block for long, so never on the loop.
// Counts the peer's group and every group that its user is in now; a user that the database does not know has only the
// former. A group that does not exist has no members.
Role role_by_groups(const Peer& peer, const Groups& groups);

}  // namespace serve
