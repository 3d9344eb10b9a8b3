// `why`: whose port or device it is, what may not pass there, and what was tried; of a guest, for each of its NICs.
#include "netctl/answer.hpp"
#include "netctl/inventory.hpp"
#include "netctl/iproute2.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"
#include "topology/block_reasons.hpp"
#include "topology/numbers.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;

bool is_meant(const json& nic, const std::string& name) {
    const auto asked = topology::Mac::parse(name), its = topology::Mac::parse(text_at(nic, "macAddr"));
    return text_at(nic, "port") == name || (asked && its && *asked == *its);
}

std::string rules_of(const json& nic) {
    const auto filter = text_at(nic, "filter");
    if (text_at(nic, "network").empty()) return nic.contains("portMirroring") ? "nothing passes but the copies that it gets" : "nothing passes";
    if (filter.empty()) return "nothing is filtered there: it may send what it likes";
    if (!nic.contains("blocked")) return fmt::format("filter {}: whether it stands is not known now · try: netctl status", filter);
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

// None yet is another matter than none: where one is asked for, the host has a link-local one at least.
bool has_address(const json& network) {
    for (const auto* addresses : {"ipv4addrs", "ipv6addrs"})
        if (!array_at(network, addresses).empty()) return true;
    return flag_at(network, "dhcpv4") || flag_at(network, "dhcpv6") || flag_at(network, "ipv6autoconf");
}

// What the host takes from a network, by its roles.
std::string rules_of_network(const json& network) {
    const auto roles = texts_at(network, "roles");
    const std::string elsewhere = "nothing reaches addresses that the host has on other networks, and nothing is forwarded";
    if (!has_address(network)) return "the host has no address there, so nothing of it answers; " + elsewhere;
    if (roles.empty()) return "without a role: all services of the host answer; " + elsewhere;
    if (!network.contains("services")) return fmt::format("{}: this kernel can't keep services apart", joined(roles, 20));
    const auto services = texts_at(network, "services");
    const auto answers = services.empty() ? "no service of the host answers, but ping does" : joined(services, 20) + " and ping answer";
    return fmt::format("{}: {}; answers to what the host itself began come in; {}", joined(roles, 20), answers, elsewhere);
}

// {role: {device: connections}}: what left by others of the host's devices than this network's.
json strays_from(const json& network, const json& statistics) {
    json strays = json::object();
    for (const auto& role : texts_at(network, "roles"))
        for (const auto& [device, counters] : object_at(statistics, "network").items())
            if (const auto& counted = object_at(counters, "strays"); counted.contains(role)) strays[role][device] = counted[role];
    return strays;
}

void tell_strays(const json& strays, Screen& screen) {
    for (const auto& [role, devices] : strays.items())
        for (const auto& [device, connections] : devices.items())
            screen.line(printable(fmt::format("astray: {} connections of {} left by {} instead · try: ip route get ADDRESS", connections.dump(), role, device)));
}

// What the capabilities leave out: a network that is defined, and whose device is gone.
std::optional<Exit> tell_missing(const std::string& name, Session& session) {
    const auto topology = session.netd.call("Host.getTopology", json{{"view", "folded"}}, session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&topology)) return session.screen.fail(*trouble);
    json missing = json::array();
    add_missing(missing, std::get<json>(topology));
    for (const auto& network : missing) {
        const auto called = text_at(network, "network"), device = text_at(network, "ifname");
        if (called != name && (device.empty() || device != name)) continue;
        if (session.screen.wants_json()) session.screen.document({{"network", called}, {"device", device}, {"roles", network["roles"]}, {"services", json::array()}, {"blocked", json::object()}, {"strays", json::object()}, {"operstate", "MISSING"}});
        else session.screen.line(fmt::format("the device of network {} is missing: nothing reaches the host by it · try: netctl topology --problems", in_quotes(called)));
        return Exit::done;
    }
    return std::nullopt;
}

std::optional<Exit> tell_network(const std::string& name, Session& session) {
    const auto taken = take_inventory(session);
    if (const auto* trouble = std::get_if<Trouble>(&taken)) return session.screen.fail(*trouble);
    const auto& inventory = std::get<Inventory>(taken);
    for (const auto& [called, network] : object_at(inventory.capabilities, "networks").items()) {
        const auto device = text_at(network, "iface");
        if (called != name && device != name) continue;
        const json counters = object_at(object_at(inventory.statistics, "network"), device.c_str());
        json told = {{"network", called}, {"device", device}, {"roles", texts_at(network, "roles")}, {"services", texts_at(network, "services")}, {"blocked", object_at(counters, "blockedBy")}, {"strays", strays_from(network, inventory.statistics)}};
        if (session.screen.wants_json()) {
            session.screen.document(told);
            return Exit::done;
        }
        session.screen.line(printable(fmt::format("{} is the device of network {}", device, in_quotes(called))));
        session.screen.line(printable(rules_of_network(network)));
        if (counters.contains("blockedBy")) tell_dropped(object_at(counters, "blockedBy"), session.screen);
        tell_strays(told["strays"], session.screen);
        return Exit::done;
    }
    return tell_missing(name, session);
}

// By name or UUID; for scripts a list, as a guest may have several.
Exit tell_guest(const std::string& name, Session& session) {
    const auto taken = take_guest_nics(name, session);
    if (const auto* trouble = std::get_if<Trouble>(&taken)) {
        if (trouble->exit != Exit::not_found) return session.screen.fail(*trouble);
        return session.screen.fail({Exit::not_found, fmt::format("{} is no guest with a NIC, no guest's port or MAC, no network and no network's device", in_quotes(name)), "netctl networks"});
    }
    const auto& nics = std::get<json>(taken);
    if (session.screen.wants_json()) session.screen.document(nics);
    else for (const auto& nic : nics) tell(nic, session.screen);
    return Exit::done;
}

// What stands at a bridge's gate; nothing if it is none of those.
std::optional<Exit> tell_unknown(const std::string& name, Session& session) {
    const auto status = session.netd.call("Host.getStatus", json::object(), session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&status)) return session.screen.fail(*trouble);
    const auto& unknown = object_at(std::get<json>(status), "unknown");
    const auto found = unknown.find(name);
    if (found == unknown.end()) return std::nullopt;
    if (session.screen.wants_json()) {
        session.screen.document({{"port", name}, {"bridge", text_at(*found, "bridge")}, {"blocked", object_at(*found, "blocked")}});
        return Exit::done;
    }
    session.screen.line(printable(fmt::format("{} is a tap that somebody plugged into {}, and not known yet: nothing passes until libvirt calls it its own, or is known not to", name, text_at(*found, "bridge"))));
    tell_dropped(object_at(*found, "blocked"), session.screen);
    return Exit::done;
}

}  // namespace

Exit run(const Why& wish, Session& session) {
    const auto nics = take_guest_nics("", session);
    if (const auto* trouble = std::get_if<Trouble>(&nics)) return session.screen.fail(*trouble);
    for (const auto& nic : std::get<json>(nics)) {
        if (!is_meant(nic, wish.name)) continue;
        if (session.screen.wants_json()) session.screen.document(nic);
        else tell(nic, session.screen);
        return Exit::done;
    }
    if (const auto told = tell_unknown(wish.name, session)) return *told;
    if (const auto told = tell_network(wish.name, session)) return *told;
    return tell_guest(wish.name, session);
}

}  // namespace netctl
