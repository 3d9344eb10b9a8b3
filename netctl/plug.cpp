// `plug` and `unplug`: a guest's NIC comes and goes.
#include "netctl/answer.hpp"
#include "netctl/before_us.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;

// netd waits at most 30 s for a guest to let go.
constexpr milliseconds longest_plug{40'000};

milliseconds patience_for_a_plug(Session& session) { return std::max(session.patience, longest_plug) + wait_behind_others(session); }

json nic_of(const Plug& wish) {
    json nic{{"network", wish.network}, {"kind", wish.kind}, {"linkActive", !wish.cable_out}};
    const std::pair<const char*, const std::string*> texts[] = {
        {"macAddr", &wish.mac}, {"ifname", &wish.ifname}, {"filter", &wish.filter}, {"trunk", &wish.trunk}};
    for (const auto& [name, text] : texts)
        if (!text->empty()) nic[name] = *text;
    const std::pair<const char*, const std::optional<int>*> numbers[] = {{"vlan", &wish.vlan}, {"mtu", &wish.mtu}, {"queues", &wish.queues}};
    for (const auto& [name, number] : numbers)
        if (*number) nic[name] = **number;
    if (!wish.addresses.empty()) nic["filterParameters"] = wish.addresses;
    if (wish.isolated) nic["port_isolated"] = true;
    return nic;
}

}  // namespace

Exit run(const Plug& wish, Session& session) {
    const json params{{"vmId", wish.vm}, {"nic", nic_of(wish)}};
    const auto answer = session.netd.call("VM.hotplugNic", params, patience_for_a_plug(session), Asked::plugging);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    const auto& result = std::get<json>(answer);
    if (session.screen.wants_json()) {
        session.screen.document(result);
        return Exit::done;
    }
    const auto& nic = object_at(result, "nic");
    // The port is what a script needs next: it is the data, the rest are words.
    session.screen.line(printable(text_at(nic, "port")));
    session.screen.remark(fmt::format("{} has a NIC {} in {}", in_quotes(wish.vm), printable(text_at(nic, "macAddr")),
                                      wish.network.empty() ? "no network" : in_quotes(wish.network)));
    return Exit::done;
}

Exit run(const Unplug& wish, Session& session) {
    const json params{{"vmId", wish.vm}, {"nic", {{"macAddr", wish.mac}}}};
    const auto answer = session.netd.call("VM.hotunplugNic", params, patience_for_a_plug(session), Asked::plugging);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    const auto& result = std::get<json>(answer);
    if (!flag_at(result, "changed", true))
        return session.screen.fail({Exit::not_found, fmt::format("{} had no NIC {}", in_quotes(wish.vm), wish.mac), "netctl vm"});
    if (session.screen.wants_json()) session.screen.document(result);
    else session.screen.remark(fmt::format("{} has no NIC {} any more", in_quotes(wish.vm), printable(wish.mac)));
    return Exit::done;
}

}  // namespace netctl
