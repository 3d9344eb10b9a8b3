// See blocked_watch.hpp.
#include "netd/serve/blocked_watch.hpp"

#include "netd/lower/naming.hpp"
#include "netd/observe/greetings.hpp"

#include <chrono>
#include <tuple>

namespace serve {

using bridges::Blocked;

namespace {

// One event a port in so long, however much it is that is dropped.
constexpr std::chrono::seconds pace{5};

}  // namespace

Blocked news_of(const Blocked& before, const Blocked& now) {
    Blocked news;
    for (const auto& [port, reasons] : now) {
        const auto known = before.find(port);
        for (const auto& [reason, frames] : reasons) {
            std::uint64_t had = 0;
            if (known != before.end())
                if (const auto found = known->second.find(reason); found != known->second.end()) had = found->second;
            if (frames != had) news[port][reason] = frames > had ? frames - had : frames;
        }
    }
    return news;
}

Blocked together(Blocked tables, Blocked flows, const ovs::State& state) {
    for (const ovs::Port& port : state.ports)
        if (port.filter) tables.erase(port.name);
    tables.merge(std::move(flows));
    return tables;
}

std::vector<std::string> homes_of(topology::Role role, const observe::Snapshot& snapshot) {
    std::vector<std::string> homes;
    for (const intent::Network& network : snapshot.running.networks()) {
        if (!network.roles.contains(role)) continue;
        const bridges::Link* device = snapshot.observed.kernel.links.find(lower::top_device(network));
        if (device && !observe::addresses_of(*device).empty()) homes.push_back(network.name.text());
    }
    return homes;
}

topology::Result<std::unique_ptr<BlockedWatch>> BlockedWatch::open(loop::EventLoop& loop, const loop::Clock& clock, std::string ovs_folder, Tell tell) {
    std::unique_ptr<BlockedWatch> watch(new BlockedWatch(clock, std::move(ovs_folder), std::move(tell)));
    auto* looks = watch.get();
    auto timer = loop::Timer::open(loop, [looks] { looks->look(); });
    if (!timer) return timer.error();
    watch->timer_ = std::move(*timer);
    return watch;
}

Blocked BlockedWatch::read() {
    if (auto now = reader_.read()) tables_ = std::move(*now);
    auto blocked = tables_.value_or(Blocked());
    if (!snapshot_) return blocked;
    auto flows = flows_.read(snapshot_->observed.ovs);
    take_as_told(flows);
    return together(std::move(blocked), std::move(flows), snapshot_->observed.ovs);
}

bridges::Strays BlockedWatch::read_strays() {
    auto strays = reader_.read_strays();
    if (!snapshot_ || !strays) return {};
    bridges::Strays told = news_of(homeless_, *strays);
    for (const topology::Role role : topology::bound_roles)
        if (homes_of(role, *snapshot_).empty())
            for (auto& [device, connections] : told) connections.erase(name_of(role));
    return told;
}

void BlockedWatch::meet_ovs() {
    if (!older_ && snapshot_->ovs_connected) older_ = flows_.unheard(snapshot_->observed.ovs);
}

// ovs-vswitchd may be slow to say what it dropped before this netd was there; it is no news when it does.
void BlockedWatch::take_as_told(const Blocked& flows) {
    if (!older_ || older_->empty()) return;
    const auto unheard = flows_.unheard(snapshot_->observed.ovs);
    std::erase_if(*older_, [&](const topology::IfName& port) {
        if (unheard.contains(port)) return false;
        const auto found = flows.find(port);
        if (told_ && found != flows.end()) (*told_)[port] = found->second;
        return true;
    });
}

void BlockedWatch::follow(observe::Published snapshot) {
    snapshot_ = std::move(snapshot);
    meet_ovs();
    if (!told_) begin();
    if (snapshot_->running.nics().empty() && snapshot_->running.networks().empty()) timer_->stop();
    else if (!timer_->is_set()) std::ignore = timer_->at(clock_.boottime() + pace);
}

// What happened before this netd was there is no news.
void BlockedWatch::begin() {
    auto now = read();
    if (!tables_) return;
    told_ = std::move(now);
    if (auto strays = reader_.read_strays()) strays_ = std::move(*strays);
}

void BlockedWatch::look() {
    std::ignore = timer_->at(clock_.boottime() + pace);
    if (!told_) return begin();
    auto now = read();
    const auto news = news_of(*told_, now);
    for (const intent::GuestNic& nic : snapshot_->running.nics()) {
        const auto port = lower::port_of(nic);
        const auto found = news.find(port);
        if (found == news.end()) continue;
        tell_("security.blocked", {{"revision", snapshot_->revision}, {"vmId", nic.vm}, {"macAddr", nic.mac.text()}, {"port", port.text()},
                                   {"filter", nic.filter.text()}, {"frames", found->second}});
    }
    for (const intent::Network& network : snapshot_->running.networks()) {
        const auto device = lower::top_device(network);
        if (const auto found = news.find(device); found != news.end())
            tell_("security.blocked", {{"revision", snapshot_->revision}, {"network", network.name.text()}, {"device", device.text()}, {"frames", found->second}});
    }
    for (const auto& tap : lower::waiting_at_gates(snapshot_->observed.kernel))
        if (const auto found = news.find(tap); found != news.end())
            tell_("security.blocked", {{"revision", snapshot_->revision}, {"port", tap.text()}, {"bridge", snapshot_->observed.kernel.links.find(tap)->master->of->text()}, {"frames", found->second}});
    told_ = std::move(now);
    tell_strays();
}

// Those of a role without a home are where they may be.
void BlockedWatch::tell_strays() {
    auto now = reader_.read_strays();
    if (!now) return;
    const auto news = strays_ ? news_of(*strays_, *now) : bridges::Strays();
    for (const topology::Role role : topology::bound_roles) {
        const auto homes = homes_of(role, *snapshot_);
        if (homes.empty()) {
            for (const auto& [device, connections] : *now)
                if (const auto found = connections.find(name_of(role)); found != connections.end()) homeless_[device][name_of(role)] = found->second;
            continue;
        }
        for (const auto& [device, connections] : news)
            if (const auto found = connections.find(name_of(role)); found != connections.end())
                tell_("traffic.strayed", {{"revision", snapshot_->revision}, {"role", name_of(role)}, {"networks", homes}, {"device", device.text()}, {"connections", found->second}});
    }
    strays_ = std::move(*now);
}

}  // namespace serve
