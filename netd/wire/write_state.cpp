// Resources to JSON by their lists of attributes; the few without a default get a blank to start from.
#include "netd/wire/write_state.hpp"

#include "netd/wire/entry.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

namespace wire {
namespace {

const intent::IfName nobody = intent::IfName::observed("");

}  // namespace

template <> guests::Nic blank() { return {{}, topology::Mac::of({})}; }
template <> bridges::Link blank() { return {nobody}; }
template <> bridges::Route blank() { return {.to = *topology::Subnet::parse("0.0.0.0/0"), .via = {}, .device = nobody}; }
template <> bridges::Vlan blank() { return {nobody, *intent::VlanId::from(0)}; }
template <> bridges::OddAddress blank() { return {*topology::Subnet::parse("0.0.0.0/0")}; }
template <> ovs::Bridge blank() { return {nobody}; }
template <> ovs::Port blank() { return {nobody}; }
template <> ovs::PortMirror blank() { return {nobody}; }
template <> ovs::Access blank() { return {*intent::VlanId::from(0)}; }

namespace {

template <class R> json write_all(const topology::Keyed<R>& resources) {
    json list = json::array();
    for (const R& resource : resources) {
        json one = write_value(resource);
        if constexpr (requires { resource.name; }) one["name"] = resource.name.text();
        list.push_back(std::move(one));
    }
    return list;
}

template <class R> Result<> read_all(const json& parent, const char* key, topology::Keyed<R>& into) {
    const auto list = parent.find(key);
    if (list == parent.end() || !list->is_array()) return bad_value(fmt::format("{} is missing", key));
    for (json one : *list) {
        std::string name;
        if (one.is_object() && one.contains("name") && one["name"].is_string()) name = one["name"].get<std::string>();
        if constexpr (requires(const R& resource) { resource.name; }) one.erase("name");
        auto read = read_value<From::disk>(one, Type<R>{});
        if (!read) return topology::about(key, read.error());
        if constexpr (requires { read->name; }) read->name = intent::IfName::observed(name);
        into.put(std::move(*read));
    }
    return {};
}

}  // namespace

json write_state(const lower::HostState& state) {
    return {{"links", write_all(state.kernel.links)}, {"routes", write_all(state.kernel.routes)}, {"rules", write_all(state.kernel.rules)},
            {"bridges", write_all(state.ovs.bridges)}, {"ports", write_all(state.ovs.ports)},
            {"nics", write_all(state.guests.nics)}, {"mirrors", write_all(state.ovs.mirrors)}};
}

Result<lower::HostState> read_state(const json& value) {
    if (!value.is_object()) return bad_value("a state is an object");
    lower::HostState state;
    if (auto read = read_all(value, "links", state.kernel.links); !read) return read.error();
    if (auto read = read_all(value, "routes", state.kernel.routes); !read) return read.error();
    if (auto read = read_all(value, "rules", state.kernel.rules); !read) return read.error();
    if (auto read = read_all(value, "bridges", state.ovs.bridges); !read) return read.error();
    if (auto read = read_all(value, "ports", state.ovs.ports); !read) return read.error();
    // Of a guest that is to be taken out again only what tells it is needed; what is ours of it, that it is in the scope.
    if (value.contains("nics"))
        if (auto read = read_all(value, "nics", state.guests.nics); !read) return read.error();
    if (!value.contains("mirrors")) return state;  // written before netd made any
    if (auto read = read_all(value, "mirrors", state.ovs.mirrors); !read) return read.error();
    return state;
}

json write_intent(const intent::Intent& intent) {
    json value = write_definitions(intent);
    json nics = json::array();
    for (const auto& nic : intent.nics()) nics.push_back(write_nic(nic));
    value["nics"] = std::move(nics);
    return value;
}

namespace {

Result<intent::GuestNic> read_kept_nic(const json& definition) {
    if (!definition.is_object()) return bad_value("a NIC is an object");
    auto mac = topology::Mac::parse(definition.value("macAddr", ""));
    if (!mac) return mac.error();
    intent::GuestNic nic{definition.value("vmId", ""), *mac};
    intent::Complaints complaints;
    read_nic(definition, nic, 0, complaints, From::disk);
    if (!complaints.empty()) return Error{Fault::invalid, complaints.front().path, complaints.front().what};
    return nic;
}

template <class R, class Name>
std::string write_changes(const std::vector<topology::Change<R>>& changes, json (*write)(const R&), Name&& name) {
    std::string object = "{";
    for (const auto& change : changes) {
        if (object.size() > 1) object += ',';
        const auto* removed = std::get_if<topology::Remove<R>>(&change);
        const auto* created = std::get_if<topology::Create<R>>(&change);
        const R& now = removed ? removed->was : created ? created->now : std::get<topology::Update<R>>(change).now;
        append_quoted(object, name(now));
        object.append(1, ':').append(removed ? "null" : dump(write(now)));
    }
    return object += '}';
}

}  // namespace

Result<intent::Intent> read_intent(const json& value) {
    intent::Intent intent;
    intent::Complaints complaints;
    if (!value.is_object()) return bad_value("definitions are an object");
    const json networks = value.value("networks", json::object()), bonds = value.value("bondings", json::object());
    for (const auto& [key, definition] : networks.items()) {
        auto name = intent::NetworkName::parse(key);
        if (!name) return name.error();
        intent.put(read_network(*name, definition, complaints, From::disk));
    }
    for (const auto& [key, definition] : bonds.items()) intent.put(read_bond(intent::IfName::observed(key), definition, complaints, From::disk));
    for (const auto& definition : value.value("nics", json::array())) {
        auto nic = read_kept_nic(definition);
        if (!nic) return nic.error();
        intent.put(*nic);
    }
    if (!complaints.empty()) return Error{Fault::invalid, complaints.front().path, complaints.front().what};
    return intent;
}

std::string write_delta(const intent::Delta& delta) {
    Entry text;
    text.put_written("networks", write_changes<intent::Network>(delta.networks, write_network, [](const auto& r) { return r.name.text(); }));
    text.put_written("bondings", write_changes<intent::Bond>(delta.bonds, write_bond, [](const auto& r) { return r.name.text(); }));
    text.put_written("nics", write_changes<intent::GuestNic>(delta.nics, write_nic, [](const auto& r) { return r.key().text(); }));
    return text.text();
}

Result<intent::Delta> read_delta(const json& value) {
    if (!value.is_object()) return bad_value("a delta is an object");
    intent::Delta delta;
    intent::Complaints complaints;
    const json networks = value.value("networks", json::object()), bonds = value.value("bondings", json::object()), nics = value.value("nics", json::object());
    for (const auto& [key, definition] : networks.items()) {
        auto name = intent::NetworkName::parse(key);
        if (!name) return name.error();
        if (definition.is_null()) delta.networks.push_back(topology::Remove<intent::Network>{{*name}});
        else delta.networks.push_back(topology::Create<intent::Network>{read_network(*name, definition, complaints, From::disk)});
    }
    for (const auto& [key, definition] : bonds.items()) {
        const auto name = intent::IfName::observed(key);
        if (definition.is_null()) delta.bonds.push_back(topology::Remove<intent::Bond>{{name}});
        else delta.bonds.push_back(topology::Create<intent::Bond>{read_bond(name, definition, complaints, From::disk)});
    }
    for (const auto& [key, definition] : nics.items()) {
        if (!definition.is_null()) {
            auto nic = read_kept_nic(definition);
            if (!nic) return nic.error();
            delta.nics.push_back(topology::Create<intent::GuestNic>{*nic});
            continue;
        }
        const auto slash = key.rfind('/');
        auto mac = slash == std::string::npos ? Result<topology::Mac>(bad_value("a NIC's key is guest/MAC")) : topology::Mac::parse(key.substr(slash + 1));
        if (!mac) return mac.error();
        delta.nics.push_back(topology::Remove<intent::GuestNic>{{key.substr(0, slash), *mac}});
    }
    if (!complaints.empty()) return Error{Fault::invalid, complaints.front().path, complaints.front().what};
    return delta;
}

}  // namespace wire
