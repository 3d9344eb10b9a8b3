// Where the loop sends what may have to wait, for a disk, a user database, or a lock of the kernel's that a change holds.
#pragma once

#include "netd/loop/mailbox.hpp"

#include <functional>
#include <thread>

namespace loop {

// A thread of its own that does one deed after the other, in the order in which they came. Belongs to the loop's thread.
class Clerk {
public:
    using Then = std::function<void()>;
    // Done in the other thread. What it returns is called on the loop, if it is anything.
    using Deed = std::function<Then()>;

    // `name` is for whoever looks at threads, 15 characters of it; `most` are the deeds that try_give() lets wait.
    static Result<std::unique_ptr<Clerk>> open(EventLoop& loop, std::string name, std::size_t most = std::numeric_limits<std::size_t>::max());
    ~Clerk();  // waits for the deed under way; of the others nothing is done, and nothing is called any more
    Clerk(const Clerk&) = delete;
    Clerk& operator=(const Clerk&) = delete;

    // Always takes it: for what must be done and is bounded by its maker.
    void give(Deed deed) { deeds_->push(std::move(deed)); }
    // False: too many wait already.
    [[nodiscard]] bool try_give(Deed deed) { return deeds_->try_push(std::move(deed)); }

private:
    using Deeds = Mailbox<Deed>;  // one that is empty: go home
    using Done = Mailbox<Then>;

    Clerk(EventLoop& loop, std::unique_ptr<Deeds> deeds, std::unique_ptr<Done> done) : loop_(loop), deeds_(std::move(deeds)), done_(std::move(done)) {}
    void work();

    EventLoop& loop_;
    std::unique_ptr<Deeds> deeds_;
    std::unique_ptr<Done> done_;
    std::thread thread_;
};

}  // namespace loop
