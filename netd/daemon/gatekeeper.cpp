// See gatekeeper.hpp.
#include "netd/daemon/gatekeeper.hpp"

#include "netd/daemon/left_filters.hpp"
#include "netd/daemon/log.hpp"

namespace netd {

using bridges::Link;
using topology::IfName;
using Clock = std::chrono::steady_clock;

namespace {

bridges::Op admit(const Link& tap, bool is_admitted) {
    Link now{tap.name};
    now.admitted = is_admitted;
    return topology::Update<Link>{tap, now};
}

void tell(bridges::Kernel& kernel, const std::vector<bridges::Op>& ops) {
    if (const auto progress = kernel.apply(ops); progress.stopped) log::warn("whose taps are on bridges can't be told to nftables: {}", sentence(*progress.stopped));
}

}  // namespace

// Who came, and who is not there any more. What is another tap than the one that was admitted under its name waits like any other.
void Gatekeeper::note_newcomers(std::vector<bridges::Op>& ops) {
    const bridges::State& now = backends_.kernel.state();
    bool gates_moved = false, is_left = false;
    const auto note = [&](const Link& link) {
        if (lower::waits_at_gate(link, now)) newcomers_.try_emplace(link.name, Newcomer{Clock::now()});
        else newcomers_.erase(link.name);
    };
    topology::Keyed<Link>::each_difference(links_, now.links, [&](const Link* was, const Link* link) {
        gates_moved |= (was ? was->gate : std::nullopt) != (link ? link->gate : std::nullopt);
        const bool is_another = was && (!link || link->facts.index != was->facts.index);
        if (is_another) newcomers_.erase(was->name);
        if (is_another && link && link->admitted == true) ops.push_back(admit(*link, false));
        is_left |= was && !link && (was->admitted == true || was->gate == true);
        if (link) note(*link);
    });
    links_ = now.links;
    if (gates_moved)
        for (const Link& link : now.links) note(link);
    if (is_left) forget_filters(backends_.kernel);
}

// Whether it is nobody's of the hypervisor's, and may pass.
bool Gatekeeper::is_admitted(const IfName& tap, bool is_hypervisors) {
    const guests::Hypervisor& guests = backends_.guests;
    Newcomer& newcomer = newcomers_.at(tap);
    if (is_hypervisors) {
        newcomer = {Clock::now()};
        return false;
    }
    if (guests.connected() && newcomer.asked == 0) newcomer.asked = backends_.guests.look_at_all();
    return lower::is_of_others(tap, {.connected = guests.connected(), .has_been_asked = newcomer.asked != 0 && guests.answered(newcomer.asked),
                                     .since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - newcomer.came)});
}

bool Gatekeeper::see_to_taps() {
    if (lower::gates_of(backends_.kernel.abilities(), backends_.guests.where()) != true) return false;
    std::vector<bridges::Op> ops;
    const auto& nics = backends_.guests.state().nics;
    if (newcomers_.empty() && links_ == backends_.kernel.state().links && nics_ == nics) return false;
    note_newcomers(ops);
    nics_ = nics;
    const std::set<IfName> hypervisors = lower::made_by_hypervisor(backends_.guests.state());
    for (const IfName& device : hypervisors) {
        const Link* link = backends_.kernel.state().links.find(device);
        if (link && link->admitted == true) ops.push_back(admit(*link, false));
    }
    std::vector<IfName> admitted;
    for (const auto& [tap, newcomer] : std::map(newcomers_)) {
        if (!lower::can_be_admitted(tap) || !is_admitted(tap, hypervisors.contains(tap))) continue;
        ops.push_back(admit(*backends_.kernel.state().links.find(tap), true));
        admitted.push_back(tap);
    }
    if (ops.empty()) return false;
    tell(backends_.kernel, ops);
    for (const IfName& tap : admitted) {
        newcomers_.at(tap) = {Clock::now()};  // in case it was not to be
        const Link* link = backends_.kernel.state().links.find(tap);
        if (link && link->admitted == true) log::info("{} is a tap of others on {}: what comes by it passes", tap.text(), link->master->of ? link->master->of->text() : "no bridge");
    }
    return true;
}

void Gatekeeper::admit_bystanders(const std::set<IfName>& closing, const bridges::State& wanted) {
    std::vector<bridges::Op> ops;
    const std::set<IfName> hypervisors = lower::made_by_hypervisor(backends_.guests.state());
    for (const Link& link : closing.empty() ? topology::Keyed<Link>() : backends_.kernel.state().links) {
        const bool is_there = link.admitted == false && link.master && link.master->of && closing.contains(*link.master->of);
        const Link* own = wanted.links.find(link.name);
        if (!is_there || link.filter || (own && own->filter) || newcomers_.contains(link.name)) continue;
        if (hypervisors.contains(link.name) || lower::is_named_by_libvirt(link.name) || !lower::can_be_admitted(link.name)) continue;
        ops.push_back(admit(link, true));
    }
    if (!ops.empty()) tell(backends_.kernel, ops);
}

}  // namespace netd
