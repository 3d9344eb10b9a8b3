// What is asked of the kernel, as two conversations: what it takes at once, and what it takes only afterwards.
#include "bridges/linux_kernel.hpp"

#include "bridges/batch.hpp"
#include "bridges/checksum_guard.hpp"
#include "bridges/filter_steps.hpp"
#include "bridges/kernel_mirror.hpp"
#include "bridges/nl_write.hpp"
#include "bridges/probe.hpp"
#include "bridges/removal.hpp"
#include "bridges/route_manner.hpp"
#include "bridges/rule_tables.hpp"
#include "bridges/sysctl.hpp"
#include "bridges/tap.hpp"
#include "bridges/traffic_control.hpp"
#include "bridges/veth_peer.hpp"

#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <future>

namespace bridges {
namespace {

class LinuxKernel : public Kernel {
public:
    LinuxKernel(KernelMirror mirror, RuleTables rules, Descriptor any, Abilities abilities)
        : mirror_(std::move(mirror)), rules_(std::move(rules)), any_(std::move(any)), abilities_(std::move(abilities)) {}

    // With what a guest's frames are held against; without, frames may ask for checksums as they like.
    void arm(Result<ChecksumGuard> guard) {
        abilities_.checksums = guard && guard->number() >= 0;
        if (guard) guard_ = std::move(*guard);
    }

    Result<> look() override;
    Result<Heard> hear() override;
    Result<> look_at(std::span<const IfName> links) override;
    const State& state() const override { return mirror_.state(); }
    Progress apply(std::span<const Op> ops) override;
    int descriptor() const override { return any_.get(); }
    bool take_unfiltered() override { return std::exchange(unfiltered_, false) || rules_.has_restored(); }
    Restored take_restored() override { return rules_.take_restored(state().links); }
    Result<> forget_filters(const std::set<IfName>& released) override { return rules_.forget_filters(released, mirror_); }
    Result<> take_no_more_from(const topology::Unheard& more) override { return rules_.host.works() ? rules_.unheard.add(more) : Result<>(); }
    Result<> take_nothing_from(const topology::Unheard& unheard) override { return rules_.host.works() ? rules_.unheard.put(unheard) : Result<>(); }
    const Abilities& abilities() const override { return abilities_; }

private:
    void begin(Batch& batch, std::size_t place, const Op& op);
    void create(Batch& batch, std::size_t place, const Link& now);
    void create_tap(Batch& batch, std::size_t place, const Link& now, const Tap& tap);
    void change(Batch& batch, std::size_t place, const Link& now, const Link& have);
    void update(Batch& batch, std::size_t place, const Update<Link>& op);
    void put_route(Batch& batch, std::size_t place, const Route& route);
    void finish(Batch& batch, std::span<const Op> ops);
    void raise_peers(Batch& batch, std::span<const Op> ops);
    Result<> see_what_came(const Batch& batch, std::span<const Op> ops);
    void run(Batch& batch) { batch.run(mirror_.requests(), [this] { mirror_.drain(); }); }
    Result<Heard> listen();

    KernelMirror mirror_;
    Deletions deletions_;
    RuleTables rules_;
    Descriptor any_;   // readable when one of these has something to tell
    ChecksumGuard guard_;
    Abilities abilities_;
    bool unfiltered_ = false, overrun_ = false;  // heard, and not told yet
    std::set<int> silent_;          // links whose settings were changed in a way that nobody reports
    std::vector<FarEnd> far_ends_;  // of the veth pairs of this batch
};

Result<> LinuxKernel::look() {
    if (auto looked = rules_.look(); !looked) return looked.error();
    rules_.tell(mirror_);
    return mirror_.look();
}

Result<Heard> LinuxKernel::hear() {
    // Each tells a thing once: that one of them can't be heard takes nothing of the others away.
    rules_.unheard.hear();
    const auto filters = rules_.filters.hear(), host = rules_.host.hear();
    const bool other_filters = filters && *filters, other_rules = host && *host;
    unfiltered_ = unfiltered_ || other_filters || other_rules;
    if (other_filters || other_rules) rules_.tell(mirror_);
    if (!filters || !host) return (filters ? host : filters).error();
    auto heard = listen();
    if (!heard) return heard.error();
    heard->unfiltered = heard->unfiltered || other_filters || other_rules;
    heard->overrun = std::exchange(overrun_, false);
    heard->changed = heard->changed || heard->unfiltered;
    return heard;
}

// What is heard in the midst of a change is somebody's all the same, and is told with the next hear().
Result<Heard> LinuxKernel::listen() {
    auto heard = mirror_.hear();
    unfiltered_ = unfiltered_ || (heard && heard->unfiltered);
    overrun_ = overrun_ || (heard && heard->overrun);
    return heard;
}

Result<> LinuxKernel::look_at(std::span<const IfName> links) {
    std::set<int> indices;
    for (const IfName& name : links)
        if (const Link* link = state().links.find(name)) indices.insert(link->facts.index);
    if (auto heard = listen(); !heard) return heard.error();
    return mirror_.look_at(indices);
}

void LinuxKernel::create_tap(Batch& batch, std::size_t place, const Link& now, const Tap& tap) {
    const auto mark = [&]() -> Result<> {
        if (!now.owner || !now.owner->is_ours()) return {};
        std::vector<Message> messages;
        messages.push_back(write_alias(now.name.text(), *now.owner));
        const auto answers = mirror_.requests().exchange(messages, {}, [this] { mirror_.drain(); });
        if (!answers) return answers.error();
        if (answers->front().code) return refusal(answers->front());
        return {};
    };
    if (auto made = make_tap(now.name, tap, mark); !made) batch.refuse(place, made.error());
}

void LinuxKernel::create(Batch& batch, std::size_t place, const Link& now) {
    if (const auto* tap = now.as<Tap>()) return create_tap(batch, place, now, *tap);
    if (now.is_device() && state().links.contains(now.name)) return;  // it is there, and finish() does the rest
    int netns = -1;
    if (const auto* veth = now.as<Veth>(); veth && veth->netns) {
        auto opened = open_netns(*veth->netns);
        if (!opened) return batch.refuse(place, opened.error());
        netns = opened->get();
        far_ends_.push_back({place, std::move(*opened)});
    }
    auto message = write_creation(now, state(), netns);
    if (!message) return batch.refuse(place, message.error());
    batch.add(place, std::move(*message));
}

void LinuxKernel::change(Batch& batch, std::size_t place, const Link& now, const Link& have) {
    bool is_silent = false;
    if (now.stack) {
        const auto written = write_sysctls(now, have);
        if (!written) return batch.refuse(place, written.error());
        is_silent = *written;
    }
    std::vector<Message> messages;
    if (auto done = write_changes(now, have, state(), messages); !done) return batch.refuse(place, done.error());
    std::vector<TrafficRequest> requests;
    if (now.traffic)
        if (auto done = write_traffic(have.facts.index, *now.traffic, have.traffic.value_or(Traffic{}), state(), guard_.number(), have.facts.rare.get().foreign_filters, requests); !done) return batch.refuse(place, done.error());
    // What holds frames back stands before anything lets them in.
    for (TrafficRequest& request : requests) batch.add(place, std::move(request.message), std::move(request.fine));
    if (is_silent && !tell_of_link(messages)) silent_.insert(have.facts.index);
    const auto add = [&](Message& message, std::set<int> fine) { batch.add(place, std::move(message), std::move(fine)); };
    for (Message& message : messages) add(message, fine_for(message));
}

void LinuxKernel::update(Batch& batch, std::size_t place, const Update<Link>& op) {
    const Link* have = current(state(), op.was);
    if (!have) return batch.refuse(place, {Fault::lost_sync, op.now.name.text(), "it is gone"});
    Link before = *have;
    before.filter = op.was.filter;  // the new one stands already
    change(batch, place, op.now, before);
}

void LinuxKernel::put_route(Batch& batch, std::size_t place, const Route& route) {
    const Link* device = state().links.find(route.device);
    if (!device) return batch.refuse(place, {Fault::lost_sync, describe(route), fmt::format("there is no \"{}\"", route.device.text())});
    auto as_it_was = write_in_its_manner(route, device->facts.index, state());
    batch.add(place, as_it_was ? std::move(*as_it_was) : write_route(route, device->facts.index));
}

void LinuxKernel::begin(Batch& batch, std::size_t place, const Op& op) {
    struct {
        LinuxKernel& kernel;
        Batch& batch;
        std::size_t place;
        void operator()(const Create<Link>& op) { kernel.create(batch, place, op.now); }
        void operator()(const Update<Link>& op) { kernel.update(batch, place, op); }
        void operator()(const Remove<Link>&) {}  // all at once: remove_links
        void operator()(const Create<Route>& op) { kernel.put_route(batch, place, op.now); }
        void operator()(const Update<Route>& op) { kernel.put_route(batch, place, op.now); }
        void operator()(const Remove<Route>& op) {
            // Without its link it is gone, and without its link's index the message would mean another route.
            const Link* device = kernel.state().links.find(op.was.device);
            if (device) batch.add(place, write_route_deletion(op.was, device->facts.index), {ESRCH, ENOENT, ENODEV});
        }
        void operator()(const Create<Rule>& op) { batch.add(place, write_rule(op.now), {EEXIST}); }
        void operator()(const Remove<Rule>& op) { batch.add(place, write_rule_deletion(op.was), {ENOENT, ESRCH}); }
    } step{*this, batch, place};
    std::visit(step, op);
}

// What the kernel does not take, or does not heed, in the creating message.
void LinuxKernel::finish(Batch& batch, std::span<const Op> ops) {
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const auto* op = std::get_if<Create<Link>>(&ops[place]);
        if (!op || batch.is_refused(place)) continue;
        if (const Link* have = state().links.find(op->now.name)) change(batch, place, op->now, *have);
        else batch.refuse(place, {Fault::lost_sync, op->now.name.text(), "it vanished after it was made"});
    }
}

// The kernel makes both ends of a pair down; the far one goes up where it is.
void LinuxKernel::raise_peers(Batch& batch, std::span<const Op> ops) {
    std::map<std::size_t, int> peers;  // of the pairs that were made: the far end's index
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const auto* op = std::get_if<Create<Link>>(&ops[place]);
        if (!op || batch.is_refused(place) || !op->now.as<Veth>()) continue;
        const Link* near = state().links.find(op->now.name);
        if (const int far = near ? near->facts.peer_index.value_or(0) : 0) peers.emplace(place, far);
    }
    auto away = std::exchange(far_ends_, {});
    std::erase_if(away, [&](const FarEnd& end) { return !peers.contains(end.change); });
    for (FarEnd& end : away) end.index = peers.extract(end.change).mapped();
    for (const auto& [place, index] : peers) batch.add(place, write_up(index));
    const auto raised = raise(away);
    for (std::size_t i = 0; i < away.size(); ++i) {
        if (!raised[i]) batch.refuse(away[i].change, raised[i].error());
    }
}

// The kernel reports a change of options, alias or group only of a link that is up (netdev_state_change), and it does not
// report what an attempt that it refused has left behind (a bond has another MAC after a port that it did not take).
Result<> LinuxKernel::see_what_came(const Batch& batch, std::span<const Op> ops) {
    if (auto heard = listen(); !heard) return heard.error();
    auto silent = std::exchange(silent_, {});
    for (std::size_t place = 0; place < ops.size(); ++place) {
        const Link* now = nullptr;
        if (const auto* created = std::get_if<Create<Link>>(&ops[place])) now = &created->now;
        if (const auto* updated = std::get_if<Update<Link>>(&ops[place])) now = &updated->now;
        if (!now) continue;
        const Link* link = state().links.find(now->name);
        if (link && (link->up != true || batch.is_refused(place))) silent.insert(link->facts.index);
        if (!batch.is_refused(place) || !now->master || !now->master->of) continue;
        if (const Link* master = state().links.find(*now->master->of)) silent.insert(master->facts.index);
    }
    return mirror_.look_at(silent);
}

Progress LinuxKernel::apply(std::span<const Op> ops) {
    Batch batch(ops.size());
    const auto refuse_all = [&](const Error& error) {
        for (std::size_t place = 0; place < ops.size(); ++place) batch.refuse(place, error);
    };
    if (auto heard = listen(); !heard) refuse_all(heard.error());
    put_filters(rules_.filters, batch, ops);
    put_host_rules(rules_.host, batch, ops, state().links);
    rules_.tell(mirror_);
    for (std::size_t place = 0; place < ops.size(); ++place)
        if (!batch.is_refused(place)) begin(batch, place, ops[place]);
    run(batch);
    remove_links(mirror_, deletions_, batch, ops);
    if (auto heard = listen(); !heard) refuse_all(heard.error());
    finish(batch, ops);
    raise_peers(batch, ops);
    run(batch);
    if (auto seen = see_what_came(batch, ops); !seen) refuse_all(seen.error());
    drop_filters(rules_.filters, batch, ops, state().links);
    drop_host_counts(rules_.host, batch, ops);
    rules_.tell(mirror_);
    return batch.progress([&](std::size_t place) { return subject_of(ops[place]); });
}

}  // namespace

Result<std::unique_ptr<Kernel>> open_linux_kernel(topology::Services services) {
    // The kernel's own description is read for it, all 5 MiB, which takes as long as all that is asked here and the look at some hundred links.
    auto guard = std::async(std::launch::async, ChecksumGuard::load);
    // nftables may have the kernel look for modules, and nobody needs its word before all links are listed.
    auto tables = std::async(std::launch::async, RuleTables::open, services);
    auto requests = RequestSocket::open();
    if (!requests) return requests.error();
    auto notifications = NotificationSocket::open();
    if (!notifications) return notifications.error();
    auto abilities = probe(*requests);
    if (!abilities) return abilities.error();
    KernelMirror mirror(std::move(*requests), std::move(*notifications));
    std::optional<RuleTables> rules;
    const auto take_rules = [&](KernelMirror& into) -> Result<> {
        auto looked = tables.get();
        if (!looked) return looked.error();
        rules = std::move(*looked);
        rules->tell(into);
        return {};
    };
    if (auto looked = mirror.look(take_rules); !looked) return looked.error();
    abilities->filter = rules->filters.works();
    abilities->gates = rules->filters.has_gates();
    if (rules->host.works()) abilities->services = std::move(services);
    auto any = any_of({mirror.descriptor(), rules->filters.descriptor(), rules->host.descriptor(), rules->unheard.descriptor()});
    if (!any) return Error{Fault::backend, "epoll", "no descriptor is left to wait with"};
    auto kernel = std::make_unique<LinuxKernel>(std::move(mirror), std::move(*rules), std::move(any), std::move(*abilities));
    kernel->arm(kernel->abilities().checksums ? guard.get() : ChecksumGuard());
    return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace bridges
