// `why`: whose port it is, what may not be sent by it, and what was tried.
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

void tell(const json& nic, Screen& screen) {
    const auto network = text_at(nic, "network");
    screen.line(printable(fmt::format("{} is NIC {} of guest {}, {}{}", text_at(nic, "port"), text_at(nic, "macAddr"), in_quotes(text_at(nic, "vmId")),
                                      network.empty() ? "connected to nothing" : "on network " + in_quotes(network), flag_at(nic, "linkActive", true) ? "" : ", its cable out")));
    screen.line(printable(rules_of(nic)));
    if (!nic.contains("blocked")) return;
    if (object_at(nic, "blocked").empty()) return screen.line("nothing was dropped");
    for (const auto& [reason, frames] : object_at(nic, "blocked").items())
        screen.line(printable(fmt::format("{} dropped: {}", shown(frames), topology::words_of_reason(reason))));
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
    return session.screen.fail({Exit::not_found, fmt::format("{} is no guest's port, and no guest's MAC", in_quotes(wish.port)), "netctl vm"});
}

}  // namespace netctl
