// What libnl and the kernel hand out, owned by type: whoever holds one of these need not close it.
#pragma once

#include <netlink/msg.h>
#include <netlink/socket.h>
#include <unistd.h>

#include <initializer_list>
#include <memory>
#include <utility>

namespace bridges {

template <auto Release>
struct ReleasedBy {
    template <class T>
    void operator()(T* held) const noexcept {
        Release(held);
    }
};

using NlSocket = std::unique_ptr<nl_sock, ReleasedBy<nl_socket_free>>;
using NlMessage = std::unique_ptr<nl_msg, ReleasedBy<nlmsg_free>>;

// An open file; -1 is none.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

private:
    int fd_ = -1;
};

// Readable when one of them is; below 0 there is no such one.
Descriptor any_of(std::initializer_list<int> descriptors);

}  // namespace bridges
