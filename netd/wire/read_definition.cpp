// Walks the list of attributes of a definition: each is read by its type, and what is not in the list is refused.
#include "netd/wire/read_definition.hpp"

#include "bridges/bond_options.hpp"
#include "bridges/bridge_options.hpp"
#include "netd/wire/request.hpp"
#include "netd/wire/values.hpp"

#include <algorithm>
#include <array>

namespace wire {

using intent::Complaints;
using intent::code::bad_parameters;

namespace {

void complain(Complaints& complaints, int code, std::string path, std::string what) {
    complaints.push_back({code, std::move(path), Fault::invalid, std::move(what)});
}

// `options` of a bond and `bridge_opts` are texts "key=value …" on the wire, and objects in our own files.
Result<bridges::Options> read_options(const json& value, Result<bridges::Options> (*parse)(std::string_view)) {
    if (value.is_string()) return parse(value.get_ref<const std::string&>());
    if (!value.is_object()) return bad_value("options are written \"key=value key=value\"");
    std::string text;
    for (const auto& [key, option] : value.items()) {
        auto word = read_text(option);
        if (!word) return word.error();
        text += key + "=" + *word + " ";
    }
    return parse(text);
}

Result<std::int64_t> read_seconds(const json& value) {
    auto seconds = read_int(value, 1, 3600);
    return seconds ? seconds : bad_value("a whole number of seconds from 1 to 3600 is due here");
}

// Who wrote a definition, who is told what is wrong with it, and by which code, where all of it has the same.
struct Reading {
    Complaints& complaints;
    From from = From::client;
    std::optional<int> one_code = {};
    int code(int own) const { return one_code.value_or(own); }
};

template <class Owner>
void read_attributes(const json& object, const std::string& path, Owner& into, const Reading& reading, std::initializer_list<std::string_view> extra = {});

template <class Value>
concept List = requires(Value values, typename Value::value_type one) { values.insert(values.end(), one); } && !std::same_as<Value, std::string>;

template <class Owner, class Value>
Result<Value> read_single(const json& value, From from) {
    if constexpr (std::same_as<Value, bridges::Options>) return read_options(value, std::same_as<Owner, intent::Bond> ? bridges::parse_bond_options : bridges::parse_bridge_options);
    else if constexpr (std::same_as<Owner, intent::SetupOptions> && std::same_as<Value, std::int64_t>) return read_seconds(value);
    else if constexpr (std::same_as<Value, intent::IfName>) return from == From::disk ? read_value<From::disk>(value, Type<Value>{}) : read_value<From::client>(value, Type<Value>{});
    else return read_value<From::client>(value, Type<Value>{});
}

// As much of the attribute as can be read; each entry of a list and each member of an object that can't has a complaint of its own.
template <class Owner, class Value>
std::optional<Value> read_attribute(const json& value, const std::string& path, std::string_view name, const Reading& reading) {
    const auto no = [&](std::string_view what) {
        complain(reading.complaints, reading.code(bad_parameters), path, fmt::format("{}: {}", name, what));
        return std::nullopt;
    };
    if constexpr (topology::Optional<Value>) {
        if (is_absent(value)) return Value();
        auto held = read_attribute<Owner, typename Value::value_type>(value, path, name, reading);
        return held ? std::optional<Value>(std::in_place, std::move(*held)) : std::nullopt;
    } else if constexpr (std::same_as<Value, bridges::Options> || !(topology::HasFields<Value> || List<Value>)) {
        auto read = read_single<Owner, Value>(value, reading.from);
        return read ? std::optional<Value>(std::move(*read)) : no(read.error().what);
    } else if constexpr (topology::HasFields<Value>) {
        if (!value.is_object()) return no("an object is due here");
        Value read = blank<Value>();
        read_attributes(value, path, read, reading);
        return read;
    } else {
        if (!value.is_array()) return no("a list is due here");
        Value values;
        for (std::size_t i = 0; i < value.size(); ++i) {
            const std::size_t complaints = reading.complaints.size();
            auto one = read_attribute<Owner, typename Value::value_type>(value[i], pointer(path, std::to_string(i)), name, reading);
            if (one && reading.complaints.size() == complaints) values.insert(values.end(), std::move(*one));
        }
        return values;
    }
}

// Fills `into` from the object; `extra` are keys that somebody else reads.
template <class Owner>
void read_attributes(const json& object, const std::string& path, Owner& into, const Reading& reading, std::initializer_list<std::string_view> extra) {
    if (!object.is_object()) return complain(reading.complaints, reading.code(bad_parameters), path, "an object is due here");
    std::size_t known = 0;
    std::string names;
    topology::for_each_field<Owner>([&](const auto& field) {
        names += names.empty() ? field.name : std::string(", ") + field.name;
        const auto found = object.find(field.name);
        if (found == object.end()) return;
        ++known;
        if (is_absent(*found)) return;
        auto& member = into.*field.member;
        const Reading by{reading.complaints, reading.from, reading.code(field.code)};
        if (auto read = read_attribute<Owner, std::decay_t<decltype(member)>>(*found, pointer(path, field.name), field.name, by)) member = std::move(*read);
    });
    for (const std::string_view key : extra) known += object.contains(std::string(key));
    if (known == object.size()) return;
    std::string which = "; these are: " + names;  // told once
    for (const auto& member : object.items()) {
        const std::string& key = member.key();
        bool is_known = std::find(extra.begin(), extra.end(), key) != extra.end();
        topology::for_each_field<Owner>([&](const auto& field) { is_known = is_known || key == field.name; });
        if (is_known) continue;
        complain(reading.complaints, reading.code(bad_parameters), pointer(path, key), fmt::format("'{}' is not an attribute that netd knows{}", shortened(key), which));
        which.clear();
    }
}

bool asks_for_removal(const json& value, const std::string& path, Complaints& complaints) {
    if (!value.is_object() || !value.contains("remove") || is_absent(value["remove"])) return false;
    auto remove = read_bool(value["remove"]);
    if (!remove) complain(complaints, bad_parameters, pointer(path, "remove"), remove.error().what);
    if (!remove || !*remove) return false;
    for (const auto& [key, other] : value.items())
        if (key != "remove" && key != "custom" && !is_absent(other))
            complain(complaints, bad_parameters, pointer(path, key), "beside remove nothing but custom can be given");
    return true;
}

}  // namespace

intent::Network read_network(const intent::NetworkName& name, const json& value, Complaints& complaints, From from) {
    intent::Network network{name};
    json attributes = value;
    // Engines write it in capitals.
    if (value.is_object() && value.contains("STP")) {
        const bool is_given = value.contains("stp") && !is_absent(value["stp"]);
        if (!is_given) attributes["stp"] = value["STP"];
        if (!is_given || is_absent(value["STP"])) attributes.erase("STP");
    }
    read_attributes(attributes, intent::pointer({"networks", name.text()}), network, {complaints, from}, {"remove"});
    if (network.host_qos == intent::HostQos()) network.host_qos.reset();  // it says nothing
    return network;
}

intent::Bond read_bond(const intent::IfName& name, const json& value, Complaints& complaints, From from) {
    intent::Bond bond{name};
    read_attributes(value, intent::pointer({"bondings", name.text()}), bond, {complaints, from}, {"remove"});
    if (!bond.options.contains("mode")) {
        auto standard = bridges::parse_bond_options("mode=balance-rr");
        if (standard) bond.options.edit().insert(standard->begin(), standard->end());
    }
    return bond;
}

void read_nic(const json& value, intent::GuestNic& nic, int code, Complaints& complaints, From from) {
    read_attributes(value, "/nic", nic, {complaints, from, code}, {"macAddr", "vmId", "port"});
    // Engines send an empty limit for none.
    for (auto* limit : {&nic.spec_params.inbound, &nic.spec_params.outbound})
        if (*limit == intent::Bandwidth()) limit->reset();
}

namespace {

// Each is worth some kilobytes in the end, and is held against the others.
constexpr std::size_t most_definitions = 8192;

bool is_too_long(const json& params, Complaints& complaints) {
    std::size_t definitions = 0;
    for (const char* part : {"networks", "bondings"})
        if (const auto found = params.find(part); found != params.end() && found->is_object()) definitions += found->size();
    if (definitions <= most_definitions) return false;
    complain(complaints, bad_parameters, "", fmt::format("{} networks and bonds are too many for one request; it can have {}, so send several", definitions, most_definitions));
    return true;
}

void read_networks(const json& networks, intent::Request& request, Complaints& complaints) {
    if (!networks.is_object()) return complain(complaints, bad_parameters, "/networks", "networks is an object: name to attributes");
    for (const auto& [key, value] : networks.items()) {
        const std::string path = intent::pointer({"networks", key});
        auto name = intent::NetworkName::parse(key);
        if (!name) complain(complaints, intent::code::bad_bridge, path, name.error().what);
        else if (asks_for_removal(value, path, complaints)) request.removed.push_back(*name);
        else request.networks.push_back(read_network(*name, value, complaints));
    }
}

void read_bonds(const json& bonds, intent::Request& request, Complaints& complaints) {
    if (!bonds.is_object()) return complain(complaints, bad_parameters, "/bondings", "bondings is an object: name to attributes");
    for (const auto& [key, value] : bonds.items()) {
        const std::string path = intent::pointer({"bondings", key});
        auto name = intent::IfName::parse(key);
        if (!name) complain(complaints, intent::code::bad_bond, path, name.error().what);
        else if (asks_for_removal(value, path, complaints)) request.removed_bonds.push_back(*name);
        else request.bonds.push_back(read_bond(*name, value, complaints));
    }
}

}  // namespace

intent::Request read_setup(const json& params, Complaints& complaints) {
    intent::Request request;
    if (is_too_long(params, complaints)) return request;
    for (const auto& [key, value] : params.items()) {
        if (is_absent(value)) continue;
        if (key == "networks") read_networks(value, request, complaints);
        else if (key == "bondings") read_bonds(value, request, complaints);
        else if (key == "options") read_attributes(value, "/options", request.options, {complaints});
        else complain(complaints, static_cast<int>(Rpc::invalid_params), pointer("", key), fmt::format("'{}' is not a parameter; networks, bondings and options are", shortened(key)));
    }
    return request;
}

namespace {

// Flags that are said only where they are set.
constexpr std::array<std::string_view, 4> rare_flags = {"blockingdhcp", "dhcpv6", "ipv6autoconf", "isolated"};

template <class Options>
std::string write_options(const Options& options) {
    std::string text;
    for (const auto& [key, value] : options) text += (text.empty() ? "" : " ") + key + "=" + value;
    return text;
}

}  // namespace

// What is empty is not said, and never made: of a usual network it would be the larger part.
json write_network(const intent::Network& network) {
    json object = json::object();
    topology::for_each_field<intent::Network>([&](const auto& field) {
        const auto& value = network.*field.member;
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::same_as<Value, intent::Custom>) {
            if (!value.bridge_opts.empty()) object[field.name]["bridge_opts"] = write_options(value.bridge_opts);
        } else if constexpr (std::same_as<Value, bool>) {
            if (value || std::ranges::find(rare_flags, field.name) == rare_flags.end()) object[field.name] = value;
        } else if constexpr (List<Value>) {
            if (!value.empty()) object[field.name] = write_value(value);
        } else if (is_set(value)) {
            object[field.name] = write_value(value);
        }
    });
    return object;
}

json write_bond(const intent::Bond& bond) {
    json object = write_value(bond);
    object["options"] = write_options(bond.options);
    return object;
}

json write_nic(const intent::GuestNic& nic) {
    json object = write_value(nic);
    object["vmId"] = nic.vm;
    object["macAddr"] = nic.mac.text();
    if (!nic.incoming) object.erase("incoming");
    for (const char* list : {"filterParameters", "specParams", "portMirroring"})
        if (object[list].empty()) object.erase(list);
    return object;
}

json write_definitions(const intent::Intent& intent) {
    json networks = json::object(), bonds = json::object();
    for (const auto& network : intent.networks()) networks[network.name.text()] = write_network(network);
    for (const auto& bond : intent.bonds()) bonds[bond.name.text()] = write_bond(bond);
    return {{"networks", networks}, {"bondings", bonds}};
}

json write_complaints(const Complaints& complaints) {
    json list = json::array();
    for (const auto& complaint : complaints)
        list.push_back({{"path", complaint.path}, {"code", complaint.code}, {"fault", topology::name_of(complaint.fault)}, {"what", complaint.what}});
    return list;
}

}  // namespace wire
