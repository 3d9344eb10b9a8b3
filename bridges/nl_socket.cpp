// See nl_socket.hpp.
#include "bridges/nl_socket.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace bridges {

using topology::Fault;

namespace {

// An hour's worth of a busy host: one new port makes 13 notifications of up to 2 KB each.
constexpr int notification_buffer = 128 << 20;
constexpr int request_buffer = 16 << 20;
// A part is what one sendmsg carries. Larger ones gain nothing, and the answers of a part must fit the buffer.
constexpr std::size_t part_messages = 128, part_bytes = 96 << 10;
constexpr int dump_attempts = 8;
constexpr int patience_s = 30;  // the kernel's lock is global: another namespace's teardown may hold it for seconds

constexpr const char* conversation = "netlink";

Error broken(const char* what, int code) {
    return {Fault::lost_sync, conversation, fmt::format("{}: {}", what, strerror(code))};
}

Fault fault_of(int code) {
    switch (code) {
        case EBUSY: case EEXIST: case EADDRINUSE: return Fault::conflict;
        case EPERM: case EACCES: return Fault::denied;
        case ENODEV: case ENXIO: case ENOBUFS: return Fault::lost_sync;
        case EINVAL: case ERANGE: return Fault::invalid;
        case ENOENT: case ESRCH: return Fault::not_found;
        default: return Fault::backend;
    }
}

// Without force the kernel's limit holds (no CAP_NET_ADMIN in the first user namespace); overruns are met anyway.
void widen(int fd, int force, int fallback, int size) {
    if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof size) != 0) {
        setsockopt(fd, SOL_SOCKET, fallback, &size, sizeof size);
    }
}

Result<NlSocket> connect() {
    NlSocket socket(nl_socket_alloc());
    if (!socket) return Error{Fault::backend, "netlink", "no memory for a socket"};
    if (const int code = nl_connect(socket.get(), NETLINK_ROUTE); code < 0) {
        return Error{Fault::backend, "netlink", fmt::format("cannot open a socket: {}", nl_geterror(code))};
    }
    return socket;
}

void switch_on(int fd, int option) {
    const int on = 1;
    setsockopt(fd, SOL_NETLINK, option, &on, sizeof on);  // an older kernel answers shorter, and that is all
}

}  // namespace

Descriptor any_of(std::initializer_list<int> descriptors) {
    Descriptor any(epoll_create1(EPOLL_CLOEXEC));
    for (const int fd : descriptors) {
        epoll_event event = {.events = EPOLLIN, .data = {}};
        if (fd >= 0 && epoll_ctl(any.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Descriptor();
    }
    return any;
}

Error refusal(const Answer& answer) {
    std::string text = fmt::format("the kernel says: {}", strerror(answer.code));
    if (!answer.text.empty()) text += fmt::format(" ({})", answer.text);
    if (answer.code == EOPNOTSUPP) text += "; a kernel module may be missing (bridge, 8021q, bonding, tun, veth)";
    return {fault_of(answer.code), {}, text};
}

bool is_broken(const Error& error) { return error.fault == Fault::lost_sync && error.subject == conversation; }

Datagrams::Read Datagrams::read(int fd, bool wait, const std::function<void(const nlmsghdr&)>& visit) {
    std::array<mmsghdr, most> headers = {};
    std::array<iovec, most> parts;
    std::array<sockaddr_nl, most> senders = {};
    const std::size_t count = all / room_;
    for (std::size_t i = 0; i < count; ++i) {
        parts[i] = {buffer_.get() + i * room_, room_};
        headers[i].msg_hdr = {&senders[i], sizeof(sockaddr_nl), &parts[i], 1, nullptr, 0, 0};
    }
    int got;
    do got = recvmmsg(fd, headers.data(), count, wait ? MSG_WAITFORONE : MSG_DONTWAIT, nullptr);
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == ENOBUFS ? Read::overrun : Read::none;
    bool cut = false;
    for (int i = 0; i < got; ++i) {
        if (headers[i].msg_hdr.msg_flags & MSG_TRUNC) cut = true;
        // Any process may send to our port; only the kernel is 0.
        else if (senders[i].nl_pid == 0) each_message({buffer_.get() + i * room_, headers[i].msg_len}, visit);
    }
    if (!cut) return Read::some;
    if (room_ == all) return Read::overrun;
    room_ = std::min(room_ * 4, all);
    return Read::cut;
}

Result<RequestSocket> RequestSocket::open() {
    auto socket = connect();
    if (!socket) return socket.error();
    const int fd = nl_socket_get_fd(socket->get());
    widen(fd, SO_RCVBUFFORCE, SO_RCVBUF, request_buffer);
    widen(fd, SO_SNDBUFFORCE, SO_SNDBUF, request_buffer);
    switch_on(fd, NETLINK_EXT_ACK);
    switch_on(fd, NETLINK_CAP_ACK);
    switch_on(fd, NETLINK_GET_STRICT_CHK);
    const timeval patience{patience_s, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return RequestSocket(std::move(*socket));
}

Result<> RequestSocket::send(std::span<const Message> part, std::uint32_t first) {
    std::vector<iovec> pieces;
    pieces.reserve(part.size());
    for (const Message& message : part) {
        nlmsghdr* header = message.raw();
        header->nlmsg_seq = first + static_cast<std::uint32_t>(pieces.size());
        header->nlmsg_pid = nl_socket_get_local_port(socket_.get());
        pieces.push_back({header, NLMSG_ALIGN(header->nlmsg_len)});
    }
    sockaddr_nl kernel = {};
    kernel.nl_family = AF_NETLINK;
    const msghdr whole{&kernel, sizeof kernel, pieces.data(), pieces.size(), nullptr, 0, 0};
    ssize_t sent;
    do sent = sendmsg(fd(), &whole, 0);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return broken("cannot send to the kernel", errno);
    return {};
}

namespace {

Answer read_answer(const nlmsghdr& message) {
    const auto body = header_of<nlmsgerr>(message);
    if (!body) return {EBADMSG, {}};
    Answer answer{-body->error, {}};
    if (!(message.nlmsg_flags & NLM_F_ACK_TLVS)) return answer;
    // The request is repeated whole in a refusal unless the kernel was asked to cap it.
    std::size_t skip = NLMSG_HDRLEN + sizeof(nlmsgerr);
    if (!(message.nlmsg_flags & NLM_F_CAPPED)) skip += NLMSG_ALIGN(body->msg.nlmsg_len) - NLMSG_HDRLEN;
    if (message.nlmsg_len <= skip) return answer;
    const auto* start = reinterpret_cast<const std::byte*>(&message) + skip;
    answer.text = Attributes({start, message.nlmsg_len - skip}).text(NLMSGERR_ATTR_MSG);
    return answer;
}

}  // namespace

Result<> RequestSocket::read_answers(std::span<Answer> part, std::uint32_t first, const Reply& reply) {
    std::size_t open = part.size();
    while (open > 0) {
        const auto read = datagrams_.read(fd(), true, [&](const nlmsghdr& message) {
            const std::uint32_t place = message.nlmsg_seq - first;
            if (place >= part.size()) return;  // the tail of an exchange that was given up
            if (message.nlmsg_type != NLMSG_ERROR) {
                if (reply) reply(message);
                return;
            }
            part[place] = read_answer(message);
            --open;
        });
        if (read == Datagrams::Read::overrun || read == Datagrams::Read::cut) return broken("answers were lost", ENOBUFS);
        if (read == Datagrams::Read::none) return broken("no answer", errno);
    }
    return {};
}

Result<std::vector<Answer>> RequestSocket::exchange(const std::vector<Message>& requests, const Reply& reply,
                                                    const std::function<void()>& between) {
    std::vector<Answer> answers(requests.size());
    for (std::size_t done = 0; done < requests.size();) {
        std::size_t end = done, bytes = 0;
        while (end < requests.size() && end - done < part_messages && bytes < part_bytes) {
            nlmsghdr* header = requests[end++].raw();
            header->nlmsg_flags |= NLM_F_ACK;
            bytes += header->nlmsg_len;
        }
        const std::uint32_t first = sequence_;
        sequence_ += static_cast<std::uint32_t>(end - done);
        if (auto sent = send(std::span(requests).subspan(done, end - done), first); !sent) return sent.error();
        const auto part = std::span(answers).subspan(done, end - done);
        if (auto read = read_answers(part, first, reply); !read) return read.error();
        if (between) between();
        done = end;
    }
    return answers;
}

// Of a list that was cut; the kernel begins no other before it has told all of one. It tells more as it is read.
bool RequestSocket::pass_over_rest() {
    while (datagrams_.read(fd(), false, [](const nlmsghdr&) {}) != Datagrams::Read::none) continue;
    return false;
}

// False: the kernel's list changed while it was told, or did not fit.
Result<bool> RequestSocket::dump_once(const Message& request, std::vector<std::byte>& into) {
    request.raw()->nlmsg_flags |= NLM_F_DUMP;
    const std::uint32_t sequence = sequence_++;
    if (auto sent = send({&request, 1}, sequence); !sent) return sent.error();
    bool whole = true, done = false;
    Answer answer;
    while (!done) {
        const auto read = datagrams_.read(fd(), true, [&](const nlmsghdr& message) {
            if (message.nlmsg_seq != sequence) return;
            if (message.nlmsg_flags & NLM_F_DUMP_INTR) whole = false;
            if (message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR) {
                if (const auto code = header_of<int>(message); code && *code < 0) answer.code = -*code;
                if (message.nlmsg_type == NLMSG_ERROR) answer = read_answer(message);
                done = true;
                return;
            }
            const auto* start = reinterpret_cast<const std::byte*>(&message);
            // What is not written to costs nothing, and each time that a long list moves is paid page by page.
            if (const std::size_t due = into.size() + NLMSG_ALIGN(message.nlmsg_len); due > into.capacity()) into.reserve(8 * due);
            into.insert(into.end(), start, start + message.nlmsg_len);
            into.resize(NLMSG_ALIGN(into.size()));
        });
        if (read == Datagrams::Read::overrun) return broken("a list was lost", ENOBUFS);
        if (read == Datagrams::Read::cut) return pass_over_rest();
        if (read == Datagrams::Read::none) return broken("no answer", errno);
    }
    if (answer.code == EINTR) return false;
    if (answer.code) return about("list", refusal(answer));
    return whole;
}

Result<std::vector<std::byte>> RequestSocket::dump(const Message& request) {
    std::vector<std::byte> messages;
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
        messages.clear();
        auto whole = dump_once(request, messages);
        if (!whole) return whole.error();
        if (*whole) return messages;
    }
    return messages;  // torn, but what it lacks has a notification that waits: the caller hears it next
}

Result<NotificationSocket> NotificationSocket::open() {
    auto socket = connect();
    if (!socket) return socket.error();
    widen(nl_socket_get_fd(socket->get()), SO_RCVBUFFORCE, SO_RCVBUF, notification_buffer);
    for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                            RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC}) {
        if (const int code = nl_socket_add_membership(socket->get(), group); code < 0) {
            return Error{Fault::backend, "netlink", fmt::format("cannot listen: {}", nl_geterror(code))};
        }
    }
    // Kernels before 5.7 do not have it, and tell a port's VLANs with its link alone.
    nl_socket_add_membership(socket->get(), RTNLGRP_BRVLAN);
    return NotificationSocket(std::move(*socket));
}

bool NotificationSocket::drain(const std::function<void(const nlmsghdr&)>& visit) {
    while (true) {
        const auto read = datagrams_.read(descriptor(), false, visit);
        if (read == Datagrams::Read::overrun || read == Datagrams::Read::cut) return false;
        if (read == Datagrams::Read::none) return true;
    }
}

}  // namespace bridges
