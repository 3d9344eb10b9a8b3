// See netns_path.hpp. Looked at by a thread of its own, so that netd's never leave.
#include "bridges/netns_path.hpp"

#include "bridges/veth_peer.hpp"

#include <linux/if.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace bridges {
namespace {

// The namespace that the thread is in.
bool knows(const topology::IfName& name) {
    const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq asked = {};
    std::memcpy(asked.ifr_name, name.c_str(), std::min<std::size_t>(name.text().size(), IFNAMSIZ - 1));
    return socket && ioctl(socket.get(), SIOCGIFINDEX, &asked) == 0;
}

}  // namespace

bool has_link(const std::string& path_or_name, const topology::IfName& name) {
    const auto netns = open_netns(path_or_name);
    bool is_there = false;
    if (netns) std::thread([&] { is_there = setns(netns->get(), CLONE_NEWNET) == 0 && knows(name); }).join();
    return is_there;
}

}  // namespace bridges
