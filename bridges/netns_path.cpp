// See netns_path.hpp. Asked from here by the number that the kernel has for the namespace: to enter it takes more than most netds may.
#include "bridges/netns_path.hpp"

#include "bridges/nl_socket.hpp"
#include "bridges/veth_peer.hpp"

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include <optional>

namespace bridges {
namespace {

Message about_number(int type, const Descriptor& netns) {
    Message message(type, 0, rtgenmsg{.rtgen_family = AF_UNSPEC});
    message.number(NETNSA_FD, netns.get());
    return message;
}

// A pair that leads there gives it one, too; it keeps it.
std::optional<std::int32_t> number_of(const Descriptor& netns, RequestSocket& socket) {
    std::vector<Message> asked;
    asked.push_back(about_number(RTM_NEWNSID, netns));
    asked.back().number(NETNSA_NSID, std::int32_t(-1));  // one that is free; refused where it has one
    asked.push_back(about_number(RTM_GETNSID, netns));
    std::optional<std::int32_t> number;
    const auto answers = socket.exchange(asked, [&](const nlmsghdr& reply) {
        if (reply.nlmsg_type == RTM_NEWNSID) number = Attributes(attributes_of<rtgenmsg>(reply)).get<std::int32_t>(NETNSA_NSID);
    });
    return answers && number >= 0 ? number : std::nullopt;
}

}  // namespace

// Not by an ioctl (SIOCGIFINDEX): of a name that is free the kernel has modprobe look for a module first.
bool has_link(const std::string& path_or_name, const topology::IfName& name) {
    const auto netns = open_netns(path_or_name);
    auto socket = RequestSocket::open();
    if (!netns || !socket) return false;
    const auto number = number_of(*netns, *socket);
    if (!number) return false;
    std::vector<Message> asked;
    asked.emplace_back(RTM_GETLINK, 0, ifinfomsg{}).number(IFLA_TARGET_NETNSID, *number);
    asked.back().text(IFLA_IFNAME, name.text());
    const auto answers = socket->exchange(asked);
    return answers && answers->front().code == 0;
}

}  // namespace bridges
