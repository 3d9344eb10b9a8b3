// See blocked_flows.hpp.
#include "ovs-driver/blocked_flows.hpp"

#include <algorithm>

namespace ovs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds moment{100};
constexpr std::chrono::seconds a_while{5};

}  // namespace

topology::Result<> BlockedFlows::ask(const IfName& name, const FilteredPorts& ports, Bridge& bridge, Time deadline) {
    if (bridge.connection && bridge.connection->run() == OpenFlow::Now::lost) bridge.connection.reset();
    if (!bridge.connection) {
        auto opened = OpenFlow::open(folder_, name, false);
        if (!opened) return opened.error();
        bridge.connection = std::move(*opened);
    }
    if (auto ready = bridge.connection->wait_until_ready(deadline); !ready) return ready.error();
    auto counts = bridge.connection->counts(deadline);
    if (!counts) return counts.error();
    if (std::any_of(ports.begin(), ports.end(), [](const auto& port) { return limits_storms(port.second); })) {
        const auto dropped = bridge.connection->dropped_by_meters(deadline);
        if (!dropped) return dropped.error();
        for (const auto& [meter, packets] : *dropped) counts->push_back({Cookie{0, meter, reason_of("storm")}.number(), packets});
    }
    bridge.counts = std::move(*counts);
    return {};
}

void BlockedFlows::ask_all(const FilteredBridges& filtered) {
    if (filtered.empty() || Clock::now() < again_) return;
    const auto deadline = Clock::now() + moment;
    auto at = next_ ? filtered.lower_bound(*next_) : filtered.begin();
    for (std::size_t asked = 0; asked < filtered.size(); ++asked, ++at) {
        if (at == filtered.end()) at = filtered.begin();
        const auto& [name, ports] = *at;
        Bridge& bridge = bridges_[name];
        if (Clock::now() < bridge.next_try) continue;
        if (ask(name, ports, bridge, deadline)) continue;
        bridge.connection.reset();
        if (Clock::now() < deadline) {
            bridge.next_try = Clock::now() + a_while;
            continue;
        }
        if (asked == 0) again_ = Clock::now() + a_while;
        next_ = name;
        return;
    }
}

Blocked BlockedFlows::read(const State& state) {
    Blocked blocked;
    const auto filtered = filtered_bridges(state);
    std::erase_if(bridges_, [&](const auto& known) { return !filtered.contains(known.first); });
    ask_all(filtered);
    for (const auto& [name, ports] : filtered) {
        const auto& counts = bridges_[name].counts;
        if (!counts) continue;
        for (const auto& count : *counts) {
            const auto cookie = Cookie::of(count.cookie);
            const auto port = ports.find(cookie.ofport);
            if (!count.packets || port == ports.end() || cookie.reason >= topology::block_reasons.size()) continue;
            blocked[port->second.name][topology::block_reasons[cookie.reason].name] += count.packets;
        }
    }
    return blocked;
}

std::set<IfName> BlockedFlows::unheard(const State& state) const {
    std::set<IfName> unheard;
    for (const auto& [name, ports] : filtered_bridges(state)) {
        const auto known = bridges_.find(name);
        if (known != bridges_.end() && known->second.counts) continue;
        for (const auto& [number, port] : ports) unheard.insert(port.name);
    }
    return unheard;
}

}  // namespace ovs
