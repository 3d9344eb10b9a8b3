// See netns_path.hpp. Looked at by a thread of its own, so that netd's never leave.
#include "bridges/netns_path.hpp"

#include "bridges/nl_socket.hpp"
#include "bridges/veth_peer.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>

#include <thread>

namespace bridges {
namespace {

// The namespace that the thread is in. Not by an ioctl (SIOCGIFINDEX): of a name that is free the kernel has modprobe look for a module first.
bool knows(const topology::IfName& name) {
    auto socket = RequestSocket::open();
    if (!socket) return false;
    std::vector<Message> asked;
    asked.emplace_back(RTM_GETLINK, 0, ifinfomsg{}).text(IFLA_IFNAME, name.text());
    const auto answers = socket->exchange(asked);
    return answers && answers->front().code == 0;
}

}  // namespace

bool has_link(const std::string& path_or_name, const topology::IfName& name) {
    const auto netns = open_netns(path_or_name);
    bool is_there = false;
    if (netns) std::thread([&] { is_there = setns(netns->get(), CLONE_NEWNET) == 0 && knows(name); }).join();
    return is_there;
}

}  // namespace bridges
