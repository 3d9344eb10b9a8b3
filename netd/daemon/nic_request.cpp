// See nic_request.hpp. Whatever was not understood is refused by its name, not passed over.
#include "netd/daemon/nic_request.hpp"

#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace netd {

using nlohmann::json;
namespace code = intent::code;

int code_of(serve::NicVerb verb) {
    switch (verb) {
        case serve::NicVerb::plug: return code::plug_failed;
        case serve::NicVerb::unplug: return code::unplug_failed;
        case serve::NicVerb::update: return code::update_failed;
    }
    return code::plug_failed;
}

const json& nic_of(const json& params) {
    static const json none = json::object();
    return params.contains("nic") && params["nic"].is_object() ? params["nic"] : none;
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<topology::Error> wrong_with(const serve::ChangeNic& change) {
    const auto wrong = [](const std::string& path, std::string what) { return topology::Error{topology::Fault::invalid, path, std::move(what)}; };
    if (text_of(change.params, "vmId").empty()) return wrong("/vmId", "vmId is due: the guest's name");
    for (const auto& [name, value] : change.params.items()) {
        const bool names_it = name == "macAddr" || name == "alias";
        if (name == "nic" && !value.is_object() && !wire::is_absent(value)) return wrong("/nic", "nic is an object: the NIC's attributes");
        if (name == "deviceType" && change.verb == serve::NicVerb::update && !wire::is_absent(value) && value != "interface") return wrong("/deviceType", "deviceType is \"interface\"");
        const bool is_update = change.verb == serve::NicVerb::update;
        if (name == "vmId" || name == "nic" || (names_it && change.verb != serve::NicVerb::plug) || (is_update && (name == "deviceType" || !change.params.contains("nic")))) continue;
        return wrong(wire::pointer("", name), "this is not a parameter; vmId and nic are");
    }
    return std::nullopt;
}

std::optional<topology::Error> names_none(const json& params) {
    const auto wrong = [](std::string what) { return topology::Error{topology::Fault::invalid, "/nic", std::move(what)}; };
    bool names = false;
    for (const json* object : {&nic_of(params), &params})
        for (const char* key : {"macAddr", "alias"}) {
            const auto found = object->find(key);
            if (found == object->end() || wire::is_absent(*found)) continue;
            names = true;
            if (!found->is_string()) return wrong(fmt::format("{} is a text", key));
            if (std::string_view(key) == "macAddr" && !topology::Mac::parse(found->get<std::string>())) return wrong(fmt::format("'{}' is not a MAC", found->get<std::string>()));
        }
    return names ? std::nullopt : std::optional(wrong("macAddr or alias is due: which NIC"));
}

bool goes_with_others(const serve::ChangeNic& plug) {
    const std::string kind = text_of(nic_of(plug.params), "kind");
    return (kind == "tap" || kind == "netns") && !wrong_with(plug);
}

bool is_alias(const std::string& alias) {
    return alias.starts_with("ua-") && std::all_of(alias.begin(), alias.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

namespace {

// Null takes away.
void take_away(std::string_view key, intent::GuestNic& nic) {
    if (key == "vlan") nic.vlan.reset();
    if (key == "trunk") nic.trunk.reset();
    if (key == "mtu") nic.mtu.reset();
    if (key == "linkActive") nic.link_active = true;
    if (key == "port_isolated") nic.isolated = false;
    if (key == "network") nic.network.clear();
    if (key == "filter") nic.filter = {};
    if (key == "filterParameters") nic.filter_parameters.clear();
    if (key == "specParams") nic.spec_params = {};
    if (key == "portMirroring") nic.port_mirroring.clear();
}

}  // namespace

void read_changes(const json& params, intent::GuestNic& nic, intent::Complaints& complaints) {
    json changes = params.contains("nic") ? nic_of(params) : params;
    for (const char* key : {"vmId", "deviceType", "macAddr"}) changes.erase(key);
    // Of the limits, too, what is left out stays.
    if (const auto limits = changes.find("specParams"); limits != changes.end() && limits->is_object()) {
        json merged = wire::write_value(nic.spec_params);
        merged.update(*limits);
        *limits = merged.empty() ? json() : std::move(merged);
    }
    wire::read_nic(changes, nic, code::update_failed, complaints);
    for (const auto& [key, value] : changes.items())
        if (value.is_null()) take_away(key, nic);
    if (changes.contains("network") && changes["network"] == "") nic.network.clear();
}

}  // namespace netd
