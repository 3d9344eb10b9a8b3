// Turns messages into answers: reads from the last snapshot at once, writes by way of the reconciler.
#pragma once

#include "bridges/blocked.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/serve/commands.hpp"
#include "netd/serve/deadlines.hpp"

#include <functional>
#include <unordered_map>

namespace serve {

// Lives on the loop's thread.
class Requests {
public:
    static constexpr std::size_t most_writes = 64;

    struct Counters {
        std::uint64_t requests = 0, refused = 0, malformed = 0, busy = 0;
    };
    using Send = std::function<void(const Ticket&, std::string bytes)>;

    Requests(Send send, loop::Mailbox<Command>& commands, const loop::Clock& clock);

    void on_message(const Caller& caller, std::string_view message);
    void on_reply(Reply reply);
    void on_left_queue(LeftQueue left = {});
    void publish(observe::Published snapshot);

    const observe::Published& snapshot() const { return snapshot_; }
    const Counters& counters() const { return counters_; }
    // More to say in Host.getStatus than this class knows: counters of the transport.
    void add_status(std::function<void(nlohmann::json&)> more) { more_status_ = std::move(more); }

    // What was heard of LLDP at these NICs; at all, if none is named.
    using Lldp = std::function<nlohmann::json(const std::vector<std::string>& devices)>;
    void add_lldp(Lldp lldp) { lldp_ = std::move(lldp); }

    // Whose queue this is may be long at one change: then those behind it have their no from here, when their time is over.
    loop::Result<> keep_deadlines(loop::EventLoop& loop);

    // What guests were not let send, as of now.
    void add_blocked(std::function<bridges::Blocked()> blocked) { blocked_ = std::move(blocked); }
    // What left by another network's device than it should, as of now.
    void add_strays(std::function<bridges::Strays()> strays) { strays_ = std::move(strays); }

private:
    using Params = nlohmann::json;
    using Handler = void (Requests::*)(const Ticket&, const Params&);
    struct Method {
        Handler handler;
        bool writes;  // needs the role to operate
        // Its parameters: those that are texts, and others, which it looks at itself. Absent: it looks at all of them itself.
        std::optional<std::vector<std::string_view>> texts = {};
        std::vector<std::string_view> others = {};
    };
    static const std::unordered_map<std::string, Method>& methods();

    // What is wrong with the parameters, and which it is; or nothing.
    static std::optional<topology::Error> wrong_with(const Params& params, const Method& method);

    void answer(const Ticket& ticket, const nlohmann::json& result);
    // `path` is a pointer to the part of the parameters that it is about; "": it is about none.
    void refuse(const Ticket& ticket, int code, std::string_view path, topology::Fault fault, const std::string& what);
    void refuse(const Ticket& ticket, const intent::Complaints& complaints);
    bool enqueue(const Ticket& ticket, Command command);  // false: it is refused
    void change_nic(const Ticket& ticket, NicVerb verb, const Params& params);
    // Of a result that is JSON already.
    void answer_text(const Ticket& ticket, std::string_view result);
    // An answer that many ask for is written once a revision.
    void answer_kept(const Ticket& ticket, const std::string& key, const std::function<std::string()>& write);

    // What setupNetworks and planNetworks ask for; without it the client has his refusal.
    std::optional<intent::Request> read_setup(const Ticket& ticket, const Params& params);

    void ping(const Ticket& ticket, const Params& params);
    void setup(const Ticket& ticket, const Params& params);
    void plan(const Ticket& ticket, const Params& params);
    void commit(const Ticket& ticket, const Params& params);
    template <class Ending>
    void end(const Ticket& ticket, const Params& params);
    void confirm(const Ticket& ticket, const Params& params);
    void roll_back(const Ticket& ticket, const Params& params);
    void capabilities(const Ticket& ticket, const Params& params);
    void statistics(const Ticket& ticket, const Params& params);
    void running_config(const Ticket& ticket, const Params& params);
    void lldp(const Ticket& ticket, const Params& params);
    void drift(const Ticket& ticket, const Params& params);
    void topology(const Ticket& ticket, const Params& params);
    void status(const Ticket& ticket, const Params& params);
    bool is_filtered(const intent::GuestNic& nic) const;
    nlohmann::json unknown_taps() const;
    void nics(const Ticket& ticket, const Params& params);
    void hotplug(const Ticket& ticket, const Params& params);
    void hotunplug(const Ticket& ticket, const Params& params);
    void update_device(const Ticket& ticket, const Params& params);
    void answer_plan(const Ticket& ticket, intent::Request request);

    Send send_;
    loop::Mailbox<Command>& commands_;
    const loop::Clock& clock_;
    std::chrono::nanoseconds started_;
    observe::Published snapshot_;
    std::unordered_map<std::string, std::string> kept_;  // of this revision
    std::size_t writes_ = 0;   // that have a place in the queue,
    std::size_t refused_ = 0;  // and those of them that are dropped from there when their turn comes
    Counters counters_ = {};
    std::unique_ptr<Deadlines> deadlines_;
    std::function<void(nlohmann::json&)> more_status_;
    Lldp lldp_;
    std::function<bridges::Blocked()> blocked_ = [] { return bridges::Blocked(); };
    std::function<bridges::Strays()> strays_ = [] { return bridges::Strays(); };
};

}  // namespace serve
