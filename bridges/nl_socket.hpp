// The two conversations with rtnetlink: requests that are answered, and notifications that arrive by themselves.
#pragma once

#include "bridges/nl_message.hpp"
#include "topology/result.hpp"

#include <functional>
#include <vector>

namespace bridges {

using topology::Error;
using topology::Result;

// What the kernel said to one request.
struct Answer {
    int code = 0;           // 0, or an errno
    std::string text = {};  // the kernel's own words, where it has some
};

// "the kernel says: Device or resource busy (…)", with the fault that tells the caller what to do about it.
Error refusal(const Answer& answer);

// The conversation itself has failed, and nothing is known; every other error is the kernel's own word.
bool is_broken(const Error& error);

// Datagrams of one netlink socket, many a system call, into one buffer that is kept.
class Datagrams {
public:
    enum class Read { some, none, cut, overrun };
    // Calls visit(const nlmsghdr&) for each message of the kernel that waits, up to one buffer full. Messages of other
    // processes are passed over in silence. `overrun`: messages were lost; `cut`: some were larger than there was room for, which
    // there is from now on.
    Read read(int fd, bool wait, const std::function<void(const nlmsghdr&)>& visit);

private:
    // The kernel fills 32 KiB of a dump's datagram, or as much as the largest thing in it takes.
    static constexpr std::size_t most = 32, all = most * 32768;
    std::size_t room_ = 32768;
    std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(all);
};

class RequestSocket {
public:
    static Result<RequestSocket> open();

    using Reply = std::function<void(const nlmsghdr&)>;

    // Sends the requests, many in a sendmsg, and returns the kernel's answer to each. What fails does not stop what
    // follows. Replies with data go to `reply`; `between` is called when a part has been answered, so that the caller
    // may empty its notification socket meanwhile.
    Result<std::vector<Answer>> exchange(const std::vector<Message>& requests, const Reply& reply = {},
                                         const std::function<void()>& between = {});

    // All that the kernel has of a kind, as one run of messages; asked again if it changed meanwhile.
    Result<std::vector<std::byte>> dump(const Message& request);

private:
    explicit RequestSocket(NlSocket socket) : socket_(std::move(socket)) {}
    int fd() const { return nl_socket_get_fd(socket_.get()); }
    Result<> send(std::span<const Message> part, std::uint32_t first);
    Result<> read_answers(std::span<Answer> part, std::uint32_t first, const Reply& reply);
    Result<bool> dump_once(const Message& request, std::vector<std::byte>& into);
    bool pass_over_rest();

    NlSocket socket_;
    Datagrams datagrams_;
    std::uint32_t sequence_ = 1;
};

class NotificationSocket {
public:
    static Result<NotificationSocket> open();

    // Calls visit for all messages that wait. False: some were lost.
    bool drain(const std::function<void(const nlmsghdr&)>& visit);
    int descriptor() const { return nl_socket_get_fd(socket_.get()); }

private:
    explicit NotificationSocket(NlSocket socket) : socket_(std::move(socket)) {}
    NlSocket socket_;
    Datagrams datagrams_;
};

}  // namespace bridges
