// See left_wires.hpp.
#include "netd/daemon/left_wires.hpp"

#include "netd/daemon/log.hpp"

#include <algorithm>

namespace netd {

using topology::IfName;

namespace {

void forget_wire(bridges::Kernel& kernel, const IfName& device) {
    const bridges::Link* there = kernel.state().links.find(device);
    if (!there || !there->stack) return;
    const bridges::Link link = *there;  // which is another one once the kernel was told
    log::info("{} is on another wire: what routers said on the one before is forgotten", link.name.text());
    bridges::Link deaf{link.name}, hearing{link.name};
    deaf.stack = bridges::HostStack{.autoconf = false, .ra_gateway = false};
    hearing.stack = bridges::HostStack{.autoconf = link.stack->autoconf, .ra_gateway = link.stack->ra_gateway};
    for (const bridges::Link& now : {deaf, hearing}) {
        const std::vector<bridges::Op> step{topology::Update<bridges::Link>{link, now}};
        if (const auto progress = kernel.apply(step); progress.stopped) log::warn("{}", sentence(*progress.stopped));
    }
}

}  // namespace

void forget_wires(const observe::Backends& backends, const std::set<IfName>& devices) {
    constexpr std::chrono::seconds patience{3};
    if (std::ranges::any_of(devices, [&](const IfName& device) { return backends.ovs.state().ports.contains(device); })) {
        std::ignore = backends.ovs.forwards_as_told(std::chrono::steady_clock::now() + patience);  // one that is as busy as that is not waited for
        if (auto heard = backends.kernel.hear(); !heard) log::warn("{}", sentence(heard.error()));
    }
    for (const IfName& device : devices) forget_wire(backends.kernel, device);
}

std::vector<lower::Hearing> heard_in_change(const store::Remembered& remembered) {
    const auto& running = remembered.running;
    const auto& open = remembered.open_entry;
    if (!open || !*open || (*open)->boot != store::boot_id()) return {};
    const bool has_waited = (*open)->deadline.count() != 0;  // it may be on its way back
    if (!has_waited) return {};
    return lower::hearing(intent::with(running && *running ? (*running)->intent : intent::Intent(), (*open)->delta));
}

std::set<IfName> left_wires(const std::vector<lower::Hearing>& were, const apply::Outcome& outcome, const intent::Intent& standing) {
    std::set<IfName> devices;
    if (!std::holds_alternative<apply::RolledBack>(outcome)) return devices;
    for (const lower::Hearing& now : lower::hearing(standing))
        if (std::ranges::any_of(were, [&](const lower::Hearing& was) { return was.device == now.device && was.wire != now.wire; })) devices.insert(now.device);
    return devices;
}

}  // namespace netd
