// Drift is repaired as everything is changed: by a plan, with a journal, looked at again, or taken back. Rules that are gone are put back at once.
#include "netd/daemon/reconciler.hpp"

#include "bridges/journey.hpp"
#include "netd/daemon/left_filters.hpp"
#include "netd/daemon/log.hpp"
#include "netd/daemon/presence.hpp"

#include <fmt/format.h>

namespace netd {

using nlohmann::json;
using observe::Parts;

namespace {

std::vector<Parts> each_alone(const Parts& parts) {
    std::vector<Parts> alone;
    for (const auto& name : parts.networks) alone.push_back({.networks = {name}});
    for (const auto& name : parts.bonds) alone.push_back({.bonds = {name}});
    for (const auto& name : parts.guests) alone.push_back({.guests = {name}});
    return alone;
}

void add(const Parts& one, Parts& to) {
    to.networks.insert(one.networks.begin(), one.networks.end());
    to.bonds.insert(one.bonds.begin(), one.bonds.end());
    to.guests.insert(one.guests.begin(), one.guests.end());
}

std::string names_of(const Parts& parts) {
    std::string text;
    for (const auto* names : {&parts.networks, &parts.bonds, &parts.guests})
        for (const auto& name : *names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

template <class Names>
json texts_of(const Names& names) {
    auto texts = json::array();
    for (const auto& name : names) texts.push_back(name.text());
    return texts;
}

}  // namespace

intent::Intent Reconciler::attainable() const {
    // While definitions can't follow, what guests did is not put right.
    const intent::Intent now = transactor_.waiting() ? lower::as_guests_are_now(transactor_.standing(), transactor_.host()) : transactor_.running();
    return lower::attainable(now, {backends_.kernel.state(), backends_.ovs.connected() && !backends_.ovs.is_silent(), guest_is_there});
}

std::optional<topology::Error> Reconciler::mend(const Parts& parts, const intent::Intent& there) {
    const auto touched = lower::within(lower::touched_by_names(parts.networks, parts.bonds, parts.guests, there), there);
    const auto outcome = transactor_.mend(there, touched);
    if (const auto* back = std::get_if<apply::RolledBack>(&outcome)) return back->because;
    if (const auto* stuck = std::get_if<apply::Degraded>(&outcome)) {
        conclude(std::nullopt, outcome, intent::code::refused);
        return stuck->because;
    }
    if (std::get<apply::Committed>(outcome).changed) log::info("put right what had come to differ: {}", names_of(parts));
    return std::nullopt;
}

// All at once, since that is one batch; if something stands in the way of one, each by itself.
void Reconciler::mend(const serve::Mend& asked) {
    serve::Mended mended;
    if (!transactor_.is_stuck()) ask_before_mending();
    if (!transactor_.is_stuck()) {
        auto there = attainable();
        const auto failed = mend(asked.parts, there);
        if (failed) there = attainable();  // ovs-vswitchd may have turned out to be silent
        // Beside a change there may be hardly any time, and its confirmation waits behind this.
        const bool is_beside = transactor_.waiting().has_value(), is_out_of_time = is_beside && failed && failed->fault == topology::Fault::timeout;
        for (const Parts& one : failed ? each_alone(asked.parts) : std::vector<Parts>()) {
            const auto why = asked.parts.size() == 1 || is_out_of_time ? failed : mend(one, there);
            if (!why) continue;
            log::warn("{} can't be put right: {}", names_of(one), sentence(*why));
            // What takes all the time that a try is given is not tried for ever: others wait meanwhile.
            if (is_beside || why->fault != topology::Fault::timeout) add(one, mended.refused);
        }
        if (!transactor_.waiting()) transactor_.look_at_the_boot_again(there);
        publish();
    }
    notes_.push(std::move(mended));
}

// That a way back was blocked has been told, so that it is not is told as well.
void Reconciler::try_again() {
    if (!transactor_.is_stuck()) return tried_in_.reset();
    tried_in_ = observe::state_of(backends_);
    if (const auto back = transactor_.try_again()) conclude(std::nullopt, *back, intent::code::refused);
}

// What became of the obstacle in the midst of a try was heard by that, and nobody tells it again; that there is memory or a descriptor
// to be had once more nobody tells at all.
void Reconciler::try_again_untold(std::chrono::steady_clock::time_point now) {
    if (!transactor_.is_stuck()) return untold_pause_.end();
    if (now < untold_again_ && tried_in_ == observe::state_of(backends_)) return;
    try_again();
    untold_again_ = std::chrono::steady_clock::now() + untold_pause_.lengthen();
    publish();
}

// Of the last snapshot, what no event tells: that somebody edits resolv.conf, or installs the DHCP client.
bool Reconciler::differs_unheard() const {
    return last_ && (last_->nameservers != resolver_.nameservers() || last_->resolver_obstacle != resolver_.obstacle() || last_->has_dhcp_client != DhcpClients::are_to_be_had());
}

// What nobody reports, such as the settings of the host's stack on a link, is looked at in turn, a few links at a time.
void Reconciler::patrol() {
    constexpr std::size_t at_once = 50;
    const auto now = std::chrono::steady_clock::now();
    if (now < patrol_again_) return;
    patrol_again_ = now + std::chrono::seconds(2);
    ask_in_turn();
    try_again_untold(now);
    // What others write into resolv.conf is told and left: netd writes when something is changed.
    if (differs_unheard()) show();
    const bridges::State before = backends_.kernel.state();
    std::vector<topology::IfName> next;
    const auto take_from = [&](auto link) {
        for (; link != before.links.end() && next.size() < at_once; ++link) next.push_back((*link).name);
    };
    if (patrolled_) take_from(before.links.from(*patrolled_));
    take_from(before.links.begin());
    if (next.empty()) return;
    patrolled_ = next.back();
    if (!backends_.kernel.look_at(next) || before == backends_.kernel.state()) return;
    try_again();
    follow_names();
    publish();
}

bool Reconciler::see_to_rules() {
    const bool is_due = backends_.kernel.take_unfiltered() || (rules_again_ && clock_.boottime() >= *rules_again_);
    return is_due && put_rules_back();
}

// Somebody flushed or changed one of netd's tables, or it is that of another netd: what the guests' ports shall have, and the
// rules of the host, are put back before anything else is done, and told. What is for ports that are gone goes as well.
bool Reconciler::put_rules_back() {
    const auto& running = transactor_.standing();
    const auto wanted = lower::lower(running, lower::everything(running), observe::host_of(backends_));
    std::vector<bridges::Op> ops;
    std::set<topology::IfName> closing;
    auto restored = backends_.kernel.take_restored();  // a change was quicker
    for (const bridges::Link& link : wanted.kernel.links) {
        const bridges::Link* there = backends_.kernel.state().links.find(link.name);
        if (!there || !bridges::is_same_thing(link, *there)) continue;  // somebody else's that has its name
        bridges::Link now{link.name};
        if (link.filter && there->filter != link.filter) now.filter = link.filter;
        if (link.standing && there->standing != link.standing) now.standing = link.standing;
        if (link.gate && there->gate != link.gate) now.gate = link.gate;
        if (now.gate == true) closing.insert(link.name);
        if (now == bridges::Link{link.name}) continue;
        if (now.filter || now.standing || now.gate == true) (now.filter ? restored.ports : restored.devices).insert(link.name);
        ops.push_back(topology::Update<bridges::Link>{*there, now});
    }
    forget_filters(backends_.kernel);
    rules_again_.reset();
    const auto progress = ops.empty() ? topology::Progress() : backends_.kernel.apply(ops);
    restored.ports.merge(backends_.kernel.take_restored().ports);  // what nobody wants to be otherwise comes back with the rest
    if (!progress.stopped) gatekeeper_.admit_bystanders(closing, wanted.kernel);
    if (progress.stopped) rules_again_ = clock_.boottime() + std::chrono::seconds(2);
    if (restored.ports.empty() && restored.devices.empty()) return !ops.empty();
    const std::string why = progress.stopped ? progress.stopped->what : restored.why;
    if (!why.empty()) log::error("traffic is not kept apart as it should be: {}", why);
    else log::warn("the rules of {} guests' ports and {} networks were gone, and are back", restored.ports.size(), restored.devices.size());
    announce("security.restored", {{"ports", texts_of(restored.ports)}, {"devices", texts_of(restored.devices)}, {"why", why}});
    return true;
}

void Reconciler::tell_restored_flows() {
    for (const auto& [bridge, filtered] : backends_.ovs.take_restored()) {
        log::warn("somebody changed the flows of {}: it forwards as before, and {} guests' ports are filtered again", bridge.text(), filtered.size());
        announce("security.restored", {{"ports", texts_of(filtered)}, {"devices", json::array({bridge.text()})}, {"why", ""}});
    }
}

}  // namespace netd
