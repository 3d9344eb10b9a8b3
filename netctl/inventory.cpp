// Asks, joins and names; the verbs choose the columns.
#include "netctl/inventory.hpp"

#include "netctl/answer.hpp"
#include "netctl/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace netctl {

using nlohmann::json;

std::variant<Inventory, Trouble> take_inventory(Session& session) {
    auto capabilities = session.netd.call("Host.getNetworkCapabilities", json::object(), session.patience);
    if (auto* trouble = std::get_if<Trouble>(&capabilities)) return std::move(*trouble);
    auto statistics = session.netd.call("Host.getNetworkStatistics", json::object(), session.patience);
    auto* numbers = std::get_if<json>(&statistics);
    if (!numbers) session.screen.remark("without statistics: " + explain(std::get<Trouble>(statistics)).front());
    return Inventory{std::move(std::get<json>(capabilities)), numbers ? std::move(*numbers) : json()};
}

std::variant<json, Trouble> pick(json list, const char* key, const std::string& name, const char* kind) {
    if (name.empty()) return list;
    json picked = json::array();
    for (auto& one : list)
        if (text_at(one, key) == name) picked.push_back(std::move(one));
    if (!picked.empty()) return picked;
    return Trouble{Exit::not_found, fmt::format("there is no {} {}", kind, in_quotes(name)), fmt::format("netctl {}s", kind)};
}

std::variant<json, Trouble> take_guest_nics(const std::string& vm, Session& session) {
    const auto params = vm.empty() ? json::object() : json{{"vmId", vm}};
    auto answer = session.netd.call("VM.getNics", params, session.patience);
    if (auto* trouble = std::get_if<Trouble>(&answer)) return std::move(*trouble);
    json nics = json::array();
    for (auto nic : array_at(std::get<json>(answer), "nics")) {
        if (!nic.is_object()) continue;
        if (!nic.contains("vmId") && nic.contains("vm")) nic["vmId"] = nic["vm"];
        if (nic.contains("macAddr")) nic["address"] = nic["macAddr"];
        if (nic.contains("port")) nic["ifname"] = nic["port"];
        nics.push_back(std::move(nic));
    }
    // netd takes a UUID too, and answers with the name.
    if (!vm.empty() && nics.empty()) return Trouble{Exit::not_found, "there is no guest with a NIC called " + in_quotes(vm), "netctl vm"};
    return nics;
}

std::string addresses_of(const json& object) {
    std::vector<std::string> texts;
    for (const auto& one : array_at(object, "addr_info")) texts.push_back(text_at(one, "local") + "/" + text_at(one, "prefixlen"));
    return joined(texts, 2);
}

Cell state_cell(const json& object) {
    const auto state = text_at(object, "operstate");
    if (const auto flags = texts_at(object, "flags"); std::find(flags.begin(), flags.end(), "NO-CARRIER") != flags.end()) return {"no-carrier", Tone::warning};
    if (state == "UP") return {"up", Tone::good};
    if (state == "DOWN") return {"down", Tone::bad};
    if (state == "MISSING") return {"missing", Tone::bad};
    if (state == "LOWERLAYERDOWN" || state == "NO-CARRIER") return {"no-carrier", Tone::warning};
    std::string words = state;
    for (auto& c : words) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return {words, Tone::plain};
}

std::string traffic_of(const json& object, const char* direction) {
    const auto bytes = number_at(object_at(object_at(object, "stats64"), direction), "bytes");
    return bytes ? short_number(*bytes) : "";
}

}  // namespace netctl
