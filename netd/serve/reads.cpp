// The questions: each is answered from the last snapshot, so that none ever waits for a change.
#include "netd/serve/requests.hpp"

#include "netd/intent/same_definitions.hpp"
#include "netd/lower/leases.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/vm_id.hpp"
#include "netd/observe/bond_health.hpp"
#include "netd/observe/build_graph.hpp"
#include "netd/observe/drift.hpp"
#include "netd/observe/statistics.hpp"
#include "netd/observe/surroundings.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/request.hpp"
#include "netd/wire/values.hpp"
#include "netd/wire/write_capabilities.hpp"
#include "netd/wire/write_graph.hpp"
#include "netd/wire/write_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace serve {

using nlohmann::json;

namespace {

constexpr std::size_t most_devices = 8192;  // of one question: each has an answer, be it that there is none of that name

std::size_t running_domains(const guests::State& guests) {
    return static_cast<std::size_t>(std::count_if(guests.domains.begin(), guests.domains.end(), [](const auto& domain) { return domain.active; }));
}

}  // namespace

void Requests::capabilities(const Ticket& ticket, const Params& params) {
    const bool text_mtu = wire::text_of(params, "compat") == "3.6";
    answer_kept(ticket, text_mtu ? "capabilities 3.6" : "capabilities", [&] { return wire::write_capabilities(*snapshot_, text_mtu); });
}

void Requests::statistics(const Ticket& ticket, const Params&) {
    auto statistics = observe::read_statistics(*snapshot_);
    if (!statistics) return refuse(ticket, intent::code::refused, "", statistics.error().fault, sentence(statistics.error()));
    const auto blocked = blocked_();
    const auto tell = [&](const topology::IfName& device) {
        const auto counted = statistics->find(device.text());
        if (counted == statistics->end()) return;
        const auto of = blocked.find(device);
        counted->second.blocked = of == blocked.end() ? topology::Blocked::mapped_type() : of->second;
    };
    for (const auto& nic : snapshot_->running.nics())
        if (is_filtered(nic)) tell(lower::port_of(nic));
    if (snapshot_->abilities.services)
        for (const auto& network : snapshot_->running.networks()) tell(lower::top_device(network));
    for (auto& [device, connections] : strays_())
        if (const auto counted = statistics->find(device.text()); counted != statistics->end()) counted->second.strays = connections;
    answer_text(ticket, wire::write_statistics(*statistics, clock_.wall()));
}

void Requests::running_config(const Ticket& ticket, const Params& params) {
    const std::string which = wire::text_of(params, "which");
    if (!which.empty() && which != "running" && which != "committed")
        return refuse(ticket, intent::code::bad_parameters, "/which", topology::Fault::invalid, "which is \"running\" or \"committed\"");
    const bool committed = which == "committed";
    answer_kept(ticket, committed ? "committed" : "running",
                [&] {
                    json told = wire::write_definitions(committed ? snapshot_->committed : snapshot_->running);
                    if (!committed && snapshot_->pending) told["transaction"] = snapshot_->pending->id;
                    return wire::dump(told);
                });
}

void Requests::drift(const Ticket& ticket, const Params&) {
    answer_kept(ticket, "drift", [&] { return wire::dump(wire::write_drift(observe::find_drift(*snapshot_))); });
}

void Requests::lldp(const Ticket& ticket, const Params& params) {
    const auto no = [&] { refuse(ticket, static_cast<int>(wire::Rpc::invalid_params), "/filter", topology::Fault::invalid, R"(filter is {"devices": [NIC, …]})"); };
    std::vector<std::string> devices;
    const auto filter = params.find("filter");
    if (filter != params.end() && !wire::is_absent(*filter)) {
        const auto named = filter->is_object() ? filter->find("devices") : filter->end();
        const bool is_named = named != filter->end() && !wire::is_absent(*named);
        if (!filter->is_object() || filter->size() > filter->count("devices") || (is_named && !named->is_array())) return no();
        if (is_named && named->size() > most_devices) return refuse(ticket, intent::code::bad_parameters, "/filter/devices", topology::Fault::invalid, fmt::format("filter.devices names {} at most", most_devices));
        if (is_named)
            for (const json& device : *named) {
                if (!device.is_string()) return no();
                devices.push_back(device.get<std::string>());
            }
    }
    answer(ticket, lldp_ ? lldp_(devices) : json::object());
}

void Requests::topology(const Ticket& ticket, const Params& params) {
    // Counters that can't be read are left out; the picture is worth having without them.
    const auto counters = observe::read_counters();
    auto answered = wire::write_topology(*snapshot_, params, counters ? *counters : observe::Statistics());
    if (!answered) return refuse(ticket, intent::code::bad_parameters, wire::pointer("", answered.error().subject), answered.error().fault, answered.error().what);
    answer(ticket, *answered);
}

void Requests::status(const Ticket& ticket, const Params&) {
    const observe::Snapshot& now = *snapshot_;
    const std::size_t asked = writes_ - std::min(writes_, refused_);
    using std::chrono::duration_cast;
    using std::chrono::seconds;
    json result = {
        {"version", NETD_VERSION},
        {"revision", now.revision},
        {"uptime", duration_cast<seconds>(clock_.boottime() - started_).count()},
        {"queue", asked == 0 ? 0 : asked - 1},  // one of them is being done
        {"backends",
         {{"kernel",
           {{"release", now.abilities.release}, {"vlan", now.abilities.vlan}, {"vlan_filtering", now.abilities.vlan_filtering},
            {"bond", now.abilities.bond}, {"tap", now.abilities.tap}, {"filter", now.abilities.filter}, {"services", now.abilities.services.has_value()}, {"hfsc", now.abilities.hfsc}, {"htb", now.abilities.htb},
            {"police", now.abilities.police}, {"mirred", now.abilities.mirred}, {"checksums", now.abilities.checksums}, {"gates", now.abilities.gates}, {"overruns", now.overruns}}},
          {"ovs", {{"connected", now.ovs_connected}, {"where", now.ovs_where}, {"datapath", now.ovs_datapath}}},
          {"libvirt", {{"connected", now.guests_connected}, {"where", now.guests_where}, {"trouble", now.guests_trouble}, {"domains", running_domains(now.observed.guests)}}}}},
        {"netConfigDirty", !intent::define_the_same(now.running, now.committed)},
        {"networks", now.running.networks().size()},
        {"nics", now.running.nics().size()},
        {"bonds", json::object()},
        {"deadPorts", json(observe::dead_ports(now))},
        {"transaction", nullptr},
        {"last", nullptr},
        {"trouble", nullptr},
        {"disturbances", observe::disturbances()},
        {"renamed", json::object()},
        {"unknown", unknown_taps()},
        {"withoutLease", json::array()},
        {"counters", {{"requests", counters_.requests}, {"refused", counters_.refused}, {"malformed", counters_.malformed}, {"busy", counters_.busy}}}};
    for (auto& [bond, verdict] : observe::bond_verdicts(now)) result["bonds"][bond] = std::move(verdict);
    for (const auto& network : lower::without_lease(now.running, now.leases.get())) result["withoutLease"].push_back(network.text());
    if (now.pending) {
        const auto left = duration_cast<std::chrono::milliseconds>(now.pending->deadline - clock_.boottime()).count();
        result["transaction"] = {{"id", now.pending->id}, {"phase", "waiting"}, {"secondsLeft", std::max(0.0, left / 1000.0)}};
    }
    if (now.last) result["last"] = {{"transaction", now.last->transaction ? json(*now.last->transaction) : json()}, {"outcome", now.last->outcome}, {"why", now.last->why}, {"time", now.last->time.count() / 1e9}};
    if (now.trouble) result["trouble"] = {{"subject", now.trouble->subject}, {"what", now.trouble->what}};
    for (const auto& [name, device] : now.renamed) result["renamed"][name.text()] = device.text();
    if (more_status_) more_status_(result);
    answer(ticket, result);
}

// Taps that carry nothing since nobody has said whose they are.
json Requests::unknown_taps() const {
    const bridges::State& kernel = snapshot_->observed.kernel;
    std::map<topology::IfName, topology::IfName> waiting;  // with its bridge
    for (const auto& tap : lower::waiting_at_gates(kernel)) waiting.emplace(tap, *kernel.links.find(tap)->master->of);
    json told = json::object();
    if (waiting.empty()) return told;
    const auto blocked = blocked_();
    for (const auto& [tap, bridge] : waiting) {
        const auto of = blocked.find(tap);
        told[tap.text()] = {{"bridge", bridge.text()}, {"blocked", of == blocked.end() ? json::object() : json(of->second)}};
    }
    return told;
}

// Without a network nothing stands that could count, and on Open vSwitch nobody says what was while it does not answer.
bool Requests::is_filtered(const intent::GuestNic& nic) const {
    const bridges::Link* link = snapshot_->observed.kernel.links.find(lower::port_of(nic));
    const ovs::Port* port = snapshot_->observed.ovs.ports.find(lower::port_of(nic));
    const intent::Network* network = snapshot_->running.network(nic.network);
    if (network && network->switch_kind == intent::SwitchKind::ovs) return port && port->filter && snapshot_->ovs_answers();
    return network && link && link->filter;
}

void Requests::nics(const Ticket& ticket, const Params& params) {
    const std::string vm = wire::text_of(params, "vmId");
    json list = json::array();
    const auto blocked = blocked_();
    for (const auto& nic : snapshot_->running.nics()) {
        if (!vm.empty() && !lower::is_same_guest(nic.vm, vm, snapshot_->observed.guests)) continue;
        json one = wire::write_nic(nic);
        one["port"] = lower::port_of(nic).text();
        if (const auto of = blocked.find(lower::port_of(nic)); is_filtered(nic)) one["blocked"] = of == blocked.end() ? json::object() : json(of->second);
        list.push_back(std::move(one));
    }
    answer(ticket, {{"nics", list}});
}

}  // namespace serve
