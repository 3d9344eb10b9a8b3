// `lldp`: which port of which switch each NIC is on, in the switch's own words.
#include "netctl/answer.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"

namespace netctl {

namespace {

using nlohmann::json;

std::string told(const json& nic, const char* property) {
    for (const auto& tlv : array_at(nic, "tlvs"))
        if (auto text = text_at(object_at(tlv, "properties"), property); !text.empty()) return text;
    return {};
}

Cell neighbour_cell(const json& nic) {
    if (!flag_at(nic, "enabled")) return {"nobody listens: " + text_at(nic, "why"), Tone::warning};
    if (array_at(nic, "tlvs").empty()) return {"nobody was heard", Tone::dim};
    const auto name = told(nic, "system name");
    return {name.empty() ? told(nic, "chassis ID") : name};
}

Table neighbours_table(const json& nics) {
    Table table{{"LINK", "NEIGHBOUR", "PORT", "VLAN", "ADDRESS", "DESCRIPTION"}};
    for (const auto& [name, nic] : nics.items())
        table.rows.push_back({{name, Tone::strong}, neighbour_cell(nic), {told(nic, "port ID")}, {told(nic, "Port VLAN ID")},
                              {told(nic, "management address")}, {told(nic, "port description")}});
    return table;
}

// As all lists of netctl are: an array, of objects that have their name.
json list_of(const json& nics) {
    auto list = json::array();
    for (const auto& [name, nic] : nics.items()) {
        list.push_back({{"ifname", name}});
        if (nic.is_object()) list.back().update(nic);
    }
    return list;
}

}  // namespace

Exit run(const Lldp& wish, Session& session) {
    auto answer = session.netd.call("Host.getLldp", json::object(), session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    auto& nics = std::get<json>(answer);
    if (!wish.link.empty()) {
        auto nic = object_at(nics, wish.link);
        if (nic.empty()) return session.screen.fail({Exit::not_found, "there is no NIC " + in_quotes(wish.link), "netctl links"});
        nics = json{{wish.link, std::move(nic)}};
    }
    if (session.screen.wants_json()) session.screen.document(list_of(nics));
    else session.screen.table(neighbours_table(nics), "no NICs");
    return Exit::done;
}

}  // namespace netctl
