// Two threads: this one answers, the other one decides. They share mailboxes and snapshots, nothing else.
#include "netd/daemon/daemon.hpp"

#include "bridges/linux_kernel.hpp"
#include "netd/daemon/claims.hpp"
#include "netd/daemon/drift_watch.hpp"
#include "netd/daemon/greeter.hpp"
#include "netd/daemon/host_resolver.hpp"
#include "netd/daemon/log.hpp"
#include "netd/daemon/presence.hpp"
#include "netd/daemon/reconciler.hpp"
#include "netd/daemon/supervisor.hpp"
#include "netd/daemon/tidying.hpp"
#include "netd/daemon/watchdog.hpp"
#include "netd/guests/libvirt_hypervisor.hpp"
#include "netd/loop/signals.hpp"
#include "netd/observe/events.hpp"
#include "netd/serve/blocked_watch.hpp"
#include "netd/serve/doorkeeper.hpp"
#include "netd/serve/lldp_ear.hpp"
#include "netd/serve/publisher.hpp"
#include "netd/serve/requests.hpp"
#include "netd/serve/tap_door.hpp"
#include "netd/wire/write_event.hpp"
#include "ovs-driver/filtered.hpp"
#include "ovs-driver/ovsdb_switch.hpp"

#include <grp.h>

#include <csignal>
#include <future>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>

namespace netd {

using topology::Error;
using topology::Result;

namespace {

int group_named(const char* name) {
    const group* found = ::getgrnam(name);
    return found ? static_cast<int>(found->gr_gid) : -1;
}

using Commands = loop::Mailbox<serve::Command>;
using Notes = loop::Mailbox<serve::Note>;

// The deciding thread; OVS's library wants its session opened by the thread that uses it.
class Decider {
public:
    Decider(const Options& options, const loop::Clock& clock, Commands& commands, Notes& notes, loop::Labour& labour)
        : thread_([this, &options, &clock, &commands, &notes, &labour] { live(options, clock, commands, notes, labour); }) {}
    ~Decider() { thread_.join(); }
    Decider(const Decider&) = delete;
    Decider& operator=(const Decider&) = delete;

    // After the first look at the host, or why there is none.
    Result<> started() { return ready_.get_future().get(); }

private:
    void live(const Options& options, const loop::Clock& clock, Commands& commands, Notes& notes, loop::Labour& labour) {
        ::prctl(PR_SET_NAME, "netd-reconciler");  // for whoever looks at threads
        auto store = store::Store::open(options.state, options.run);
        if (!store) return ready_.set_value(store.error());
        // With many networks each of the two takes a while, and neither needs the other.
        auto remembered = std::async(std::launch::async, [from = *store] { return from.remembered(); });
        auto kernel = bridges::open_linux_kernel(options.services);
        if (!kernel) return ready_.set_value(kernel.error());
        if (!(*kernel)->abilities().checksums) log::info("frames of guests are not held against where they ask for a checksum: this kernel, or the unit, has no BPF for it");
        auto ovs = ovs::open_switch(options.ovs);
        await_ovs(*ovs, options.ovs);
        const auto libvirt = guests::open_libvirt(options.libvirt);
        auto clients = DhcpClients::open(options.run + "/dhcp", clock);
        if (!clients) return ready_.set_value(clients.error());
        HostResolver resolver(options.resolver, options.state + "/resolv.conf.before", options.run, clock);
        Reconciler reconciler({**kernel, *ovs, libvirt ? *libvirt : guests::nobody(), &clients->leases().held(), is_guests_namespace}, *clients, resolver, std::move(*store), clock, commands, notes, labour);
        auto started = reconciler.start(remembered.get(), options.management ? std::optional(Management{*options.management, options.management_timeout}) : std::nullopt);
        const bool stands{started};
        ready_.set_value(std::move(started));
        if (stands) reconciler.run();
    }

    // An Open vSwitch that runs answers within milliseconds; one that has no socket does not run and is not waited for.
    static void await_ovs(ovs::Switch& ovs, const std::string& socket) {
        const std::string path = socket.starts_with("unix:") ? socket.substr(5) : socket;
        if (::access(path.c_str(), F_OK) == 0) observe::await_ovs(ovs, std::chrono::steady_clock::now() + std::chrono::seconds(2));
    }

    std::promise<Result<>> ready_;
    std::thread thread_;
};

template <class T, class Place>
Result<> keep(Result<T> opened, Place& place) {
    if (!opened) return opened.error();
    place = std::move(*opened);
    return {};
}

class House {
public:
    explicit House(const Options& options) : options_(options) {}

    Result<> build() {
        if (auto opened = keep(loop::EventLoop::open(), loop_); !opened) return opened;
        if (auto opened = keep(loop::Signals::open(*loop_, {SIGTERM, SIGINT}, [this](int) { stop_ = true; }), signals_); !opened) return opened;
        if (auto opened = keep(Commands::open(), commands_); !opened) return opened;
        if (auto opened = keep(Notes::open(), notes_); !opened) return opened;
        decider_ = std::make_unique<Decider>(options_, clock_, *commands_, *notes_, labour_);
        if (auto started = decider_->started(); !started) return started;
        return open_doors();
    }

    Result<> live() {
        supervisor_->ready();
        log::info("serving at {}", options_.control);
        if (options_.remote) log::info("serving engines elsewhere at {}", options_.remote->control.endpoint);
        auto ran = loop_->run_until([this] { return stop_; });
        supervisor_->stopping();
        return ran;
    }

    ~House() {
        if (commands_) commands_->push(serve::Stop{});
        decider_.reset();
    }

private:
    Result<> open_doors() {
        if (auto opened = keep(serve::Context::open(), context_); !opened) return opened;
        const auto role_of = [](const serve::Peer& peer) { return serve::role_by_groups(peer, {}); };
        if (auto opened = keep(serve::Doorkeeper::open(*loop_, *context_, role_of, engine_of()), doorkeeper_); !opened) return opened;
        if (auto opened = keep(Tidying::open(*loop_, clock_), tidying_); !opened) return opened;
        requests_ = std::make_unique<serve::Requests>([this](const serve::Ticket& ticket, std::string bytes) { answer(ticket, std::move(bytes)); }, *commands_, clock_);
        requests_->add_status([this](nlohmann::json& status) { add_transport(status); });
        if (auto opened = keep(serve::LldpEar::open(*loop_, clock_), ear_); !opened) return opened;
        if (auto kept = requests_->keep_deadlines(*loop_); !kept) return kept.error();
        requests_->add_lldp([this](const std::vector<std::string>& devices) { return ear_->report(devices); });
        const int group = group_named("netd");
        const auto remote_events = options_.remote ? std::optional(options_.remote->events) : std::nullopt;
        if (auto opened = keep(serve::Publisher::open(*loop_, *context_, clock_, {options_.events, group, store::boot_id(), remote_events}), publisher_); !opened) return opened;
        const auto publish = [this](const char* topic, nlohmann::json event) { publisher_->publish(topic, std::move(event)); };
        if (auto opened = keep(DriftWatch::open(*loop_, clock_, options_, publish, *commands_), drift_); !opened) return opened;
        if (auto opened = keep(serve::BlockedWatch::open(*loop_, clock_, ovs::folder_of(options_.ovs), publish), blocked_); !opened) return opened;
        requests_->add_blocked([this] { return blocked_->read(); });
        requests_->add_strays([this] { return blocked_->read_strays(); });
        if (auto opened = keep(serve::TapDoor::open(*loop_, options_.run + "/taps", group), taps_); !opened) return opened;
        if (auto opened = keep(Supervisor::open(*loop_, clock_, labour_), supervisor_); !opened) return opened;
        if (auto opened = keep(loop::Timer::open(*loop_, [this] { greet_again(); }), repeating_); !opened) return opened;
        take_notes();
        const auto remote_control = options_.remote ? std::optional(options_.remote->control) : std::nullopt;
        const auto on_message = [this](serve::Caller caller, std::string_view message) { ask(caller, message); };
        if (auto opened = keep(serve::Server::open(*loop_, *context_, clock_, {options_.control, group, remote_control}, on_message), server_); !opened) return opened;
        return loop_->watch(notes_->descriptor(), [this] { take_notes(); });
    }

    serve::Doorkeeper::EngineOf engine_of() const {
        if (!options_.remote) return {};
        return [folder = options_.remote->engines](std::string_view key) { return serve::engine_with_key(key, folder); };
    }

    void ask(const serve::Caller& caller, std::string_view message) {
        tidying_->asked(message.size());
        requests_->on_message(caller, message);
    }

    void answer(const serve::Ticket& ticket, std::string bytes) {
        tidying_->answered(bytes.size());
        server_->reply(ticket.caller, std::move(bytes));
    }

    // Who waits for an answer has it first; then all others are told, in the order in which it came about.
    void take_notes() {
        std::vector<serve::Note> news;
        for (serve::Note& note : notes_->take()) {
            if (const auto* snapshot = std::get_if<observe::Published>(&note)) {
                taps_->follow(*snapshot);
                requests_->publish(*snapshot);
            }
            if (auto* reply = std::get_if<serve::Reply>(&note)) requests_->on_reply(std::move(*reply));
            else if (const auto* left = std::get_if<serve::LeftQueue>(&note)) requests_->on_left_queue(*left);
            else news.push_back(std::move(note));
        }
        for (serve::Note& note : news) {
            if (const auto* snapshot = std::get_if<observe::Published>(&note)) tell(*snapshot);
            else if (auto* announce = std::get_if<serve::Announce>(&note)) publisher_->publish(announce->topic, std::move(announce->event));
            else if (const auto* mended = std::get_if<serve::Mended>(&note)) drift_->on_mended(*mended);
        }
    }

    void tell(const observe::Published& next) {
        const auto was = std::exchange(told_, next);
        claims_.follow(*next, clock_.boottime());  // it must be open to what the greeter's questions bring
        greeter_.follow(*next, clock_.boottime());
        greet_again();
        // What a start finds is no event.
        if (was) {
            for (const observe::Event& event : observe::events_between(*was, *next)) {
                nlohmann::json body = wire::write_event(event);
                body["revision"] = next->revision;
                publisher_->publish(event.topic, std::move(body));
            }
        }
        drift_->on_snapshot(next);
        ear_->follow(next);
        blocked_->follow(next);
        supervisor_->follow(*next);
        tidying_->follow(next->observed.kernel.links.size());
    }

    void greet_again() {
        greeter_.repeat(clock_.boottime());
        claims_.hear(clock_.boottime());
        auto next = greeter_.next();
        if (const auto hearing = claims_.next(); hearing && (!next || *hearing < *next)) next = hearing;
        if (next) (void)repeating_->at(*next);
    }

    void add_transport(nlohmann::json& status) const {
        for (auto& sentence : claims_.told(clock_.boottime())) status["disturbances"].push_back(std::move(sentence));
        const auto& counted = server_->counters();
        status["counters"]["received"] = counted.received;
        status["counters"]["answered"] = counted.answered;
        status["counters"]["unreachable"] = counted.unreachable;
        status["counters"]["misshapen"] = counted.misshapen;
        status["counters"]["lldpMalformed"] = ear_->malformed();
        status["counters"]["events"] = publisher_->counters().published;
        drift_->add_status(status);
    }

    const Options& options_;
    loop::SystemClock clock_;
    bool stop_ = false;
    loop::Labour labour_;        // the decider's
    observe::Published told_;  // the last that listeners have been told of
    Greeter greeter_;
    Claims claims_;
    std::unique_ptr<loop::EventLoop> loop_;
    std::unique_ptr<loop::Signals> signals_;
    std::unique_ptr<Commands> commands_;
    std::unique_ptr<Notes> notes_;
    std::unique_ptr<Decider> decider_;
    std::optional<Tidying> tidying_;
    std::unique_ptr<serve::Context> context_;
    std::unique_ptr<serve::Doorkeeper> doorkeeper_;
    std::unique_ptr<serve::LldpEar> ear_;
    std::unique_ptr<serve::Requests> requests_;
    std::unique_ptr<serve::Publisher> publisher_;
    std::unique_ptr<serve::Server> server_;
    std::unique_ptr<DriftWatch> drift_;
    std::unique_ptr<serve::BlockedWatch> blocked_;
    std::unique_ptr<serve::TapDoor> taps_;
    std::unique_ptr<loop::Timer> repeating_;  // what the greeter says, and to hear claims
    std::unique_ptr<Supervisor> supervisor_;
};

int failed(const Error& error) {
    log::error("{}", sentence(error));
    return 1;
}

}  // namespace

int run_daemon(const Options& options) {
    // The watchdog first: what it inherits would outlive us, the locks above all.
    const auto watchdog = options.watchdog ? start_watchdog(options) : Result<pid_t>(0);
    if (!watchdog) return failed(watchdog.error());
    const auto locks = take_locks(options, Holder::daemon);
    if (!locks) {
        if (*watchdog > 0 && locks.error().fault == topology::Fault::busy) ::kill(*watchdog, SIGKILL);  // who is there has one
        return failed(locks.error());
    }
    House house(options);
    if (auto built = house.build(); !built) return failed(built.error());
    if (auto lived = house.live(); !lived) return failed(lived.error());
    return 0;
}

}  // namespace netd
