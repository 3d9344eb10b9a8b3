// Where a hypervisor that is not libvirt gets a guest's tap as descriptors, so that it needs no right to open devices.
#pragma once

#include "netd/loop/clerk.hpp"
#include "netd/loop/fd.hpp"
#include "netd/observe/snapshot.hpp"

#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace serve {

// A socket of packets. Asked is {"port": NAME}; the answer is {"port", "queues", "vhost"} with as many descriptors of the
// tap, then of vhost-net, as they say; or {"error": SENTENCE}. One question a connection. root may ask, the daemon's own user,
// and the user that the tap was made for. Lives on the loop's thread; a clerk opens the tap, which takes the lock under which
// links change, so it may take seconds.
class TapDoor {
public:
    // "No": see listen_for_packets().
    static loop::Result<std::unique_ptr<TapDoor>> open(loop::EventLoop& loop, const std::string& path, int group);
    ~TapDoor();
    TapDoor(const TapDoor&) = delete;
    TapDoor& operator=(const TapDoor&) = delete;

    // The NICs that stand.
    void follow(observe::Published snapshot) { snapshot_ = std::move(snapshot); }

private:
    TapDoor(loop::EventLoop& loop, loop::Fd door, std::unique_ptr<loop::Clerk> clerk) : loop_(loop), door_(std::move(door)), clerk_(std::move(clerk)) {}
    void welcome();
    void answer(int visitor);
    loop::Result<const intent::GuestNic*> asked_for(int visitor, std::string_view question) const;
    void give(loop::Fd visitor, const intent::GuestNic& nic);
    loop::Fd see_off(int visitor);

    loop::EventLoop& loop_;
    loop::Fd door_;
    std::deque<loop::Fd> visitors_;   // that have not asked yet, the first to come first
    observe::Published snapshot_;
    std::unique_ptr<loop::Clerk> clerk_;
};

}  // namespace serve
