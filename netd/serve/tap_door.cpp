// See tap_door.hpp.
#include "netd/serve/tap_door.hpp"

#include "bridges/tap.hpp"
#include "netd/lower/naming.hpp"
#include "netd/serve/ipc.hpp"
#include "netd/wire/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <sys/socket.h>
#include <vector>

namespace serve {

using loop::Error;
using loop::Fault;
using loop::Result;
using loop::system_error;

namespace {

constexpr std::size_t most_visitors = 32;   // then whoever came first and said nothing goes
constexpr std::size_t most_descriptors = 253;   // SCM_MAX_FD of the kernel
constexpr std::size_t most_bytes = 1024;

const intent::GuestNic* nic_at(const observe::Published& snapshot, std::string_view port) {
    if (!snapshot) return nullptr;
    for (const intent::GuestNic& nic : snapshot->running.nics())
        if (nic.kind == intent::GuestKind::tap && lower::port_of(nic).text() == port) return &nic;
    return nullptr;
}

bool may_have(const intent::GuestNic& nic, int visitor) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(visitor, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return false;
    return who.uid == 0 || who.uid == ::geteuid() || (nic.user && who.uid == *nic.user);
}

Result<> send_packet(int visitor, const std::string& text, std::span<const int> descriptors = {}) {
    iovec bytes{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    std::vector<std::max_align_t> room(CMSG_SPACE(descriptors.size_bytes()) / sizeof(std::max_align_t) + 1);
    if (!descriptors.empty()) {
        message.msg_control = room.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    if (::sendmsg(visitor, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return system_error("the hypervisor's connection", "sendmsg");
    return {};
}

void send_refusal(int visitor, const Error& error) {
    // Ignored: who is gone needs no sentence.
    std::ignore = send_packet(visitor, nlohmann::json{{"error", sentence(error)}}.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
}

Result<> lend(int visitor, const topology::IfName& port, const bridges::Tap& tap) {
    return bridges::lend_tap(port, tap, [&](std::span<const int> queues, std::span<const int> vhosts) {
        std::vector<int> all(queues.begin(), queues.end());
        if (queues.size() + vhosts.size() <= most_descriptors) all.insert(all.end(), vhosts.begin(), vhosts.end());
        return send_packet(visitor, nlohmann::json{{"port", port.text()}, {"queues", queues.size()}, {"vhost", all.size() - queues.size()}}.dump(), all);
    });
}

}  // namespace

Result<std::unique_ptr<TapDoor>> TapDoor::open(loop::EventLoop& loop, const std::string& path, int group) {
    auto socket = listen_for_packets(path, group);
    if (!socket) return socket.error();
    auto clerk = loop::Clerk::open(loop, "netd-taps", most_visitors);
    if (!clerk) return clerk.error();
    std::unique_ptr<TapDoor> door(new TapDoor(loop, std::move(*socket), std::move(*clerk)));
    if (auto watched = loop.watch(door->door_.number(), [there = door.get()] { there->welcome(); }); !watched) return watched.error();
    return door;
}

TapDoor::~TapDoor() {
    while (!visitors_.empty()) see_off(visitors_.front().number());
    loop_.unwatch(door_.number());
}

void TapDoor::welcome() {
    loop::Fd visitor{::accept4(door_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!visitor) return;
    if (visitors_.size() == most_visitors) see_off(visitors_.front().number());
    const int number = visitor.number();
    if (loop_.watch(number, [this, number] { answer(number); })) visitors_.push_back(std::move(visitor));
}

void TapDoor::answer(int number) {
    std::array<char, most_bytes> packet{};
    const ssize_t size = ::recv(number, packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    loop::Fd visitor = see_off(number);
    if (size <= 0) return;
    const auto nic = static_cast<std::size_t>(size) <= packet.size() ? asked_for(number, {packet.data(), static_cast<std::size_t>(size)})
                                                                     : Error{Fault::invalid, "question", "is too long"};
    if (nic) give(std::move(visitor), **nic);
    else send_refusal(number, nic.error());
}

Result<const intent::GuestNic*> TapDoor::asked_for(int visitor, std::string_view question) const {
    const auto asked = wire::parse_strict(question);
    if (!asked || !asked->is_object() || asked->size() != 1 || !asked->contains("port") || !(*asked)["port"].is_string())
        return Error{Fault::invalid, "question", "{\"port\": NAME} is due here"};
    const auto port = (*asked)["port"].get<std::string>();
    const intent::GuestNic* nic = nic_at(snapshot_, port);
    if (!nic || !may_have(*nic, visitor))
        return Error{Fault::not_found, port, "is no port of a NIC of kind tap that is made for the user who asks"};
    if (nic->queues > most_descriptors) return Error{Fault::invalid, port, fmt::format("its {} queues do not fit into one answer: open it by name", nic->queues)};
    return nic;
}

// The clerk hangs up, too: what is closed with the tap takes the same lock.
void TapDoor::give(loop::Fd visitor, const intent::GuestNic& nic) {
    const auto port = lower::port_of(nic);
    const auto held = std::make_shared<loop::Fd>(std::move(visitor));
    const bool is_taken = clerk_->try_give([held, port, tap = bridges::Tap{nic.queues, nic.user}]() -> loop::Clerk::Then {
        if (auto lent = lend(held->number(), port, tap); !lent) send_refusal(held->number(), lent.error());
        return {};
    });
    if (!is_taken) send_refusal(held->number(), {Fault::busy, port.text(), "too many ask at once; try again"});
}

loop::Fd TapDoor::see_off(int number) {
    loop_.unwatch(number);
    const auto found = std::ranges::find_if(visitors_, [&](const loop::Fd& one) { return one.number() == number; });
    loop::Fd visitor = std::move(*found);
    visitors_.erase(found);
    return visitor;
}

}  // namespace serve
