// The one thread that decides: takes commands in the order of their arrival, changes the host, tells what came of it.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/daemon/dhcp_clients.hpp"
#include "netd/daemon/gatekeeper.hpp"
#include "netd/daemon/host_resolver.hpp"
#include "netd/daemon/router_follower.hpp"
#include "netd/loop/labour.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/loop/pause.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/observe/statistics.hpp"
#include "netd/serve/commands.hpp"

#include <deque>
#include <set>

namespace netd {

// What is asked for, and who asks, for the log.
std::string asked_by(const serve::Ticket& ticket);

// The NIC that a first start takes over, and how long the way through it may be unconfirmed.
struct Management {
    topology::IfName nic;
    std::chrono::seconds timeout;
};

class Reconciler {
public:
    Reconciler(observe::Backends backends, DhcpClients& clients, HostResolver& resolver, store::Store store, const loop::Clock& clock, loop::Mailbox<serve::Command>& commands,
               loop::Mailbox<serve::Note>& notes, loop::Labour& labour);

    // Looks at the host, takes up what is on disk, publishes the first snapshot. An error: the kernel can't be read.
    topology::Result<> start(store::Remembered remembered, std::optional<Management> management);

    // Until it is told to stop. Configuration stays as it is.
    void run();

private:
    using Asker = std::optional<serve::Ticket>;
    // What the networks that stand ask of others than the kernel.
    struct Needs {
        topology::Keyed<intent::Network> of = {};
        lower::Clients clients = {};
        std::vector<lower::Hearing> hearing = {};
        int ovs = 0;  // so many networks
    };

    void hear();
    void keep_unheard();
    void try_again();
    void try_again_untold(std::chrono::steady_clock::time_point now);
    void attend();
    void write_resolver();
    void hear_leases();
    bool follow_leases();  // true if there was something to follow
    bool follow_news();    // the same
    void follow_leases(const std::vector<std::string>& keys, int& failures);
    std::vector<std::string> leases_to_follow();
    void refuse_unfit(std::set<std::string>& keys);
    void tell_refused_ways(const lower::Leases& now) const;
    void await_again();
    void await_leases(const intent::Request& request, const intent::Intent& wanted, apply::Terms& terms);
    void conclude_awaited();
    topology::Error too_late() const;
    // Routers that announce themselves to networks beside the default route.
    void see_to_routers();
    const bridges::State* last_told() const { return last_ ? &last_->observed.kernel : nullptr; }
    void follow_names();
    void patrol();
    bool differs_unheard() const;
    bool see_to_rules();    // true if something was put back, or tried to be
    bool put_rules_back();  // the same
    void tell_restored_flows();
    const Needs& needs();
    std::optional<topology::Error> trouble();
    std::optional<topology::Error> trouble_of_ovs();
    void log_ovs();
    void take(serve::Command command);
    void work_off();
    bool refuse_while_stuck(const serve::Command& command);
    void see_to_guests();
    void tell_renames();
    void see_to_leftovers();
    void expire();
    void expire_queued();
    std::chrono::steady_clock::time_point next_deadline() const;

    void setup(serve::Setup setup);
    void confirm(const serve::Confirm& confirm);
    void roll_back(const serve::RollBack& asked);
    bool waits_for_another(const serve::Ticket& ticket) const;
    std::optional<std::string> why_not_about_it(const serve::Ticket& ticket, const std::optional<std::uint64_t>& transaction) const;
    // The ends of the change that waits.
    apply::Outcome end_waiting(int code_if_taken_back, const std::function<apply::Outcome()>& decide);
    apply::Outcome keep();
    apply::Outcome take_back(const topology::Error& because);
    void commit(const serve::CommitRunning& commit);
    void change_nic(const serve::ChangeNic& change);
    struct Plug {
        serve::Ticket ticket;
        intent::GuestNic nic;
    };
    std::optional<intent::GuestNic> described(const serve::ChangeNic& change);
    void plug(const serve::ChangeNic& change);
    bool plug_at_once(const std::vector<Plug>& plugs);
    void answer(const serve::Ticket& ticket, const intent::GuestNic& nic, bool changed);
    void unplug(const serve::ChangeNic& change);
    void update(const serve::ChangeNic& change);
    void put_nic(const serve::Ticket& ticket, const intent::GuestNic& nic, const intent::Intent& wanted, int code);
    void take_out(const serve::Ticket& ticket, const intent::GuestNic::Key& key);
    intent::Complaints look_up_guest(intent::GuestNic& nic) const;
    void wait_for_parting(serve::Ticket ticket, const intent::GuestNic::Key& nic, const std::optional<topology::IfName>& device, std::chrono::steady_clock::time_point deadline);
    bool is_parting(const intent::GuestNic::Key& nic) const;
    const intent::GuestNic* find_nic(const nlohmann::json& params) const;

    // What the hypervisor's guests did by themselves.
    void follow_guests();
    void follow_each(const intent::Intent& wanted);
    void guard_newcomers();
    void ask_who_moved();
    void ask_before_mending();
    void ask_in_turn();
    void let_go_of_ports();
    void see_to_strays(const lower::Followed& followed);
    void settle_partings();
    void announce_moved(const intent::Intent& was, const intent::Intent& now);
    void see_to_management();
    bool is_management_due();
    void take_over(const topology::IfName& management, std::chrono::seconds timeout);
    bool knows_nothing() const;  // of any definition
    std::optional<topology::Error> trouble_of_management() const;
    void mend(const serve::Mend& mend);
    void mend_beside();
    intent::Intent attainable() const;
    std::optional<topology::Error> mend(const observe::Parts& parts, const intent::Intent& there);  // why it could not be

    // The transaction's end, told to whom asked for it, to the subscribers and in the log.
    void conclude(const Asker& asker, const apply::Outcome& outcome, int code_if_refused) { conclude(asker, outcome, code_if_refused, transactor_.number()); }
    void conclude(const Asker& asker, const apply::Outcome& outcome, int code_if_refused, const std::optional<std::uint64_t>& transaction);
    // Has others than the kernel follow what stands, and tells how it is now; show() does the latter alone.
    void publish() { attend(), show(); }
    void show();
    void reply(const serve::Ticket& ticket, const nlohmann::json& result, bool ends_write = true);
    void answer_no(const serve::Ticket& ticket, int code, const std::string& message, const nlohmann::json& data);
    void refuse(const serve::Ticket& ticket, int code, const topology::Error& error);  // about no part of what was sent
    void refuse(const serve::Ticket& ticket, const intent::Complaints& complaints);
    void announce(const char* topic, nlohmann::json event);
    static constexpr const char* own = "netd";  // who asks for what nobody else does
    // What a change does when it is begun; `who` asked for it.
    std::function<void(std::uint64_t number)> tell_begun(std::string who);
    intent::Facts facts() const;

    observe::Backends backends_;
    DhcpClients& clients_;
    HostResolver& resolver_;
    apply::Transactor transactor_;
    const loop::Clock& clock_;
    loop::Mailbox<serve::Command>& commands_;
    loop::Mailbox<serve::Note>& notes_;
    loop::Labour& labour_;
    std::optional<Management> management_;  // not taken over yet
    std::optional<std::chrono::nanoseconds> management_due_;  // it is there, and taken then as it is
    std::optional<topology::Error> not_taken_over_;  // and why it won't be
    std::deque<serve::Command> queue_;
    // Guests that were asked to let go of a NIC and have not answered yet; others' changes go on meanwhile.
    struct Parting {
        serve::Ticket ticket;
        intent::GuestNic::Key nic;
        std::optional<topology::IfName> device;  // another NIC of its MAC may be known in its place then
        std::chrono::steady_clock::time_point deadline;
    };
    std::vector<Parting> partings_;
    std::optional<guests::State> followed_;     // what the definitions follow, and
    std::optional<intent::Intent> followers_;   // the definitions that do
    std::chrono::steady_clock::time_point guests_again_{};  // not before, as following them was refused
    loop::Pause guests_pause_{std::chrono::seconds(5), std::chrono::seconds(60)};
    struct LookedAt {
        intent::Intent running = {};
        topology::Keyed<bridges::Link> links = {};
    };
    LookedAt filters_seen_;                     // in what filters on bridges of others were last looked for
    std::optional<lower::HostState> guarded_;   // in what newcomers were last looked for while definitions could not follow
    bool guarded_newcomers_ = false;            // and some were there, in no definition
    std::optional<lower::HostState> tried_in_;  // a way back that is blocked, last
    std::chrono::steady_clock::time_point untold_again_{};  // not before is it tried though nothing is heard
    loop::Pause untold_pause_{std::chrono::seconds(1), std::chrono::seconds(60)};
    std::optional<lower::HostState> places_;    // where guests' ports were last seen
    std::string asked_in_turn_;                 // up to this domain
    std::set<guests::Nic::Key> strays_;         // asked already
    std::set<guests::Nic::Key> unplaced_;       // told already
    std::chrono::steady_clock::time_point patrol_again_{};
    std::optional<topology::IfName> patrolled_ = {};  // up to here
    Gatekeeper gatekeeper_{backends_};
    Needs needs_;
    Asker asker_;                               // of the transaction that waits for its confirmation
    std::chrono::nanoseconds waiting_since_{};
    observe::PaceKeeper paces_;
    observe::Published last_;
    std::optional<observe::LastOutcome> last_outcome_;
    std::uint64_t overruns_ = 0;
    intent::Renames renames_told_;
    topology::Keyed<bridges::Link> links_followed_;
    bool names_due_ = false;                    // a NIC came that may be known under another name
    // The leases that the open transaction waits for, by key, and who of its networks does.
    std::optional<std::map<std::string, intent::NetworkName>> awaited_;
    // The host could not be made by these; they are tried again then, or when they change.
    struct Refused {
        std::optional<lower::Lease> lease = {};
        std::chrono::nanoseconds again{};
    };
    std::map<std::string, Refused> refused_leases_;
    RouterFollower routers_{backends_, clock_};
    std::optional<std::chrono::nanoseconds> hear_again_ = {};   // when the kernel could not be heard
    std::optional<std::chrono::nanoseconds> rules_again_ = {};  // when netd's tables could not be put back
    std::string client_trouble_, resolver_trouble_;
    bool stopping_ = false;
    std::string ovs_trouble_ = {};  // as the log has it
};

}  // namespace netd
