// Looking is this thread's affair, since it costs what is there and nobody who asks or changes shall wait for it.
#include "netd/daemon/drift_watch.hpp"

#include "netd/daemon/log.hpp"
#include "netd/daemon/presence.hpp"
#include "netd/observe/apart.hpp"
#include "netd/observe/drift.hpp"
#include "netd/wire/write_event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace netd {

using observe::Drift;
using observe::Parts;

namespace {

// A transaction's own steps are over by then, and a person at night still finds it instant.
constexpr std::chrono::milliseconds delay{250};

std::string what_is(std::vector<std::string> networks, const char* how) {
    const bool is_one = networks.size() == 1;
    return fmt::format("network{} {} {} {}", is_one ? "" : "s", log::some_of(std::move(networks)), is_one ? "is" : "are", how);
}

// The status tells it only for as long as it is so. One line for all that one cable carries, which may be a thousand.
void log_wires(const std::vector<observe::Event>& events) {
    std::map<std::string, std::vector<std::string>> down;
    std::vector<std::string> up;
    for (const observe::Event& event : events) {
        const auto& words = event.attributes;
        if (event.topic == "network.up") up.push_back(event.subject);
        else down[fmt::format("{}: {}, for {} s now", words.at("device"), words.at("why"), words.at("seconds"))].push_back(event.subject);
    }
    if (!up.empty()) log::info("{} again", what_is(std::move(up), "up"));
    for (auto& [why, networks] : down) log::warn("{}: {}", what_is(std::move(networks), "down"), why);
}

}  // namespace

DriftWatch::DriftWatch(const loop::Clock& clock, const Options& options, Tell tell, loop::Mailbox<serve::Command>& commands)
    : clock_(clock), repairs_(options.repairs_drift), tell_(std::move(tell)), commands_(commands),
      snapshot_(std::make_shared<observe::Snapshot>()), carriers_(options.carrier_grace) {}

topology::Result<std::unique_ptr<DriftWatch>> DriftWatch::open(loop::EventLoop& loop, const loop::Clock& clock, const Options& options, Tell tell,
                                                               loop::Mailbox<serve::Command>& commands) {
    std::unique_ptr<DriftWatch> watch(new DriftWatch(clock, options, std::move(tell), commands));
    auto* looks = watch.get();
    for (auto* timer : {&watch->soon_, &watch->later_}) {
        auto opened = loop::Timer::open(loop, [looks] { looks->look(); });
        if (!opened) return opened.error();
        *timer = std::move(*opened);
    }
    return watch;
}

void DriftWatch::on_snapshot(observe::Published next) {
    const bool has_news = next->pending != snapshot_->pending || next->is_stuck != snapshot_->is_stuck || next->ovs_connected != snapshot_->ovs_connected ||
                          next->ovs_silent != snapshot_->ovs_silent ||
                          !(snapshot_->observed == next->observed) || !(snapshot_->running == next->running);
    // Where frames may get into another network nobody waits. netd's own changes come with other definitions, or by its repairs.
    const bool is_urgent = has_news && next->running == snapshot_->running && observe::is_kept_apart_otherwise(*snapshot_, *next);
    if (snapshot_->pending && !next->pending) mending_.forget_refusals();  // some of it may have had to wait for the change's end
    if (!repairs_) left_out_.follow(*snapshot_, *next, drift_);
    snapshot_ = std::move(next);
    if (is_urgent) std::ignore = soon_->at(clock_.boottime());
    else if (has_news) look_soon();
}

void DriftWatch::on_mended(const serve::Mended& mended) {
    mending_.tried(mended.refused, clock_.boottime());
    look_soon();
}

void DriftWatch::look_soon() {
    if (!soon_->is_set()) std::ignore = soon_->at(clock_.boottime() + delay);
}

void DriftWatch::look() {
    const auto now = clock_.boottime();
    const auto wires = carriers_.look(*snapshot_, now);
    log_wires(wires);
    for (const observe::Event& event : wires) {
        nlohmann::json body = wire::write_event(event);
        body["revision"] = snapshot_->revision;
        tell_(event.topic.c_str(), std::move(body));
    }
    tell_drift(observe::find_drift(*snapshot_));
    // Nothing is repaired while a way back is blocked: tries that can't be made would count as five of somebody's.
    const bool mends = !snapshot_->is_stuck;
    if (mends) mend();
    std::optional<std::chrono::nanoseconds> next = carriers_.next();
    if (mends && mending_.next()) next = next ? std::min(*next, *mending_.next()) : *mending_.next();
    if (next) std::ignore = later_->at(*next);
    else later_->stop();
}

// What has come to differ from its definition, and what no longer does.
void DriftWatch::tell_drift(Drift now) {
    const observe::DriftNews::Told news = news_.hear(now.networks);
    tell_each("drift.found", news.found);
    tell_each("drift.repaired", news.repaired);
    left_out_.look(*snapshot_, now);
    drift_ = std::move(now);
}

void DriftWatch::mend() {
    Drift curable = observe::curable(drift_, *snapshot_, guest_is_there);
    if (!repairs_) curable = left_out_.of(std::move(curable));
    const Parts due = mending_.due(curable, clock_.boottime(), observe::ports_of_guests(snapshot_->running));
    tell_each("drift.contested", mending_.take_newly_contested().networks);
    if (!due.empty()) commands_.push(serve::Mend{due});
}

void DriftWatch::tell_each(const char* topic, const Drift::Deviations& all) {
    for (const auto& [network, deviations] : all)
        for (const observe::Deviation& deviation : deviations) {
            // Who looks into the journal afterwards wants to know what somebody had changed.
            if (std::string_view(topic) != "drift.repaired")
                log::warn("{}: {} of {} is {}, and should be {}{}", network, deviation.attribute, deviation.subject, deviation.found, deviation.wanted,
                          std::string_view(topic) == "drift.contested" ? ": somebody undoes each repair" : "");
            tell_(topic, {{"revision", snapshot_->revision}, {"network", network}, {"subject", deviation.subject},
                          {"attribute", deviation.attribute}, {"wanted", deviation.wanted}, {"found", deviation.found}});
        }
}

void DriftWatch::add_status(nlohmann::json& status) const {
    auto contested = nlohmann::json::array();
    for (const auto* kind : {&mending_.contested().networks, &mending_.contested().bonds, &mending_.contested().guests})
        for (const auto& [name, deviations] : *kind) contested.push_back(name);
    status["drift"] = {{"policy", repairs_ ? "repair" : "report"}, {"contested", std::move(contested)}};
    status["down"] = carriers_.down();
}

}  // namespace netd
