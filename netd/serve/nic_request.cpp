// See nic_request.hpp.
#include "netd/serve/nic_request.hpp"

#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
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

using Refuse = std::function<void(const Error&)>;

void check_guest(NicVerb verb, const json& params, const Refuse& refuse) {
    const auto vm = params.find("vmId");
    if (vm == params.end() || !vm->is_string() || *vm == "") return refuse(wrong("/vmId", "vmId is due: the guest's name"));
    if (verb != NicVerb::plug) return;
    if (auto unfit = unfit_as_guest(vm->get_ref<const std::string&>())) refuse(*unfit);
}

bool is_parameter(NicVerb verb, const json& params, const std::string& name) {
    const bool names_it = name == "macAddr" || name == "alias", is_update = verb == NicVerb::update;
    return name == "vmId" || name == "nic" || (names_it && verb != NicVerb::plug) || (is_update && (name == "deviceType" || !has_nic(params)));
}

void check_parameters(NicVerb verb, const json& params, const Refuse& refuse) {
    const auto nic = params.find("nic");
    if (verb == NicVerb::plug && (nic == params.end() || wire::is_absent(*nic)))
        refuse(wrong("/nic", "nic is due: the NIC's attributes, as {\"network\": …}; {} is one that is connected to nothing"));
    for (const auto& [name, value] : params.items()) {
        if (name == "nic" && !value.is_object() && !wire::is_absent(value)) refuse(wrong("/nic", "nic is an object: the NIC's attributes"));
        if (name == "deviceType" && verb == NicVerb::update && !wire::is_absent(value) && value != "interface") refuse(wrong("/deviceType", "deviceType is \"interface\""));
        if (!is_parameter(verb, params, name)) refuse(wrong(wire::pointer("", name), "this is not a parameter; vmId and nic are"));
    }
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
void check_names(const json& params, const Refuse& refuse) {
    const auto names = names_in(params);
    for (const NicName& name : names) {
        if (!name.value.is_string()) refuse(wrong(name.place, fmt::format("{} is a text", name.key)));
        else if (name.key == "macAddr")
            if (auto mac = topology::Mac::parse(name.value.get<std::string>()); !mac) refuse(wrong(name.place, mac.error().what));
    }
    const auto nic = params.find("nic");
    const bool is_nic_unread = nic != params.end() && !nic->is_object() && !wire::is_absent(*nic);
    if (names.empty() && !is_nic_unread) refuse(wrong(has_nic(params) ? "/nic" : "", "macAddr or alias is due: which NIC"));
}

// Which of two would be a guess. Of names that were understood.
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
    const Refuse refuse = [&](const Error& why) { complaints.push_back({code_of(verb), why.subject, why.fault, why.what}); };
    check_guest(verb, params, refuse);
    check_parameters(verb, params, refuse);
    const std::size_t before = complaints.size();
    if (verb != NicVerb::plug) check_names(params, refuse);
    if (verb != NicVerb::plug && complaints.size() == before)
        if (const auto two = names_two(verb, params)) refuse(*two);
    complaints = as_asked(complaints, params);
    if (verb == NicVerb::unplug) return complaints;
    intent::Complaints read;
    read_attributes(verb, params, read);
    const intent::Complaints said = complaints;
    complaints.add(as_asked(read, params), [&](const intent::Complaint& one) {
        return std::ranges::find(said, one.path, &intent::Complaint::path) == said.end() ? std::optional(one) : std::nullopt;
    });
    return complaints;
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
