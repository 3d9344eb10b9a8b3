// See heard_routers.hpp.
#include "netd/daemon/heard_routers.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

namespace netd {

using namespace std::chrono_literals;
using topology::IpAddress;

namespace {

constexpr std::size_t most_routers = 8;          // of a wire
constexpr std::size_t most_subnets = 32;
constexpr auto pace = 1s;
constexpr auto long_enough = 16s;                // to answer: RFC 4861 has a router take 3.5 s at most

}  // namespace

void HeardRouters::keep_only(const std::map<int, std::string>& wires) {
    std::erase_if(wires_, [&](const auto& entry) {
        const auto stays = wires.find(entry.first);
        return stays == wires.end() || stays->second != entry.second.name;
    });
    for (const auto& [device, name] : wires) wires_.try_emplace(device, Wire{.name = name});
}

void HeardRouters::take(const Announcement& announcement, Time now) {
    const auto found = wires_.find(announcement.device);
    if (found == wires_.end()) return;
    Wire& wire = found->second;
    if (announcement.lifetime == 0s) wire.routers.erase(announcement.router);
    else if (wire.routers.size() < most_routers || wire.routers.contains(announcement.router))
        wire.routers.insert_or_assign(announcement.router, Heard{now + announcement.lifetime, announcement.preference});
    for (const auto& [subnet, valid] : announcement.on_link)
        if (valid == 0s) wire.on_link.erase(subnet);
        else if (wire.on_link.size() < most_subnets || wire.on_link.contains(subnet)) wire.on_link.insert_or_assign(subnet, now + valid);
    settle(wire, now);
}

void HeardRouters::believe(int device, const lower::Router& router, Time now) {
    const auto found = wires_.find(device);
    if (found == wires_.end()) return;
    Wire& wire = found->second;
    for (const auto& subnet : router.on_link) wire.on_link.try_emplace(subnet, now + long_enough);
    for (const auto& address : {std::optional(router.address), router.otherwise})
        if (address) wire.routers.try_emplace(*address, Heard{now + long_enough, 0});
    if (!wire.best) wire.best = router;  // who leads goes on to
    settle(wire, now);
}

void HeardRouters::expire(Time now) {
    for (auto& [device, wire] : wires_) {
        std::erase_if(wire.routers, [&](const auto& entry) { return entry.second.until <= now; });
        std::erase_if(wire.on_link, [&](const auto& entry) { return entry.second <= now; });
        settle(wire, now);
    }
}

void HeardRouters::settle(Wire& wire, Time now) const {
    std::vector<IpAddress> routers;
    for (const auto& [address, heard] : wire.routers) routers.push_back(address);
    const auto rank = [&](const IpAddress& one) { return std::tuple(-wire.routers.at(one).preference, !wire.best || wire.best->address != one, !wire.best || wire.best->otherwise != one); };
    std::ranges::stable_sort(routers, {}, rank);
    std::optional<lower::Router> best;
    if (!routers.empty()) {
        best = lower::Router{routers[0]};
        if (routers.size() > 1) best->otherwise = routers[1];
        for (const auto& [subnet, until] : wire.on_link) best->on_link.insert(subnet);
    }
    wire.is_due = best != wire.best && wire.best && now < wire.settled + pace;
    if (best == wire.best || wire.is_due) return;
    wire.best = std::move(best);
    wire.settled = now;
}

std::optional<lower::Router> HeardRouters::of(int device) const {
    const auto found = wires_.find(device);
    return found == wires_.end() ? std::nullopt : found->second.best;
}

std::optional<HeardRouters::Time> HeardRouters::next() const {
    std::optional<Time> next;
    const auto note = [&](Time time) { next = next ? std::min(*next, time) : time; };
    for (const auto& [device, wire] : wires_) {
        if (wire.is_due) note(wire.settled + pace);
        for (const auto& [address, heard] : wire.routers) note(heard.until);
        for (const auto& [subnet, until] : wire.on_link) note(until);
    }
    return next;
}

}  // namespace netd
