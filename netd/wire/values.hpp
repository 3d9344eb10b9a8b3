// Single values of the house to JSON and back; what has a list of attributes follows from these by itself.
//
// Two kinds of reading: from a client, who is loose with types (protocol.md 2) and whose names and numbers must be legal;
// and from our own disk, where names and numbers are those that the kernel reported.
#pragma once

#include "netd/intent/definition.hpp"
#include "netd/lower/host_state.hpp"
#include "netd/wire/json.hpp"
#include "topology/keyed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace wire {

using nlohmann::json;

inline Error bad_value(std::string what) { return {Fault::invalid, {}, std::move(what)}; }

// "Not given", as engines say it.
inline bool is_absent(const json& value) { return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()); }

// What is called so in the object; "" where there is no such text.
std::string text_of(const json& object, const char* key);

// A text, or a whole number as text; everything else is refused.
Result<std::string> read_text(const json& value);
Result<bool> read_bool(const json& value);
Result<std::int64_t> read_int(const json& value, std::int64_t low, std::int64_t high);

template <class T> struct Type {};

template <From from> Result<std::string> read_value(const json& value, Type<std::string>) {
    if (!value.is_string()) return bad_value("text is due here");
    return value.get<std::string>();
}
template <From from> Result<bool> read_value(const json& value, Type<bool>) { return read_bool(value); }
template <From from, std::integral Number>
    requires(!std::same_as<Number, bool>)
Result<Number> read_value(const json& value, Type<Number>) {
    constexpr auto low = std::numeric_limits<Number>::min();
    constexpr auto high = std::min<std::uint64_t>(std::numeric_limits<Number>::max(), std::numeric_limits<std::int64_t>::max());
    auto number = read_int(value, static_cast<std::int64_t>(low), static_cast<std::int64_t>(high));
    if (!number) return number.error();
    return static_cast<Number>(*number);
}
template <From from> Result<intent::IfName> read_value(const json& value, Type<intent::IfName>) {
    if (!value.is_string()) return bad_value("the name of a device is due here");
    const auto& text = value.get_ref<const std::string&>();
    if constexpr (from == From::disk) return intent::IfName::observed(text);
    else return intent::IfName::parse(text);
}
template <From from> Result<intent::NetworkName> read_value(const json& value, Type<intent::NetworkName>) {
    if (!value.is_string()) return bad_value("the name of a network is due here");
    return intent::NetworkName::parse(value.get_ref<const std::string&>());
}
template <From from> Result<intent::Mtu> read_value(const json& value, Type<intent::Mtu>) {
    auto number = read_int(value, from == From::disk ? 0 : 68, from == From::disk ? 0xffffffff : 65521);
    if (!number) return number.error();
    return intent::Mtu::observed(static_cast<std::uint32_t>(*number));
}
template <From from> Result<intent::VlanId> read_value(const json& value, Type<intent::VlanId>) {
    auto number = read_int(value, 0, 4094);
    if (!number) return number.error();
    return intent::VlanId::from(*number);
}
template <From from> Result<topology::Owner> read_value(const json& value, Type<topology::Owner>) {
    if (!value.is_string()) return topology::Owner::foreign();
    return topology::Owner::ours(value.get_ref<const std::string&>());
}

template <From from> Result<bridges::Queues> read_value(const json& value, Type<bridges::Queues>) {
    auto number = read_int(value, 1, 256);
    if (!number) return number.error();
    return bridges::Queues(static_cast<std::uint32_t>(*number));
}
template <From from> Result<bridges::PortFlags> read_value(const json& value, Type<bridges::PortFlags>) {
    auto odd = read_value<from>(value, Type<std::uint16_t>{});
    return odd ? Result<bridges::PortFlags>(bridges::PortFlags{*odd}) : odd.error();
}
template <From from> Result<bridges::PortForwards> read_value(const json& value, Type<bridges::PortForwards>) {
    auto mask = read_value<from>(value, Type<std::uint16_t>{});
    return mask ? Result<bridges::PortForwards>(bridges::PortForwards{*mask}) : mask.error();
}
// A Veth lists no attributes, since none can be compared; to make one again they are needed all the same.
template <From from> Result<bridges::Veth> read_value(const json& value, Type<bridges::Veth>) {
    bridges::Veth veth;
    auto mac = topology::Mac::parse(value.value("peer_mac", ""));
    if (mac) veth.peer_mac = *mac;
    if (value.contains("netns")) veth.netns = value.value("netns", "");
    if (value.contains("peer")) veth.peer = intent::IfName::observed(value.value("peer", ""));
    return veth;
}

template <From from> Result<intent::FilterParameter> read_value(const json& value, Type<intent::FilterParameter>) {
    const bool is_named = value.is_object() && value.contains("name") && value["name"] == "IP" && value.contains("value");
    auto text = read_text(is_named ? value["value"] : value);
    if (!text) return bad_value("an address is due here, as text or as {\"name\": \"IP\", \"value\": …}");
    auto address = intent::IpAddress::parse(*text);
    if (!address) return address.error();
    return intent::FilterParameter{*address};
}

// Mac, IpAddress, Subnet, VlanSet: whatever is made by parsing a text.
template <From from, class Value>
    requires requires(std::string_view text) { { Value::parse(text) } -> std::same_as<Result<Value>>; }
Result<Value> read_value(const json& value, Type<Value>) {
    auto text = read_text(value);
    if (!text) return text.error();
    return Value::parse(*text);
}

template <From from, class Enum>
    requires requires { intent::Names<Enum>::text; }
Result<Enum> read_value(const json& value, Type<Enum>) {
    const auto& names = intent::Names<Enum>::text;
    if (value.is_string()) {
        const auto found = std::find(std::begin(names), std::end(names), value.get_ref<const std::string&>());
        if (found != std::end(names)) return static_cast<Enum>(found - std::begin(names));
    }
    return bad_value(fmt::format("one of {} is due here", fmt::join(names, ", ")));
}

template <From from> Result<bridges::Options> read_value(const json& value, Type<bridges::Options>) {
    if (!value.is_object()) return bad_value("options are due here");
    bridges::Options options;
    for (auto it = value.begin(); it != value.end(); ++it) {
        if (!it->is_string()) return bad_value(fmt::format("option {} is no text", it.key()));
        options[it.key()] = it->get_ref<const std::string&>();
    }
    return options;
}

// From people "" is as good as nothing; in a file of netd's own a text that may be unset is "" where it is none.
template <From from, class Member> bool is_unsaid(const json& value) {
    if constexpr (from == From::disk && std::is_same_v<Member, std::optional<std::string>>) return value.is_null();
    return is_absent(value);
}

template <From from, class Value> Result<std::vector<Value>> read_value(const json& value, Type<std::vector<Value>>);
template <From from, class Value> Result<std::set<Value>> read_value(const json& value, Type<std::set<Value>>);

// An optional, a list, a set: by what is in them.
template <From from, class Value> Result<std::optional<Value>> read_value(const json& value, Type<std::optional<Value>>) {
    if (is_unsaid<from, std::optional<Value>>(value)) return std::optional<Value>();
    auto held = read_value<from>(value, Type<Value>{});
    if (!held) return held.error();
    return std::optional<Value>(std::move(*held));
}

template <From from, class Value> Result<topology::Rare<Value>> read_value(const json& value, Type<topology::Rare<Value>>) {
    auto held = read_value<from>(value, Type<std::optional<Value>>{});
    if (!held) return held.error();
    return topology::Rare<Value>(std::move(*held));
}

// Things with attributes and members without a default start from a blank, which reading fills in.
template <class T> T blank() { return T{}; }

template <From from, topology::HasFields Value> Result<Value> read_value(const json& value, Type<Value>);

template <From from, class Value> Result<std::vector<Value>> read_value(const json& value, Type<std::vector<Value>>) {
    if (!value.is_array()) return bad_value("a list is due here");
    std::vector<Value> values;
    for (const json& one : value) {
        auto read = read_value<from>(one, Type<Value>{});
        if (!read) return read.error();
        values.push_back(std::move(*read));
    }
    return values;
}
template <From from, class Value> Result<std::set<Value>> read_value(const json& value, Type<std::set<Value>>) {
    auto values = read_value<from>(value, Type<std::vector<Value>>{});
    if (!values) return values.error();
    return std::set<Value>(values->begin(), values->end());
}

template <From from, topology::HasFields Value> Result<Value> read_value(const json& value, Type<Value>) {
    if (!value.is_object()) return bad_value("an object is due here");
    Value read = blank<Value>();
    std::optional<Error> refused;
    std::size_t known = 0;
    topology::for_each_field<Value>([&](const auto& field) {
        const auto found = value.find(field.name);
        if (found == value.end()) return;
        ++known;
        auto& member = read.*field.member;
        if (refused || is_unsaid<from, std::decay_t<decltype(member)>>(*found)) return;
        auto member_read = read_value<from>(*found, Type<std::decay_t<decltype(member)>>{});
        if (member_read) member = std::move(*member_read);
        else refused = topology::about(field.name, member_read.error());
    });
    if (refused) return *refused;
    if (known != value.size()) return bad_value("it has an attribute that is not known here");
    return read;
}

// And back. Unset members are left out.
inline json write_value(const std::string& value) { return value; }
inline json write_value(bool value) { return value; }
template <std::integral Number>
    requires(!std::same_as<Number, bool>)
json write_value(Number value) { return value; }
inline json write_value(const intent::Mtu& value) { return value.number(); }
inline json write_value(const intent::VlanId& value) { return value.number(); }
inline json write_value(const topology::Owner& value) { return value.role ? json(*value.role) : json(false); }
inline json write_value(const bridges::Queues& value) { return value.number(); }
inline json write_value(const bridges::PortFlags& value) { return value.odd; }
inline json write_value(const bridges::PortForwards& value) { return value.mask; }
inline json write_value(const bridges::Veth& value) {
    json object = json::object();
    if (value.netns) object["netns"] = *value.netns;
    if (value.peer) object["peer"] = value.peer->text();
    if (value.peer_mac) object["peer_mac"] = value.peer_mac->text();
    return object;
}
template <class Value>
    requires requires(const Value& value) { { value.text() } -> std::convertible_to<std::string>; }
json write_value(const Value& value) { return std::string(value.text()); }
template <class Enum>
    requires requires { intent::Names<Enum>::text; }
json write_value(Enum value) { return intent::name_of(value); }
inline json write_value(const bridges::Options& value) { return value.empty() ? json::object() : json(value.map()); }
template <topology::HasFields Value> json write_value(const Value& value);
template <topology::Optional Held> json write_value(const Held& value);
template <class Value> json write_value(const std::set<Value>& values);
template <class... Held> json write_value(const std::variant<Held...>& value);
template <class Value> json write_value(const std::vector<Value>& values) {
    json list = json::array();
    for (const Value& value : values) list.push_back(write_value(value));
    return list;
}
template <class Value> json write_value(const std::set<Value>& values) {
    json list = json::array();
    for (const Value& value : values) list.push_back(write_value(value));
    return list;
}
template <class Value> bool is_set(const Value&) { return true; }
template <topology::Optional Held> bool is_set(const Held& value) { return value.has_value(); }
template <topology::Optional Held> json write_value(const Held& value) { return value ? write_value(*value) : json(); }
template <topology::HasFields Value> json write_value(const Value& value) {
    json object = json::object();
    topology::for_each_field<Value>([&](const auto& field) {
        if (is_set(value.*field.member)) object[field.name] = write_value(value.*field.member);
    });
    return object;
}

// A variant is an object with one member, named as the alternative.
template <class Held> constexpr const char* tag = "";
template <> inline constexpr const char* tag<bridges::Device> = "device";
template <> inline constexpr const char* tag<bridges::Bridge> = "bridge";
template <> inline constexpr const char* tag<bridges::Vlan> = "vlan";
template <> inline constexpr const char* tag<bridges::Bond> = "bond";
template <> inline constexpr const char* tag<bridges::Tap> = "tap";
template <> inline constexpr const char* tag<bridges::Veth> = "veth";
template <> inline constexpr const char* tag<ovs::Access> = "access";
template <> inline constexpr const char* tag<ovs::Trunk> = "trunk";
template <> inline constexpr const char* tag<ovs::Nowhere> = "nowhere";

template <class... Held> json write_value(const std::variant<Held...>& value) {
    return std::visit([]<class T>(const T& held) { return json{{tag<T>, write_value(held)}}; }, value);
}
template <From from, class... Held> Result<std::variant<Held...>> read_value(const json& value, Type<std::variant<Held...>>) {
    std::optional<Result<std::variant<Held...>>> read;
    const auto attempt = [&]<class T>(Type<T> type) {
        if (read || !value.is_object() || !value.contains(tag<T>)) return;
        auto held = read_value<from>(value[tag<T>], type);
        if (held) read.emplace(std::variant<Held...>(std::move(*held)));
        else read.emplace(held.error());
    };
    (attempt(Type<Held>{}), ...);
    if (!read) return bad_value("one of the known kinds is due here");
    return *read;
}

}  // namespace wire
