// Guests' NICs, and the NIC that the host itself is managed by: changes that netd words itself.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/presence.hpp"
#include "netd/intent/validate.hpp"
#include "netd/lower/naming.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <random>

namespace netd {

using intent::GuestNic;
using nlohmann::json;
namespace code = intent::code;

namespace {

// Locally administered, and not one that another guest has.
topology::Mac fresh_mac(const intent::Intent& running) {
    std::random_device random;
    for (;;) {
        topology::Mac::Bytes bytes{0x56, 0x6f};
        for (std::size_t i = 2; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random());
        const auto mac = topology::Mac::of(bytes);
        bool taken = false;
        for (const GuestNic& nic : running.nics()) taken = taken || nic.mac == mac;
        if (!taken) return mac;
    }
}

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

// The NIC that a request means: by MAC, else by alias.
const GuestNic* find_nic(const intent::Intent& running, const json& params) {
    const std::string vm = text_of(params, "vmId");
    const json& nic = nic_of(params);
    const std::string mac_text = nic.contains("macAddr") ? text_of(nic, "macAddr") : text_of(params, "macAddr");
    const std::string alias = nic.contains("alias") ? text_of(nic, "alias") : text_of(params, "alias");
    if (auto mac = topology::Mac::parse(mac_text)) return running.nics().find({vm, *mac});
    if (alias.empty()) return nullptr;
    for (const GuestNic& candidate : running.nics())
        if (candidate.vm == vm && candidate.alias == alias) return &candidate;
    return nullptr;
}

}  // namespace

void Reconciler::change_nic(const serve::ChangeNic& change) {
    const int code = code_of(change.verb);
    if (text_of(change.params, "vmId").empty())
        return refuse(change.ticket, intent::Complaints{{code, "/vmId", topology::Fault::invalid, "vmId is due: the guest's name"}});
    switch (change.verb) {
        case serve::NicVerb::plug: return plug(change);
        case serve::NicVerb::unplug: return unplug(change);
        case serve::NicVerb::update: return update(change);
    }
}

void Reconciler::plug(const serve::ChangeNic& change) {
    const json& described = nic_of(change.params);
    intent::Complaints complaints;
    topology::Mac mac = fresh_mac(transactor_.running());
    if (described.contains("macAddr") && !wire::is_absent(described["macAddr"])) {
        auto given = topology::Mac::parse(text_of(described, "macAddr"));
        if (given) mac = *given;
        else complaints.push_back({code::plug_failed, "/nic/macAddr", topology::Fault::invalid, given.error().what});
    }
    GuestNic nic{text_of(change.params, "vmId"), mac};
    nic.kind = intent::GuestKind::libvirt;
    wire::read_nic(described, nic, code::plug_failed, complaints);
    if (nic.kind == intent::GuestKind::libvirt)
        complaints.push_back({code::plug_failed, "/nic/kind", topology::Fault::backend, "this netd does not speak to libvirt yet; kinds tap and netns are there"});
    if (nic.kind == intent::GuestKind::netns && !namespace_exists(nic.vm))
        complaints.push_back({code::plug_failed, "/vmId", topology::Fault::not_found, fmt::format("there is no network namespace '{}' under /run/netns", nic.vm)});
    if (!complaints.empty()) return refuse(change.ticket, complaints);
    put_nic(change.ticket, nic, code::plug_failed);
}

void Reconciler::update(const serve::ChangeNic& change) {
    const GuestNic* there = find_nic(transactor_.running(), change.params);
    if (!there)
        return refuse(change.ticket, intent::Complaints{{code::update_failed, "/macAddr", topology::Fault::not_found, "the guest has no such NIC; VM.getNics lists them"}});
    GuestNic nic = *there;
    json changes = change.params.contains("nic") ? nic_of(change.params) : change.params;
    for (const char* key : {"vmId", "deviceType", "macAddr"}) changes.erase(key);
    intent::Complaints complaints;
    wire::read_nic(changes, nic, code::update_failed, complaints);
    if (nic.kind != there->kind) complaints.push_back({code::update_failed, "/nic/kind", topology::Fault::invalid, "a NIC's kind can't change; unplug it and plug another"});
    // Null takes away; what is left out stays.
    for (const auto& [key, value] : changes.items()) {
        if (!value.is_null()) continue;
        if (key == "vlan") nic.vlan.reset();
        if (key == "trunk") nic.trunk.reset();
        if (key == "mtu") nic.mtu.reset();
        if (key == "network") nic.network.clear();
    }
    if (changes.contains("network") && changes["network"] == "") nic.network.clear();
    if (!complaints.empty()) return refuse(change.ticket, complaints);
    put_nic(change.ticket, nic, code::update_failed);
}

void Reconciler::put_nic(const serve::Ticket& ticket, const GuestNic& nic, int code) {
    const auto verdict = intent::validate_nic(nic, transactor_.running(), facts(), code);
    if (!verdict.complaints.empty()) return refuse(ticket, verdict.complaints);
    apply::Terms terms;
    terms.confirm = false;
    const auto outcome = transactor_.begin(verdict.wanted, terms);
    const auto* committed = std::get_if<apply::Committed>(&outcome);
    if (!committed) return conclude(ticket, outcome, code);
    conclude(std::nullopt, outcome, code);
    json answer = wire::write_nic(nic);
    answer["port"] = lower::port_of(nic.key()).text();
    reply(ticket, {{"nic", answer}, {"changed", committed->changed}});
}

void Reconciler::unplug(const serve::ChangeNic& change) {
    const GuestNic* there = find_nic(transactor_.running(), change.params);
    if (!there) return reply(change.ticket, {{"changed", false}});
    intent::Intent wanted = transactor_.running();
    wanted.remove(GuestNic(*there).key());
    apply::Terms terms;
    terms.confirm = false;
    const auto outcome = transactor_.begin(wanted, terms);
    if (!std::holds_alternative<apply::Committed>(outcome)) return conclude(change.ticket, outcome, code::unplug_failed);
    conclude(std::nullopt, outcome, code::unplug_failed);
    reply(change.ticket, {{"changed", true}});
}

// ovirtmgmt on a NIC as it is: its addresses, its MTU, its default route. Unconfirmed it goes back, as every change.
void Reconciler::take_over(const topology::IfName& nic, std::chrono::seconds timeout) {
    const bridges::Link* link = backends_.kernel.state().links.find(nic);
    intent::Network network{*intent::NetworkName::parse("ovirtmgmt")};
    network.nic = nic;
    if (link && link->mtu) network.mtu = *link->mtu;
    if (link && link->addresses)
        for (const topology::Subnet& address : *link->addresses) {
            if (!address.is_v6() && !network.ipaddr) {
                network.ipaddr = address.address();
                network.prefix = address.length();
            } else if (address.is_v6() && !network.ipv6addr) {
                network.ipv6addr = address;
            } else {
                network.addresses.push_back(address);
            }
        }
    for (const bridges::Route& route : backends_.kernel.state().routes) {
        if (!(route.device == nic) || route.table != bridges::Route::main_table || route.to.length() != 0 || !route.via) continue;
        network.default_route = true;
        if (route.to.is_v6()) network.ipv6gateway = route.via;
        else network.gateway = route.via;
    }
    serve::Setup setup;
    setup.request.networks.push_back(network);
    const auto verdict = intent::validate(setup.request, transactor_.running(), facts());
    if (!verdict.complaints.empty()) return conclude(std::nullopt, apply::RolledBack{{topology::Fault::invalid, "management", verdict.complaints.front().what}}, code::refused);
    apply::Terms terms;
    terms.commit = true;
    terms.within = timeout;
    const auto outcome = transactor_.begin(verdict.wanted, terms);
    if (std::holds_alternative<apply::Waiting>(outcome)) waiting_since_ = clock_.boottime();
    conclude(std::nullopt, outcome, code::refused);
}

}  // namespace netd
