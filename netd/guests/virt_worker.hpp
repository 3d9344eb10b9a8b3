// The thread that talks to libvirt: it takes errands, one after the other, and brings news. What asks something of a QEMU, which may stand
// still for as long as it likes, is done by a thread of its own, over a connection of its own.
#pragma once

#include "netd/guests/hypervisor.hpp"
#include "netd/loop/mailbox.hpp"

#include <future>
#include <memory>
#include <set>
#include <variant>

namespace guests {

struct Look {
    std::string domain = {};  // empty: all of them
    std::uint64_t number = 0; // of who waits for that
};
struct MayChange {
    std::string domain;
};
using Task = std::variant<Op, Nic::Key, MayChange>;  // a key: ask the guest to let go of that NIC
struct Deed {
    std::uint64_t number = 0;
    Task what;
    Deadline deadline;                // not begun after that, and answered by then
};
class Session;
struct Done {
    std::string domain;
    Result<> result;
    std::shared_ptr<const Session> session;  // over which it was done; none: there was none to be had
};
struct Withdrawn {  // it may have been offered
    std::string network;
};
struct Lost {};
struct Stop {};
using Errand = std::variant<Look, Deed, Done, std::vector<Offer>, Withdrawn, Lost, Stop>;

// Domains that shall tell the network where they are; none: it is the last of these.
using Speech = std::set<std::string>;

struct Answer {
    std::uint64_t number = 0;
    Result<> result;
};
struct News {
    bool connected = false;
    State state = {};
    std::string trouble = {};
    std::optional<Answer> answer = {};
    std::uint64_t looked = 0;  // for all of them, for the one who asked so
};

// What the two sides share. It is kept alive by whoever is left, since a call to a libvirt that hangs can't be ended.
struct Desk {
    std::string uri;
    std::unique_ptr<loop::Mailbox<Errand>> errands;
    std::unique_ptr<loop::Mailbox<News>> news;
    std::unique_ptr<loop::Mailbox<Speech>> speeches;
    std::promise<void> closed = {}, silent = {};  // the worker is done, and who makes guests speak
};

// Until it is told to stop.
void work(const std::shared_ptr<Desk>& desk);

// The same for speeches, by connections of its own: a QEMU that stands still keeps nobody but others' speeches waiting. Only once libvirt
// has been connected to.
void speak(const std::shared_ptr<Desk>& desk);

}  // namespace guests
