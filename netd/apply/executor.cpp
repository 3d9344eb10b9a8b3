// One batch a stage; between stages the mirrors are brought up to date, since one backend's deed is another's news.
#include "netd/apply/executor.hpp"

#include "ovs-driver/filtered.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <tuple>

namespace apply {
namespace {

using Clock = std::chrono::steady_clock;

template <class BackendOp>
std::vector<BackendOp> batch_of(std::span<const plan::Step> steps) {
    std::vector<BackendOp> batch;
    for (const plan::Step& step : steps) batch.push_back(std::get<BackendOp>(step.op));
    return batch;
}

// A link that OVS makes may be announced after OVS says that it is done: wait for the kernel's word of it. One that is
// not announced by then is not made, and the kernel will say so.
void await_links(std::span<const bridges::Op> ops, bridges::Kernel& kernel, Clock::time_point deadline) {
    constexpr std::chrono::seconds longest_announcement{5};
    deadline = std::min(deadline, Clock::now() + longest_announcement);
    for (const bridges::Op& op : ops) {
        const auto* update = std::get_if<topology::Update<bridges::Link>>(&op);
        while (update && !kernel.state().links.contains(update->now.name)) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
            if (left <= 0) return;
            pollfd waiting{kernel.descriptor(), POLLIN, 0};
            if (::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 1000))) < 0 && errno != EINTR) return;
            if (!kernel.hear()) return;
        }
    }
}

// The host hears nothing of a guest from before its port is there until after it has gone.
topology::Progress carry_out_deaf(std::span<const plan::Step> steps, const Backends& backends, Clock::time_point deadline) {
    const auto batch = batch_of<ovs::Op>(steps);
    if (auto deaf = backends.kernel.take_no_more_from(ovs::unheard(batch, backends.ovs.state())); !deaf) return {.stopped = deaf.error()};
    const auto progress = backends.ovs.apply(batch, deadline);
    const bool only_comes = std::ranges::all_of(batch, [](const ovs::Op& op) { return std::holds_alternative<topology::Create<ovs::Port>>(op); });
    if (!only_comes || progress.stopped) std::ignore = keep_unheard(backends);  // what is too much harms nobody, and goes with the next
    return progress;
}

// With the userspace datapath the devices that Open vSwitch makes outlive an ovs-vswitchd that dies before it has taken them away,
// and the next one knows nothing of them.
Result<> take_away_what_ovs_left(std::span<const plan::Step> steps, const Backends& backends) {
    std::vector<bridges::Op> left;
    for (const plan::Step& step : steps) {
        const ovs::Op& op = std::get<ovs::Op>(step.op);
        const auto* port = std::get_if<topology::Remove<ovs::Port>>(&op);
        const auto* bridge = std::get_if<topology::Remove<ovs::Bridge>>(&op);
        if (!bridge && !(port && port->was.internal == true)) continue;
        const bridges::Link* link = backends.kernel.state().links.find(port ? port->was.name : bridge->was.name);
        if (link && link->facts.kind == "tun" && !backends.ovs.state().ports.contains(link->name) && !backends.ovs.state().bridges.contains(link->name))
            left.push_back(topology::Remove<bridges::Link>{*link});
    }
    if (left.empty()) return {};
    const topology::Progress progress = backends.kernel.apply(left);
    return progress.stopped ? Result<>(*progress.stopped) : Result<>();
}

std::span<const plan::Step> first_stage(std::span<const plan::Step> steps) {
    const auto other = std::ranges::find_if(steps, [&](const plan::Step& step) { return step.stage != steps.front().stage; });
    return {steps.begin(), other};
}

Result<> apply_stage(std::span<const plan::Step> steps, const Backends& backends, Clock::time_point deadline) {
    topology::Progress progress;
    if (std::holds_alternative<bridges::Op>(steps.front().op)) {
        const auto batch = batch_of<bridges::Op>(steps);
        await_links(batch, backends.kernel, deadline);
        progress = backends.kernel.apply(batch);
        backends.ovs.hear();
    } else {
        const bool is_ovs = std::holds_alternative<ovs::Op>(steps.front().op);
        progress = is_ovs ? carry_out_deaf(steps, backends, deadline) : backends.guests.apply(batch_of<guests::Op>(steps), deadline);
        if (auto heard = backends.kernel.hear(); !heard) return heard.error();
        if (is_ovs && !progress.stopped) return take_away_what_ovs_left(steps, backends);
    }
    if (progress.stopped) return *progress.stopped;
    return {};
}

// What is wanted of guests that are gone, or that nobody can be asked about, is neither wanted nor missed: whoever hears
// of the hypervisor again looks again.
lower::HostState within_reach(lower::HostState wanted, const guests::Hypervisor& guests) {
    topology::Keyed<guests::Nic> there;
    if (guests.connected())
        for (const guests::Nic& nic : wanted.guests.nics)
            if (guests.state().runs(nic.domain)) there.put(nic);
    wanted.guests.nics = std::move(there);
    return wanted;
}

plan::Plan what_differs(const lower::HostState& wanted, lower::HostState have, const Backends& backends) {
    if (!backends.guests.connected()) have.guests = {};
    return plan::make(within_reach(wanted, backends.guests), have);
}

// Whether Open vSwitch has made one of these anew, which then lacks what its predecessor had.
bool were_made_anew(const topology::Keyed<bridges::Link>& wanted, const topology::Keyed<bridges::Link>& before, const topology::Keyed<bridges::Link>& now) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const bridges::Link& link) {
        const bridges::Link* was = before.find(link.name);
        const bridges::Link* there = now.find(link.name);
        return was && there && was->facts.index != there->facts.index;
    });
}

// Somebody may have given a link the name that another one had when this began and that goes: it is none that was to go, unless what it was
// made for is wanted, too, and so is made anew.
void leave_out_newcomers(topology::Keyed<bridges::Link>& have, const topology::Keyed<bridges::Link>& wanted, const topology::Keyed<bridges::Link>& before, const topology::Keyed<bridges::Link>& now) {
    topology::Keyed<bridges::Link>::each_difference(before, now, [&](const bridges::Link* was, const bridges::Link* link) {
        const bool is_another = link && topology::is_ours(link->owner) && !(was && was->owner == link->owner);
        const auto is_its_successor = [&](const bridges::Link& want) { return want.owner == link->owner; };
        if (is_another && !wanted.contains(link->name) && std::none_of(wanted.begin(), wanted.end(), is_its_successor)) have.erase(link->name);
    });
}

std::string what_is_left(const plan::Plan& plan) {
    std::string text = plan::describe(plan.front().op);
    if (plan.size() > 1) text += fmt::format(", and {} more", plan.size() - 1);
    return text;
}

}  // namespace

Result<> keep_unheard(const Backends& backends) {
    return backends.ovs.connected() ? backends.kernel.take_nothing_from(ovs::unheard(backends.ovs.state())) : Result<>();
}

Result<> execute(const plan::Plan& plan, const Backends& backends, Clock::time_point deadline) {
    for (std::span<const plan::Step> left{plan}; !left.empty();) {
        const auto stage = first_stage(left);
        if (Clock::now() > deadline) return Error{Fault::timeout, plan::subject(stage.front().op), "the time given for the change is over"};
        if (auto applied = apply_stage(stage, backends, deadline); !applied) return applied;
        left = left.subspan(stage.size());
    }
    return {};
}

Result<> reach(const lower::HostState& wanted, const lower::Scope& scope, const Backends& backends, Clock::time_point deadline) {
    // What one backend makes, another shapes afterwards, and the kernel adjusts what it was not asked to: hence a few rounds.
    constexpr int rounds = 4;
    const auto at_first = backends.kernel.state().links;
    const auto look = [&] {
        lower::HostState have = lower::restricted(observe::state_of(backends), scope);
        leave_out_newcomers(have.kernel.links, wanted.kernel.links, at_first, backends.kernel.state().links);
        return what_differs(wanted, std::move(have), backends);
    };
    for (int round = 0; round < rounds; ++round) {
        const plan::Plan left = look();
        if (left.empty()) return {};
        const auto before = backends.kernel.state().links;
        auto executed = execute(left, backends, deadline);
        if (executed) continue;
        // Something was made anew in between (OVS does so with a device that moves): look again, plan again.
        const bool is_stale = executed.error().fault == Fault::lost_sync || were_made_anew(wanted.kernel.links, before, backends.kernel.state().links);
        if (!is_stale || round + 1 == rounds) return executed;
        if (auto heard = backends.kernel.hear(); !heard) return heard.error();
    }
    const plan::Plan left = look();
    if (left.empty()) return {};
    return Error{Fault::conflict, plan::subject(left.front().op), fmt::format("it was done, and looked at again is not so: {}", what_is_left(left))};
}

void reach_in_part(const lower::HostState& wanted, const lower::Scope& scope, const Backends& backends, Clock::time_point deadline) {
    const plan::Plan plan = what_differs(wanted, lower::restricted(observe::state_of(backends), scope), backends);
    for (std::span<const plan::Step> left{plan}; !left.empty() && Clock::now() <= deadline;) {
        const auto stage = first_stage(left);
        // Each would wait anew for an Open vSwitch that is not there, and what needs none would wait behind it.
        const bool is_in_vain = std::holds_alternative<ovs::Op>(stage.front().op) && !backends.ovs.connected();
        if (!is_in_vain) std::ignore = apply_stage(stage, backends, deadline);  // the refusal is known, and is not of what follows
        left = left.subspan(stage.size());
    }
}

}  // namespace apply
