// See nic_request.hpp.
#include "netd/serve/nic_request.hpp"

#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <vector>

namespace serve {

using nlohmann::json;
using topology::Error;

namespace {

Error wrong(std::string path, std::string what) { return {topology::Fault::invalid, std::move(path), std::move(what)}; }

// It is shown, written in lines, and part of marks: as the name of a network is.
std::optional<Error> unfit_as_guest(const std::string& vm) {
    if (topology::NetworkName::parse(vm)) return std::nullopt;
    return wrong("/vmId", fmt::format("a guest's name is 1 to 256 bytes of UTF-8 without control characters{}", vm.size() > 256 ? fmt::format("; this has {}", vm.size()) : ""));
}

std::optional<Error> wrong_parameter(NicVerb verb, const json& params) {
    const auto vm = params.find("vmId");
    if (vm == params.end() || !vm->is_string() || *vm == "") return wrong("/vmId", "vmId is due: the guest's name");
    if (verb == NicVerb::plug)
        if (auto unfit = unfit_as_guest(vm->get_ref<const std::string&>())) return unfit;
    const auto nic = params.find("nic");
    if (verb == NicVerb::plug && (nic == params.end() || wire::is_absent(*nic))) return wrong("/nic", "nic is due: the NIC's attributes, as {\"network\": …}; {} is one that is connected to nothing");
    for (const auto& [name, value] : params.items()) {
        const bool names_it = name == "macAddr" || name == "alias", is_update = verb == NicVerb::update;
        if (name == "nic" && !value.is_object() && !wire::is_absent(value)) return wrong("/nic", "nic is an object: the NIC's attributes");
        if (name == "deviceType" && is_update && !wire::is_absent(value) && value != "interface") return wrong("/deviceType", "deviceType is \"interface\"");
        if (name == "vmId" || name == "nic" || (names_it && verb != NicVerb::plug) || (is_update && (name == "deviceType" || !has_nic(params)))) continue;
        return wrong(wire::pointer("", name), "this is not a parameter; vmId and nic are");
    }
    return std::nullopt;
}

// All that says which NIC is meant, as far as it says anything; the first counts.
std::vector<NicName> names_in(const json& params) {
    std::vector<NicName> names;
    for (const json* object : {&params, &nic_of(params)})
        for (const char* key : {"macAddr", "alias"})
            if (const auto found = object->find(key); found != object->end() && !wire::is_absent(*found)) names.push_back({key, wire::pointer(object == &params ? "" : "/nic", key), *found});
    return names;
}

// That it is not plugged in can be said of what was understood only.
std::optional<Error> names_none(const json& params) {
    const auto names = names_in(params);
    for (const NicName& name : names) {
        if (!name.value.is_string()) return wrong(name.place, fmt::format("{} is a text", name.key));
        if (name.key == "macAddr")
            if (auto mac = topology::Mac::parse(name.value.get<std::string>()); !mac) return wrong(name.place, mac.error().what);
    }
    return names.empty() ? std::optional(wrong(has_nic(params) ? "/nic" : "", "macAddr or alias is due: which NIC")) : std::nullopt;
}

// Which of two would be a guess.
std::optional<Error> names_two(NicVerb verb, const json& params) {
    const json& nic = nic_of(params);
    const auto is_said = [&](const char* key) { return params.contains(key) && nic.contains(key) && !wire::is_absent(params[key]) && !wire::is_absent(nic[key]); };
    if (is_said("macAddr") && names_another(params, *topology::Mac::parse(params["macAddr"].get<std::string>()))) return another_mac(verb);
    if (verb == NicVerb::unplug && is_said("alias") && params["alias"] != nic["alias"]) return wrong("/nic/alias", "beside vmId another alias is named");
    return std::nullopt;
}

// By reading it for nobody.
void read_attributes(NicVerb verb, const json& params, intent::Complaints& complaints) {
    json described = verb == NicVerb::plug || has_nic(params) ? nic_of(params) : params;
    const auto mac = described.find("macAddr");
    if (verb == NicVerb::plug && mac != described.end() && !wire::is_absent(*mac))
        if (auto given = topology::Mac::parse(mac->is_string() ? mac->get<std::string>() : ""); !given)
            complaints.push_back({code_of(verb), "/nic/macAddr", topology::Fault::invalid, given.error().what});
    for (const char* key : {"deviceType", "nic"}) described.erase(key);
    intent::GuestNic nobody{"", topology::Mac::of({})};
    wire::read_nic(described, nobody, code_of(verb), complaints);
}

}  // namespace

int code_of(NicVerb verb) {
    switch (verb) {
        case NicVerb::plug: return intent::code::plug_failed;
        case NicVerb::unplug: return intent::code::unplug_failed;
        case NicVerb::update: return intent::code::update_failed;
    }
    return intent::code::plug_failed;
}

bool has_nic(const json& params) {
    const auto found = params.find("nic");
    return found != params.end() && found->is_object();
}

const json& nic_of(const json& params) {
    static const json none = json::object();
    return has_nic(params) ? params["nic"] : none;
}

intent::Complaints wrong_with(NicVerb verb, const json& params) {
    intent::Complaints complaints;
    auto first = wrong_parameter(verb, params);
    if (!first && verb != NicVerb::plug) first = names_none(params);
    if (!first && verb != NicVerb::plug) first = names_two(verb, params);
    if (first) complaints.push_back({code_of(verb), first->subject, first->fault, first->what});
    else if (verb != NicVerb::unplug) read_attributes(verb, params, complaints);
    return as_asked(complaints, params);
}

intent::Complaints as_asked(const intent::Complaints& complaints, const json& params) {
    constexpr std::string_view within = "/nic/";
    if (has_nic(params)) return complaints;
    intent::Complaints asked;
    asked.add(complaints, [&](intent::Complaint one) {
        if (one.path.starts_with(within)) one.path.erase(0, within.size() - 1);
        return std::optional(std::move(one));
    });
    return asked;
}

NicName name_of(const json& params) {
    const auto names = names_in(params);
    return names.empty() ? NicName() : names.front();
}

std::optional<topology::Mac> mac_in_nic(const json& params) {
    const json& nic = nic_of(params);
    const auto named = nic.find("macAddr");
    if (named == nic.end() || wire::is_absent(*named)) return std::nullopt;
    return *topology::Mac::parse(named->get<std::string>());
}

bool names_another(const json& params, const topology::Mac& mac) {
    const auto named = mac_in_nic(params);
    return named && *named != mac;
}

Error another_mac(NicVerb verb) {
    return wrong("/nic/macAddr", verb == NicVerb::unplug ? "beside vmId a NIC of another MAC is named" : "a NIC's MAC can't change while it is plugged in; unplug it and plug another");
}

}  // namespace serve
