// Networks beside the default route leave by the router that announces itself on their wire, for as long as it does.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/left_wires.hpp"
#include "netd/daemon/log.hpp"

#include <algorithm>

namespace netd {

namespace {

bool is_beside(const lower::Hearing& network) { return !network.has_default_route; }

void tell_routers(const lower::Routers& were, const lower::Routers& are) {
    for (const auto& [device, router] : are)
        if (const auto was = were.find(device); was == were.end() || was->second.address != router.address) log::info("{} leaves by router {}, which announces itself there", device.text(), router.address.text());
    for (const auto& [device, router] : were)
        if (!are.contains(device)) log::info("router {} leads away from {} no longer", router.address.text(), device.text());
}

}  // namespace

void Reconciler::see_to_routers() {
    hear_routers();
    constexpr int most_rounds = 4;  // what was heard while the kernel was at it may say more
    for (int round = 0; round < most_rounds && follow_routers(); ++round) publish();
}

// Before a snapshot is published, which has routers asked where nobody has listened.
void Reconciler::hear_routers() {
    const auto now = clock_.boottime();
    std::map<int, std::string> all, wires;
    std::set<topology::IfName> moved;
    for (const lower::Hearing& network : needs().hearing) {
        const bridges::Link* link = backends_.kernel.state().links.find(network.device);
        if (!link || link->up != true) continue;
        all.emplace(link->facts.index, network.wire);
        if (is_beside(network)) wires.emplace(link->facts.index, network.wire);
        if (const auto was = wires_.find(link->facts.index); was != wires_.end() && was->second != network.wire && has_what_it_had(*link)) moved.insert(link->name);
    }
    forget_wires(backends_, moved);
    // What has come was said on the wires of before.
    if (router_ear_)
        for (const Announcement& announcement : router_ear_->hear()) routers_.take(announcement, now);
    wires_ = std::move(all);
    routers_.keep_only(wires);
    open_ear(!wires.empty());
    routers_.expire(now);
}

// Of what routers gave a device that came to another wire, as one of another tag does. The next snapshot has those of the new one asked.
bool Reconciler::has_what_it_had(const bridges::Link& link) const {
    const bridges::Link* then = last_ ? last_->observed.kernel.links.find(link.name) : nullptr;
    if (!then || then->facts.index != link.facts.index) return false;
    const auto is_left = [](const auto& had, const auto& has) { return std::ranges::any_of(has, [&](const auto& one) { return had.contains(one); }); };
    const auto &had = then->facts.rare.get(), &has = link.facts.rare.get();
    return is_left(had.autoconf, has.autoconf) || is_left(had.routers, has.routers);
}

void Reconciler::open_ear(bool is_wanted) {
    if (!is_wanted) {
        router_ear_.reset();
        return ear_again_.reset();
    }
    const auto now = clock_.boottime();
    if (router_ear_ || (ear_again_ && *ear_again_ > now)) return;
    auto opened = RouterEar::open();
    ear_again_ = opened ? std::nullopt : std::optional(now + pause_after_refusal);
    if (opened) router_ear_.emplace(std::move(*opened));
    else log::error("what comes from networks beside the default route leaves by it: {}", sentence(opened.error()));
}

// What an earlier netd has heard, but for what it heard in a change that was taken back.
void Reconciler::believe_routers(const std::set<topology::IfName>& left) {
    forget_wires(backends_, left);
    hear_routers();
    for (const auto& [device, router] : lower::routers_in(backends_.kernel.state(), needs().hearing))
        if (const bridges::Link* link = left.contains(device) ? nullptr : backends_.kernel.state().links.find(device)) routers_.believe(link->facts.index, router, clock_.boottime());
}

std::optional<std::chrono::nanoseconds> Reconciler::next_of_routers() const {
    auto next = routers_.next();
    const auto note = [&](std::chrono::nanoseconds time) { next = next ? std::min(*next, time) : time; };
    if (ear_again_) note(*ear_again_);
    for (const auto& [table, again] : ways_again_) note(again);
    return next;
}

bool Reconciler::follow_routers() {
    const auto now = clock_.boottime();
    const auto& hearing = needs().hearing;
    const bool tries_again = std::erase_if(ways_again_, [&](const auto& entry) { return entry.second <= now; }) > 0;
    if (std::ranges::none_of(hearing, is_beside) && !lower::are_router_ways(backends_.kernel.state())) {
        led_.reset();
        return false;
    }
    lower::Routers routers;
    for (const lower::Hearing& network : hearing)
        if (const bridges::Link* link = backends_.kernel.state().links.find(network.device))
            if (auto router = routers_.of(link->facts.index)) routers.emplace(network.device, std::move(*router));
    Led wanted{std::move(routers), hearing, backends_.kernel.state()};
    if (led_ == wanted && !tries_again) return false;
    tell_routers(led_ ? led_->routers : lower::Routers(), wanted.routers);
    led_ = std::move(wanted);
    bool is_tried = false;
    for (const auto& [table, steps] : lower::steps_to(led_->routers, hearing, transactor_.standing(), observe::host_of(backends_))) {
        if (ways_again_.contains(table)) continue;
        is_tried = true;
        const auto progress = backends_.kernel.apply(steps);
        if (!progress.stopped) continue;
        ways_again_.emplace(table, now + pause_after_refusal);
        log::warn("what a router announces can't be followed: {}", sentence(*progress.stopped));
    }
    return is_tried;
}

}  // namespace netd
