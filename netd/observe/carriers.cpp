// The kernel's word about carrier is what counts: a link that somebody set down has none either.
#include "netd/observe/carriers.hpp"

namespace observe {
namespace {

const char* why_down(const bridges::Link* link) {
    if (!link) return "missing";
    return link->up.value_or(false) ? "no carrier" : "set down";
}

}  // namespace

std::vector<Event> Carriers::look(const Snapshot& snapshot, Time now) {
    std::vector<Event> events;
    std::set<std::string> down;
    std::map<topology::IfName, Time> lost;
    for (const intent::Base& base : snapshot.running.bases()) {
        const bridges::Link* link = snapshot.observed.kernel.links.find(base.device);
        if (link && link->facts.carrier) continue;
        const auto before = lost_.find(base.device);
        const Time since = before == lost_.end() ? now : before->second;
        lost.emplace(base.device, since);
        if (now < since + grace_) continue;
        for (const intent::Rider& rider : base.riders) {
            const std::string& network = rider.network.text();
            down.insert(network);
            if (down_.contains(network)) continue;
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
            events.push_back({"network.down", network, {{"device", base.device.text()}, {"why", why_down(link)}, {"seconds", std::to_string(seconds)}}});
        }
    }
    for (const std::string& network : down_) {
        const intent::Network* still = snapshot.running.network(network);
        if (down.contains(network) || !still || !still->base()) continue;
        // It stands on another one by now, which has no carrier either: for how long does not count.
        if (lost.contains(*still->base())) {
            down.insert(network);
            continue;
        }
        events.push_back({"network.up", network, {{"device", still->base()->text()}}});
    }
    lost_ = std::move(lost);
    down_ = std::move(down);
    looked_ = now;
    return events;
}

std::optional<Carriers::Time> Carriers::next() const {
    std::optional<Time> first;
    for (const auto& [device, since] : lost_) {
        const Time ends = since + grace_;
        const bool is_over = ends <= looked_;
        if (!is_over && (!first || ends < *first)) first = ends;
    }
    return first;
}

}  // namespace observe
