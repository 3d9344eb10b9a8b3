// `networks`, `links` and `vm`: what is there, one line each.
#include "netctl/answer.hpp"
#include "netctl/inventory.hpp"
#include "netctl/iproute2.hpp"
#include "netctl/text.hpp"

namespace netctl {

namespace {

using nlohmann::json;

std::string speed_of(const json& link) {
    const auto speed = number_at(link, "speed");
    return speed && *speed > 0 ? short_number(*speed * 1'000'000) : "";
}

Table links_table(const json& links) {
    Table table{{"LINK", "KIND", "STATE", "SPEED", "MTU", "ON", "VLAN", "MASTER", "MAC", "RX", "TX", "ADDRESSES"}};
    for (const auto& link : links) {
        table.rows.push_back({{text_at(link, "ifname"), Tone::strong}, {text_at(link, "kind")}, state_cell(link), {speed_of(link)},
                              {text_at(link, "mtu")}, {text_at(link, "link")}, {text_at(link, "vlan")}, {text_at(link, "master")}, {text_at(link, "address")},
                              {traffic_of(link, "rx")}, {traffic_of(link, "tx")}, {addresses_of(link)}});
    }
    return table;
}

Cell sync_cell(const json& network) {
    if (flag_at(network, "in_sync", true)) return {"in sync", Tone::good};
    return {"DRIFT", Tone::bad};
}

Cell address_cell(const json& network) {
    const auto addresses = addresses_of(network);
    if (!flag_at(network, "lacks_lease")) return {addresses};
    return {addresses.empty() ? "no lease" : addresses + ", no lease", Tone::warning};
}

Table networks_table(const json& networks) {
    Table table{{"NETWORK", "STATE", "ON", "VLAN", "SYNC", "ADDRESSES", "MTU", "SWITCH", "LINK", "ROLES", "PORTS"}};  // where 80 columns end, the less important
    for (const auto& network : networks) {
        const auto ports = std::to_string(array_at(network, "ports").size());
        table.rows.push_back({{text_at(network, "network"), Tone::strong}, state_cell(network), {text_at(network, "link")},
                              {text_at(network, "vlan")}, sync_cell(network), address_cell(network), {text_at(network, "mtu")},
                              {text_at(network, "switch")}, {text_at(network, "ifname")}, {joined(texts_at(network, "roles"))},
                              {flag_at(network, "bridged") ? ports : ""}});
    }
    return table;
}

Cell cable_cell(const json& nic) {
    if (flag_at(nic, "linkActive", true)) return {"in"};
    return {"out", Tone::warning};
}

Table nics_table(const json& nics) {
    Table table{{"VM", "MAC", "NETWORK", "KIND", "PORT", "CABLE", "TAGS", "MTU", "RX", "TX"}};
    for (const auto& nic : nics) {
        const auto own = text_at(nic, "vlan");
        const auto trunk = text_at(nic, "trunk");
        table.rows.push_back({{text_at(nic, "vmId"), Tone::strong}, {text_at(nic, "address")}, {text_at(nic, "network")},
                              {text_at(nic, "kind")}, {text_at(nic, "port")}, cable_cell(nic), {own.empty() ? trunk : own},
                              {text_at(nic, "mtu")}, {traffic_of(nic, "rx")}, {traffic_of(nic, "tx")}});
    }
    return table;
}

Exit show(const std::variant<json, Trouble>& found, Table (*draw)(const json&), std::string_view if_empty, Session& session) {
    if (const auto* trouble = std::get_if<Trouble>(&found)) return session.screen.fail(*trouble);
    const auto& list = std::get<json>(found);
    if (session.screen.wants_json()) session.screen.document(list);
    else session.screen.table(draw(list), if_empty);
    return Exit::done;
}

}  // namespace

Exit run(const Networks& wish, Session& session) {
    const auto inventory = take_inventory(session);
    if (const auto* trouble = std::get_if<Trouble>(&inventory)) return session.screen.fail(*trouble);
    const auto& [capabilities, statistics] = std::get<Inventory>(inventory);
    auto networks = networks_of(capabilities, statistics);
    const auto topology = session.netd.call("Host.getTopology", json{{"view", "folded"}}, session.patience);
    if (const auto* graph = std::get_if<json>(&topology)) {
        add_wires(networks, *graph);
        add_missing(networks, *graph);
    } else {
        session.screen.remark("states are those of the devices, whatever their wires: " + explain(std::get<Trouble>(topology)).front());
    }
    const auto status = session.netd.call("Host.getStatus", json::object(), session.patience);
    if (const auto* known = std::get_if<json>(&status)) add_leases(networks, *known);
    return show(pick(std::move(networks), "network", wish.name, "network"), networks_table, "no networks", session);
}

Exit run(const Links& wish, Session& session) {
    const auto inventory = take_inventory(session);
    if (const auto* trouble = std::get_if<Trouble>(&inventory)) return session.screen.fail(*trouble);
    const auto& [capabilities, statistics] = std::get<Inventory>(inventory);
    auto links = links_of(capabilities, statistics);
    const auto topology = session.netd.call("Host.getTopology", json{{"view", "folded"}}, session.patience);
    if (const auto* graph = std::get_if<json>(&topology)) add_carriers(links, *graph);
    return show(pick(std::move(links), "ifname", wish.name, "link"), links_table, "no links", session);
}

Exit run(const Vm& wish, Session& session) {
    auto nics = take_guest_nics(wish.id, session);
    if (const auto* trouble = std::get_if<Trouble>(&nics)) return session.screen.fail(*trouble);
    const auto statistics = session.netd.call("Host.getNetworkStatistics", json::object(), session.patience);
    if (const auto* numbers = std::get_if<json>(&statistics))
        for (auto& nic : std::get<json>(nics))
            if (auto stats = stats64_of(*numbers, text_at(nic, "port")); !stats.empty()) nic["stats64"] = std::move(stats);
    return show(nics, nics_table, "no guest has a NIC", session);
}

}  // namespace netctl
