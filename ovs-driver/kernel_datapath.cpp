// One question to generic netlink, by hand: too small for a library, and no process is started for it.
#include "ovs-driver/kernel_datapath.hpp"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>

namespace ovs {
namespace {

constexpr std::string_view family = "ovs_datapath";

struct Question {
    nlmsghdr header = {};
    genlmsghdr control = {};
    nlattr attribute = {};
    std::array<char, NLA_ALIGN(family.size() + 1)> name = {};
};

Question question() {
    Question asked;
    asked.header.nlmsg_len = sizeof asked;
    asked.header.nlmsg_type = GENL_ID_CTRL;
    asked.header.nlmsg_flags = NLM_F_REQUEST;
    asked.control.cmd = CTRL_CMD_GETFAMILY;
    asked.control.version = 1;
    asked.attribute.nla_type = CTRL_ATTR_FAMILY_NAME;
    asked.attribute.nla_len = NLA_HDRLEN + family.size() + 1;
    std::memcpy(asked.name.data(), family.data(), family.size());
    return asked;
}

class Socket {
public:
    Socket() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)) {}
    ~Socket() {
        if (fd_ >= 0) close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace

bool kernel_has_datapath() {
    const Socket netlink;
    const Question asked = question();
    if (netlink.fd() < 0 || send(netlink.fd(), &asked, sizeof asked, 0) < 0) return false;

    // The kernel has answered before send() returned: with the family, or with an error message.
    alignas(nlmsghdr) std::array<char, 4096> answer = {};
    const auto length = recv(netlink.fd(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (length < static_cast<ssize_t>(sizeof(nlmsghdr))) return false;
    nlmsghdr header;
    std::memcpy(&header, answer.data(), sizeof header);
    return header.nlmsg_type == GENL_ID_CTRL;
}

bool KernelDatapath::is_there() {
    constexpr std::chrono::seconds until_asked_again{5};
    const auto now = std::chrono::steady_clock::now();
    if (!has_been_found_ && now >= next_look_) {
        has_been_found_ = kernel_has_datapath();
        next_look_ = now + until_asked_again;
    }
    return has_been_found_;
}

}  // namespace ovs
