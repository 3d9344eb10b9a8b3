// The rules of access. Nothing here waits for a socket or keeps anything: the Doorkeeper does.
#include "netd/serve/access.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <grp.h>
#include <limits>
#include <pwd.h>
#include <vector>

namespace serve {

namespace {

constexpr std::array roles{Role::none, Role::observe, Role::operate};

// Takes the last ":NUMBER" off the text.
template <class Number>
bool take_last(std::string_view& text, Number& number) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return false;
    const auto digits = text.substr(colon + 1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (code != std::errc{} || end != digits.data() + digits.size()) return false;
    text.remove_suffix(text.size() - colon);
    return true;
}

std::optional<Peer> take_peer(std::string_view& text) {
    Peer peer;
    if (!take_last(text, peer.pid) || !take_last(text, peer.gid) || !take_last(text, peer.uid)) return std::nullopt;
    // (uid_t)-1 is the kernel's "nobody said": no process has it.
    if (peer.uid == static_cast<uid_t>(-1) || peer.pid < 0) return std::nullopt;
    return peer;
}

// The database's entries have no size known beforehand: ask with more room until it is enough.
template <class Entry, class Ask>
bool look_up(Entry& entry, std::vector<char>& room, Ask ask) {
    constexpr std::size_t most = std::size_t{1} << 20;  // a group of some ten thousand members
    for (room.resize(4096); room.size() <= most; room.resize(room.size() * 4)) {
        Entry* found = nullptr;
        const int code = ask(&entry, room.data(), room.size(), &found);
        if (code == ERANGE) continue;
        return code == 0 && found != nullptr;
    }
    return false;
}

std::optional<gid_t> group_named(const std::string& name) {
    group entry{};
    std::vector<char> room;
    const bool found = look_up(entry, room, [&](group* into, char* bytes, std::size_t size, group** result) {
        return ::getgrnam_r(name.c_str(), into, bytes, size, result);
    });
    return found ? std::optional(entry.gr_gid) : std::nullopt;
}

std::vector<gid_t> groups_of(const Peer& peer) {
    std::vector<gid_t> groups{peer.gid};
    passwd entry{};
    std::vector<char> room;
    const bool found = look_up(entry, room, [&](passwd* into, char* bytes, std::size_t size, passwd** result) {
        return ::getpwuid_r(peer.uid, into, bytes, size, result);
    });
    if (!found) return groups;
    std::vector<gid_t> all(64);
    int count = static_cast<int>(all.size());
    if (::getgrouplist(entry.pw_name, entry.pw_gid, all.data(), &count) < 0) {
        all.resize(static_cast<std::size_t>(std::clamp(count, 64, 65536)));
        count = static_cast<int>(all.size());
        if (::getgrouplist(entry.pw_name, entry.pw_gid, all.data(), &count) < 0) return groups;
    }
    groups.insert(groups.end(), all.begin(), all.begin() + count);
    return groups;
}

}  // namespace

std::string_view name_of(Role role) {
    switch (role) {
        case Role::none: return "none";
        case Role::observe: return "observe";
        case Role::operate: return "operate";
    }
    return "none";
}

std::optional<Peer> parse_peer(std::string_view address) { return take_peer(address); }

std::string write_badge(const Badge& badge) {
    if (badge.peer.is_remote()) return std::string(name_of(badge.role)) + '@' + badge.peer.engine;
    return std::string(name_of(badge.role)) + ':' + std::to_string(badge.peer.uid) + ':' + std::to_string(badge.peer.gid) + ':' +
           std::to_string(badge.peer.pid);
}

std::optional<Badge> parse_badge(std::string_view text) {
    std::optional<Peer> peer;
    if (const auto at = text.find('@'); at != text.npos && at + 1 < text.size()) {
        peer.emplace().engine = text.substr(at + 1);
        text = text.substr(0, at);
    } else {
        peer = take_peer(text);
    }
    const auto role = std::find_if(roles.begin(), roles.end(), [&](Role known) { return name_of(known) == text; });
    if (!peer || role == roles.end()) return std::nullopt;
    return Badge{*role, *peer};
}

std::optional<Role> role_without_asking(const Peer& peer, uid_t own) {
    if (peer.uid == 0 || peer.uid == own) return Role::operate;
    return std::nullopt;
}

Role role_by_groups(const Peer& peer, const Groups& groups) {
    const auto mine = groups_of(peer);
    const auto is_in = [&mine](const std::string& name) {
        const auto group = group_named(name);
        return group && std::find(mine.begin(), mine.end(), *group) != mine.end();
    };
    if (is_in(groups.operators)) return Role::operate;
    return is_in(groups.observers) ? Role::observe : Role::none;
}

}  // namespace serve
