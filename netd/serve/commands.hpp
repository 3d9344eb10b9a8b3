// What the loop asks of the reconciler, and what the reconciler tells the loop: values, by mailbox.
#pragma once

#include "netd/intent/request.hpp"
#include "netd/observe/mending.hpp"
#include "netd/observe/snapshot.hpp"
#include "netd/serve/server.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <memory>
#include <string_view>
#include <variant>

namespace serve {

// Whom to answer, and under which id.
struct Ticket {
    Caller caller = {};
    nlohmann::json id = {};
    std::string_view method = {};  // of the table of methods
    bool is_counted = true;        // it has a place in the queue, if it asks for a change
};

// Of a change in the queue: one thread begins it, or another one says that it has waited for too long. Who takes it first does so.
class Turn {
public:
    bool take() const { return !taken_->exchange(true); }
    bool is_taken() const { return *taken_; }

private:
    std::shared_ptr<std::atomic<bool>> taken_ = std::make_shared<std::atomic<bool>>(false);
};

struct Setup {
    Ticket ticket;
    intent::Request request;
    Turn turn = {};

    // Clock::boottime(). `timeout` is for the whole: waiting in the queue, and being done.
    std::chrono::nanoseconds deadline() const {
        const auto& timeout = request.options.timeout;
        return timeout ? ticket.caller.arrived + std::chrono::seconds(*timeout) : std::chrono::nanoseconds::max();
    }
};
struct Confirm {
    Ticket ticket;
    std::optional<std::uint64_t> transaction = {};
};
struct RollBack {
    Ticket ticket;
    std::optional<std::uint64_t> transaction = {};
};
struct CommitRunning {
    Ticket ticket;
};
enum class NicVerb { plug, unplug, update };
struct ChangeNic {
    Ticket ticket;
    NicVerb verb;
    nlohmann::json params;
};
// Drift to be repaired; answered by Mended.
struct Mend {
    observe::Parts parts;
};
struct Stop {};
using Command = std::variant<Setup, Confirm, RollBack, CommitRunning, ChangeNic, Mend, Stop>;

struct Reply {
    Ticket ticket;
    std::string bytes;
    bool ends_write = true;  // it answers one of the writes that are counted toward the queue's limit
};
struct Announce {
    std::string topic;
    nlohmann::json event;
};
struct Mended {
    observe::Parts refused = {};
};
// A change has left its place in the queue: somebody else has said no to it, or it waits for others and its answer is still to come.
struct LeftQueue {
    bool was_refused = false;
};
using Note = std::variant<Reply, observe::Published, Announce, Mended, LeftQueue>;

}  // namespace serve
