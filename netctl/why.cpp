// `why`: whose port or device it is, what may not pass there, and what was tried.
#include "netctl/answer.hpp"
#include "netctl/inventory.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"
#include "topology/block_reasons.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;

bool is_meant(const json& nic, const std::string& name) { return text_at(nic, "port") == name || text_at(nic, "macAddr") == name; }

std::string rules_of(const json& nic) {
    const auto filter = text_at(nic, "filter");
    if (filter.empty() || !nic.contains("blocked")) return "nothing is filtered there: it may send what it likes";
    const std::string tags = text_at(nic, "trunk").empty() ? "no VLAN tags, no control frames of switches" : "one VLAN tag a frame, no control frames of switches";
    if (filter == "trusted") return "filter trusted: " + tags + "; all else may pass";
    const std::string standard = fmt::format("filter {}: {}; only its own MAC, in ARP too; no DHCP server, no router, no multicast router, nothing to the host itself", filter, tags);
    if (filter == "standard") return standard;
    return standard + fmt::format("; IP, ARP and RARP only, from {}; 100 broadcasts and multicasts a second", joined(texts_at(nic, "filterParameters"), 20));
}

void tell_dropped(const json& blocked, Screen& screen) {
    if (blocked.empty()) return screen.line("nothing was dropped");
    for (const auto& [reason, frames] : blocked.items())
        screen.line(printable(fmt::format("{} dropped: {}", shown(frames), topology::words_of_reason(reason))));
}

void tell(const json& nic, Screen& screen) {
    const auto network = text_at(nic, "network");
    screen.line(printable(fmt::format("{} is NIC {} of guest {}, {}{}", text_at(nic, "port"), text_at(nic, "macAddr"), in_quotes(text_at(nic, "vmId")),
                                      network.empty() ? "connected to nothing" : "on network " + in_quotes(network), flag_at(nic, "linkActive", true) ? "" : ", its cable out")));
    screen.line(printable(rules_of(nic)));
    if (!nic.contains("blocked")) return;
    tell_dropped(object_at(nic, "blocked"), screen);
}

// What the host takes from a network, by its roles.
std::string rules_of_network(const json& network) {
    const auto roles = texts_at(network, "roles");
    const std::string elsewhere = "nothing reaches addresses that the host has on other networks, and nothing is forwarded";
    if (roles.empty()) return "without a role: all services of the host answer; " + elsewhere;
    if (!network.contains("services")) return fmt::format("{}: this kernel can't keep services apart", joined(roles, 20));
    const auto services = texts_at(network, "services");
    return fmt::format("{}: {} and ping answer, and what the host itself began; {}", joined(roles, 20), services.empty() ? "no service" : joined(services, 20), elsewhere);
}

Exit tell_network(const std::string& name, Session& session) {
    const auto taken = take_inventory(session);
    if (const auto* trouble = std::get_if<Trouble>(&taken)) return session.screen.fail(*trouble);
    const auto& inventory = std::get<Inventory>(taken);
    for (const auto& [called, network] : object_at(inventory.capabilities, "networks").items()) {
        const auto device = text_at(network, "iface");
        if (called != name && device != name) continue;
        const json counters = object_at(object_at(inventory.statistics, "network"), device.c_str());
        json told = {{"network", called}, {"device", device}, {"roles", texts_at(network, "roles")}, {"services", texts_at(network, "services")}, {"blocked", object_at(counters, "blockedBy")}};
        if (session.screen.wants_json()) {
            session.screen.document(told);
            return Exit::done;
        }
        session.screen.line(printable(fmt::format("{} is the device of network {}", device, in_quotes(called))));
        session.screen.line(printable(rules_of_network(network)));
        if (counters.contains("blockedBy")) tell_dropped(object_at(counters, "blockedBy"), session.screen);
        return Exit::done;
    }
    return session.screen.fail({Exit::not_found, fmt::format("{} is no guest's port, no guest's MAC, no network and no network's device", in_quotes(name)), "netctl networks"});
}

}  // namespace

Exit run(const Why& wish, Session& session) {
    const auto nics = take_guest_nics("", session);
    if (const auto* trouble = std::get_if<Trouble>(&nics)) return session.screen.fail(*trouble);
    for (const auto& nic : std::get<json>(nics)) {
        if (!is_meant(nic, wish.port)) continue;
        if (session.screen.wants_json()) session.screen.document(nic);
        else tell(nic, session.screen);
        return Exit::done;
    }
    return tell_network(wish.port, session);
}

}  // namespace netctl
