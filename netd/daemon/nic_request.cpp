// See nic_request.hpp. Whatever was not understood is refused by its name, not passed over.
#include "netd/daemon/nic_request.hpp"

#include "netd/serve/nic_request.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <algorithm>
#include <cctype>

namespace netd {

using nlohmann::json;
using serve::nic_of;
namespace code = intent::code;

bool goes_with_others(const serve::ChangeNic& plug) {
    const std::string kind = wire::text_of(nic_of(plug.params), "kind");
    return kind == "tap" || kind == "netns";
}

bool is_alias(const std::string& alias) {
    return alias.starts_with("ua-") && std::all_of(alias.begin(), alias.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

void keep_what_lasts(const json& described, const intent::GuestNic& known, intent::GuestNic& nic) {
    const auto queues = described.find("queues");
    if (queues == described.end() || wire::is_absent(*queues)) nic.queues = known.queues;
    if (nic.kind == intent::GuestKind::libvirt && nic.alias.empty()) nic.alias = known.alias;  // nobody could be asked what it would be
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
    json changes = serve::has_nic(params) ? nic_of(params) : params;
    for (const char* key : {"vmId", "deviceType", "macAddr", "nic"}) changes.erase(key);
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
