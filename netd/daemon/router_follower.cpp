// See router_follower.hpp.
#include "netd/daemon/router_follower.hpp"

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

// Of what routers gave a device that came to another wire, as one of another tag does. Who hears of it next has those of the new one asked.
bool has_what_it_had(const bridges::Link& link, const bridges::State* told) {
    const bridges::Link* then = told ? told->links.find(link.name) : nullptr;
    if (!then || then->facts.index != link.facts.index) return false;
    const auto is_left = [](const auto& had, const auto& has) { return std::ranges::any_of(has, [&](const auto& one) { return had.contains(one); }); };
    const auto &had = then->facts.rare.get(), &has = link.facts.rare.get();
    return is_left(had.autoconf, has.autoconf) || is_left(had.routers, has.routers);
}

}  // namespace

void RouterFollower::hear(const Networks& networks, const bridges::State* told) {
    const auto now = clock_.boottime();
    std::map<int, std::string> all, wires;
    std::set<topology::IfName> moved;
    for (const lower::Hearing& network : networks) {
        const bridges::Link* link = backends_.kernel.state().links.find(network.device);
        if (!link || link->up != true) continue;
        all.emplace(link->facts.index, network.wire);
        if (is_beside(network)) wires.emplace(link->facts.index, network.wire);
        if (const auto was = wires_.find(link->facts.index); was != wires_.end() && was->second != network.wire && has_what_it_had(*link, told)) moved.insert(link->name);
    }
    forget_wires(backends_, moved);
    // What has come was said on the wires of before.
    if (ear_)
        for (const Announcement& announcement : ear_->hear()) routers_.take(announcement, now);
    wires_ = std::move(all);
    routers_.keep_only(wires);
    open_ear(!wires.empty());
    routers_.expire(now);
}

void RouterFollower::open_ear(bool is_wanted) {
    if (!is_wanted) {
        ear_.reset();
        return ear_again_.reset();
    }
    const auto now = clock_.boottime();
    if (ear_ || (ear_again_ && *ear_again_ > now)) return;
    auto opened = RouterEar::open();
    ear_again_ = opened ? std::nullopt : std::optional(now + pause_after_refusal);
    if (opened) ear_.emplace(std::move(*opened));
    else log::error("what comes from networks beside the default route leaves by it: {}", sentence(opened.error()));
}

void RouterFollower::believe(const std::set<topology::IfName>& left, const Networks& networks, const bridges::State* told) {
    forget_wires(backends_, left);
    hear(networks, told);
    for (const auto& [device, router] : lower::routers_in(backends_.kernel.state(), networks))
        if (const bridges::Link* link = left.contains(device) ? nullptr : backends_.kernel.state().links.find(device)) routers_.believe(link->facts.index, router, clock_.boottime());
}

std::optional<std::chrono::nanoseconds> RouterFollower::next() const {
    auto next = routers_.next();
    const auto note = [&](std::chrono::nanoseconds time) { next = next ? std::min(*next, time) : time; };
    if (ear_again_) note(*ear_again_);
    for (const auto& [table, again] : ways_again_) note(again);
    return next;
}

bool RouterFollower::follow(const Networks& networks, const intent::Intent& standing) {
    const auto now = clock_.boottime();
    const bool tries_again = std::erase_if(ways_again_, [&](const auto& entry) { return entry.second <= now; }) > 0;
    if (std::ranges::none_of(networks, is_beside) && !lower::are_router_ways(backends_.kernel.state())) {
        led_.reset();
        return false;
    }
    lower::Routers routers;
    for (const lower::Hearing& network : networks)
        if (const bridges::Link* link = backends_.kernel.state().links.find(network.device))
            if (auto router = routers_.of(link->facts.index)) routers.emplace(network.device, std::move(*router));
    Led wanted{std::move(routers), networks, backends_.kernel.state()};
    if (led_ == wanted && !tries_again) return false;
    tell_routers(led_ ? led_->routers : lower::Routers(), wanted.routers);
    led_ = std::move(wanted);
    bool is_tried = false;
    for (const auto& [table, steps] : lower::steps_to(led_->routers, networks, standing, observe::host_of(backends_))) {
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
