// See flow_keeper.hpp.
#include "ovs-driver/flow_keeper.hpp"

#include "ovs-driver/library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

using topology::IfName;
using topology::Result;

// How long the loop may wait for ovs-vswitchd, at first; and how soon it is asked again: at once while it may be on its way back, as
// guests' frames pass a new one unfiltered until then. Two that each think the other wrong must not keep ovs-vswitchd busy: repairs
// that follow one another come at longer and longer pauses, up to `later`, until there was peace for as long as that.
constexpr std::chrono::milliseconds patience{200}, per_guest{5}, soon{5}, later{1000};
constexpr std::chrono::seconds on_its_way{30}, grace{2};
constexpr unsigned most_tries = 6;  // of a writing: 13 s

std::uint8_t any_generation() { return static_cast<std::uint8_t>(std::random_device{}()); }

std::string of_port(std::uint16_t ofport) {
    return fmt::format("cookie={:#x}/{:#x}", Cookie::netd | std::uint64_t{ofport} << 8, Cookie::netd_mask | Cookie::port_mask);
}

// Those that differ from it in one bit at least: one removal a bit.
std::vector<std::string> of_other_generations(std::uint8_t generation) {
    std::vector<std::string> removals;
    for (int bit = 0; bit < 8; ++bit) {
        const std::uint64_t place = std::uint64_t{1} << (24 + bit);
        const bool is_set = generation >> bit & 1;
        removals.push_back(fmt::format("cookie={:#x}/{:#x}", Cookie::netd | (is_set ? 0 : place), Cookie::netd_mask | place));
    }
    return removals;
}

}  // namespace

FilteredPorts FlowKeeper::due(const Bridge& bridge) const {
    FilteredPorts due = bridge.wanted;
    for (const auto& [ofport, port] : bridge.prepared) due.insert_or_assign(ofport, port);
    due.insert(bridge.leaving.begin(), bridge.leaving.end());
    return due;
}

Result<> FlowKeeper::prepare(const IfName& name, const FilteredPorts& ports, Clock::time_point deadline) {
    Bridge& bridge = bridges_[name];
    bridge.prepared = ports;
    bridge.is_due = true;
    if (auto connected = connect(name, bridge); !connected) return connected;
    auto done = bridge.connection->wait_until_ready(deadline);
    if (done) done = bring_about(bridge, deadline);
    // What was said too late may be done later still: what stands then is found out anew.
    if (!done) lose(bridge);
    return done;
}

void FlowKeeper::settle(bool applied) {
    for (auto& [name, bridge] : bridges_) {
        bridge.is_due = bridge.is_due || !bridge.prepared.empty() || !bridge.leaving.empty();
        bridge.prepared.clear();
        if (applied) bridge.leaving.clear();
    }
    run();
}

void FlowKeeper::look_after(const IfName& name) { bridges_.try_emplace(name); }

void FlowKeeper::write_again(const IfName& port) {
    for (auto& [name, bridge] : bridges_)
        for (const auto& [ofport, known] : bridge.installed)
            if (known.name == port) bridge.is_due = bridge.again.insert(ofport).second || bridge.is_due;
}

void FlowKeeper::unlearn(const IfName& name) {
    if (const auto known = bridges_.find(name); known != bridges_.end()) known->second.is_taught = true;
}

void FlowKeeper::follow(FilteredBridges wanted, const State& state) {
    std::erase_if(bridges_, [&](const auto& known) { return !state.bridges.find(known.first) && known.second.prepared.empty(); });
    for (auto& [name, bridge] : bridges_) {
        FilteredPorts& now = wanted[name];
        for (auto& [ofport, port] : bridge.wanted)
            if (!now.contains(ofport)) {
                bridge.leaving.insert_or_assign(ofport, std::move(port));
                bridge.left = Clock::now();
            }
    }
    for (auto& [name, ports] : wanted) {
        Bridge& bridge = bridges_[name];
        bridge.wanted = std::move(ports);
        bridge.is_due = true;
    }
    for (const auto& there : state.bridges) {
        const bool forwards = there.owner && there.owner->is_ours();
        if (!forwards && !bridges_.contains(there.name)) continue;
        Bridge& bridge = bridges_[there.name];
        bridge.whole = bridge.whole || bridge.forwards != forwards;
        bridge.forwards = forwards;
    }
    run();
}

void FlowKeeper::run() {
    for (auto& [name, bridge] : bridges_) work(name, bridge);
    std::erase_if(bridges_, [](const auto& known) {
        const Bridge& bridge = known.second;
        return !bridge.forwards && bridge.is_idle() && !bridge.whole && bridge.installed.empty();
    });
}

void FlowKeeper::work(const IfName& name, Bridge& bridge) {
    const auto now = Clock::now();
    if (!bridge.leaving.empty() && now - bridge.left >= grace) {
        bridge.leaving.clear();
        bridge.is_due = true;
    }
    if (!bridge.connection && (now < bridge.next_try || !connect(name, bridge))) return;
    switch (bridge.connection->run()) {
        case OpenFlow::Now::connecting: return;
        case OpenFlow::Now::lost: return lose(bridge);
        case OpenFlow::Now::ready: break;
    }
    bridge.unheard_since = {};
    bridge.repairs = begins_repair(bridge, now) || bridge.repairs;
    // A thousand guests' flows take longer than a few guests', and nobody is filtered before they are there.
    if (auto done = bring_about(bridge, now + patience * (1 << bridge.tries) + per_guest * bridge.wanted.size()); !done) {
        bridge.tries = std::min(bridge.tries + 1, most_tries);
        return lose(bridge);
    }
    bridge.tries = 0;
    bridge.late_since = {};
    go_on_unlearning(name, bridge);
    if (!std::exchange(bridge.repairs, false)) return;
    auto& ports = restored_[name];
    for (const auto& [ofport, port] : bridge.wanted) ports.insert(port.name);
}

// What it may have learned since it began, another one sees to.
void FlowKeeper::go_on_unlearning(const IfName& name, Bridge& bridge) {
    while (bridge.unlearning || std::exchange(bridge.is_taught, false)) {
        if (!bridge.unlearning) bridge.unlearning = std::make_unique<Settling>(folder_, name);
        if (!bridge.unlearning->run()) return;
        bridge.unlearning.reset();
    }
}

bool FlowKeeper::begins_repair(Bridge& bridge, Clock::time_point now) {
    bridge.disturbed = bridge.connection->take_disturbed() || bridge.disturbed;
    if (!bridge.disturbed || now < bridge.next_repair) return false;
    bridge.disturbed = false;
    bridge.whole = true;
    bridge.pause = now - bridge.next_repair >= later ? soon : std::min(bridge.pause * 2, later);
    bridge.next_repair = now + bridge.pause;
    return true;
}

Result<> FlowKeeper::connect(const IfName& name, Bridge& bridge) {
    if (bridge.connection) return {};
    auto opened = OpenFlow::open(folder_, name);
    if (!opened) {
        lose(bridge);
        return opened.error();
    }
    bridge.connection = std::move(*opened);
    bridge.connection->expect_intruders(std::exchange(bridge.intruders, {}));
    bridge.whole = true;
    bridge.has_meters = true;
    return {};
}

void FlowKeeper::lose(Bridge& bridge) {
    const auto now = Clock::now();
    if (bridge.connection) bridge.intruders = bridge.connection->take_intruders();
    bridge.connection.reset();
    if (std::exchange(bridge.unlearning, nullptr)) bridge.is_taught = true;
    bridge.disturbed = false;  // a new one is written whole anyway
    for (Clock::time_point* since : {&bridge.late_since, &bridge.unheard_since})
        if (*since == Clock::time_point()) *since = now;
    bridge.next_try = now + (!bridge.is_idle() && now - bridge.late_since < on_its_way ? soon : later);
}

// A whole writing replaces each flow in place, so that what it counted stays, and then takes away what is of another one.
Result<> FlowKeeper::bring_about(Bridge& bridge, Clock::time_point deadline) {
    if (!bridge.whole && !std::exchange(bridge.is_due, false)) return {};
    const FilteredPorts want = due(bridge);
    const auto again = std::exchange(bridge.again, {});
    if (!bridge.whole && want == bridge.installed && again.empty()) return {};
    if (auto added = add_meters(bridge, want, deadline); !added) return added;
    if (bridge.whole) bridge.generation = bridge.generation ? bridge.generation + 1 : any_generation();
    std::vector<std::string> removed, added;
    if (!bridge.whole)
        for (const auto& [ofport, port] : bridge.installed)
            if (const auto found = want.find(ofport); found == want.end() || !(found->second == port)) removed.push_back(of_port(ofport));
    for (const auto& [ofport, port] : want) {
        const auto found = bridge.installed.find(ofport);
        if (!bridge.whole && found != bridge.installed.end() && found->second == port && !again.contains(ofport)) continue;
        for (std::string& flow : flows_of(ofport, port, bridge.generation, bridge.has_meters)) added.push_back(std::move(flow));
    }
    if (bridge.whole) {
        if (bridge.forwards) added.push_back(forwarding_flow);
        if (auto written = bridge.connection->write({}, added, deadline); !written) return written;
        added.clear();
        removed = of_other_generations(bridge.generation);
    }
    if (auto written = bridge.connection->write(removed, added, deadline); !written) return written;
    if (auto gone = remove_meters(bridge, want, deadline); !gone) return gone;
    bridge.installed = want;
    bridge.is_taught = bridge.is_taught || (bridge.whole && std::ranges::any_of(want, [](const auto& port) { return keeps_to_its_mac(port.second.filter); }));
    bridge.whole = false;
    return {};
}

// Before the flows that name them. A datapath without meters goes without that limit.
Result<> FlowKeeper::add_meters(Bridge& bridge, const FilteredPorts& want, Clock::time_point deadline) {
    std::vector<OpenFlow::Meter> meters;
    for (const auto& [ofport, port] : want) {
        const auto found = bridge.installed.find(ofport);
        const bool is_there = !bridge.whole && found != bridge.installed.end() && limits_storms(found->second);
        if (limits_storms(port) && !is_there) meters.push_back({ofport, storm_rate, storm_burst});
    }
    if (meters.empty() || !bridge.has_meters) return {};
    const auto added = bridge.connection->add_meters(meters, deadline);
    if (!added) return added.error();
    bridge.has_meters = *added;
    return {};
}

// After them.
Result<> FlowKeeper::remove_meters(Bridge& bridge, const FilteredPorts& want, Clock::time_point deadline) {
    std::vector<std::uint16_t> gone;
    for (const auto& [ofport, port] : bridge.installed) {
        const auto found = want.find(ofport);
        if (limits_storms(port) && (found == want.end() || !limits_storms(found->second))) gone.push_back(ofport);
    }
    return gone.empty() || !bridge.has_meters ? Result<>() : bridge.connection->remove_meters(gone, deadline);
}

bool FlowKeeper::is_silent() const {
    return std::ranges::any_of(bridges_, [now = Clock::now()](const auto& known) {
        const Bridge& bridge = known.second;
        return bridge.forwards && !bridge.connection && bridge.unheard_since != Clock::time_point() && now - bridge.unheard_since >= later;
    });
}

void FlowKeeper::wait() {
    for (auto& [name, bridge] : bridges_) {
        if (bridge.connection) bridge.connection->wait();
        if (bridge.unlearning) bridge.unlearning->wait();
        if (!bridge.connection) poll_timer_wait_until(monotonic_ms(bridge.next_try));
        if (bridge.disturbed || (bridge.connection && bridge.connection->is_disturbed())) poll_timer_wait_until(monotonic_ms(bridge.next_repair));
        if (!bridge.leaving.empty()) poll_timer_wait_until(monotonic_ms(bridge.left + grace));
    }
}

}  // namespace ovs
