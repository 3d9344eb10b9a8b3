// As little as can stand between a program and the kernel: messages in one buffer, many a sendmsg, acks read in bulk.
#pragma once

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace limit {

[[noreturn]] inline void die(const char* what, int error) {
    std::fprintf(stderr, "limit: %s: %s\n", what, std::strerror(error));
    std::exit(1);
}

// One request about a link.
class Message {
public:
    Message(std::uint16_t type, std::uint16_t flags, int index = 0) : bytes_(NLMSG_SPACE(sizeof(ifinfomsg))) {
        header()->nlmsg_type = type;
        header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        info()->ifi_index = index;
    }
    nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
    ifinfomsg* info() { return static_cast<ifinfomsg*>(NLMSG_DATA(header())); }
    Message& put(std::uint16_t type, const void* data, std::size_t size) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + RTA_SPACE(size));
        auto* attribute = reinterpret_cast<rtattr*>(bytes_.data() + at);
        attribute->rta_type = type;
        attribute->rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        if (size) std::memcpy(RTA_DATA(attribute), data, size);
        return *this;
    }
    Message& put(std::uint16_t type, const std::string& text) { return put(type, text.c_str(), text.size() + 1); }
    template <class Number>
    Message& number(std::uint16_t type, Number value) { return put(type, &value, sizeof value); }
    void header_of_peer() { bytes_.resize(bytes_.size() + sizeof(ifinfomsg)); }  // before the peer's attributes; down
    std::size_t open(std::uint16_t type) {
        const std::size_t at = bytes_.size();
        put(type, nullptr, 0);
        return at;
    }
    void close(std::size_t at) { reinterpret_cast<rtattr*>(bytes_.data() + at)->rta_len = static_cast<unsigned short>(bytes_.size() - at); }
    Message& kind(const char* name) {
        const auto at = open(IFLA_LINKINFO);
        put(IFLA_INFO_KIND, std::string(name));
        close(at);
        return *this;
    }
    Message& up() {
        info()->ifi_flags = info()->ifi_change = IFF_UP;
        return *this;
    }
    iovec piece() {
        header()->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
        return {bytes_.data(), bytes_.size()};
    }

private:
    std::vector<char> bytes_;
};

class Socket {
public:
    Socket() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
        const int room = 4 << 20, on = 1;
        setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        setsockopt(fd_, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    }
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    // All of them, so many a sendmsg; a refusal ends the program.
    void exchange(std::vector<Message>& messages, std::size_t at_once = 256) {
        for (std::size_t from = 0; from < messages.size(); from += at_once) {
            std::vector<iovec> pieces;
            for (std::size_t at = from; at < messages.size() && pieces.size() < at_once; ++at) {
                messages[at].header()->nlmsg_seq = static_cast<std::uint32_t>(at);
                pieces.push_back(messages[at].piece());
            }
            sockaddr_nl kernel{};
            kernel.nl_family = AF_NETLINK;
            const msghdr whole{&kernel, sizeof kernel, pieces.data(), pieces.size(), nullptr, 0, 0};
            if (::sendmsg(fd_, &whole, 0) < 0) die("sendmsg", errno);
            acknowledged(pieces.size());
        }
    }
    void exchange(Message message) {
        std::vector<Message> one{std::move(message)};
        exchange(one);
    }

private:
    void acknowledged(std::size_t due) {
        alignas(nlmsghdr) char buffer[65536];
        while (due > 0) {
            auto left = static_cast<unsigned>(::recv(fd_, buffer, sizeof buffer, 0));
            for (auto* at = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
                if (at->nlmsg_type != NLMSG_ERROR) continue;
                if (const int code = static_cast<nlmsgerr*>(NLMSG_DATA(at))->error) die("the kernel refuses", -code);
                --due;
            }
        }
    }
    int fd_;
};

inline double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace limit
