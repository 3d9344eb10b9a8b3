// Whether a resource is as it is wanted, and what differs if not, told by attribute in words.
//
// An attribute that `want` leaves unset is not cared about; a map (options) cares only about the keys it names; nested
// resources are compared attribute by attribute; how a thing was made is no difference; everything else must be equal.
#pragma once

#include "topology/fields.hpp"
#include "topology/owner.hpp"
#include "topology/rare.hpp"

#include <concepts>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace topology {

struct Difference {
    std::string attribute, wanted, found;
    bool operator==(const Difference&) const = default;
};

// What an attribute's value is called. All of them are declared first, because they call each other.
inline std::string text_of(bool value) { return value ? "true" : "false"; }
inline std::string text_of(const std::string& value) { return value; }
inline std::string text_of(const Owner& owner) { return owner.is_ours() ? owner.alias() : "foreign"; }
template <std::integral Number>
    requires(!std::same_as<Number, bool>)
std::string text_of(Number value) {
    return std::to_string(value);
}
template <class Value>
    requires requires(const Value& value) { value.text(); }
std::string text_of(const Value& value) {
    const auto text = value.text();
    return text.empty() ? "none" : text;
}
template <class Value>
    requires requires(const Value& value) { value.number(); } && (!requires(const Value& value) { value.text(); })
std::string text_of(const Value& value) {
    return std::to_string(value.number());
}
template <HasFields Value>
std::string text_of(const Value& value);
template <Optional Held>
std::string text_of(const Held& value);
template <class Value>
std::string text_of(const std::set<Value>& values);
template <class Value>
std::string text_of(const std::map<std::string, Value>& values);
template <class... Values>
std::string text_of(const std::variant<Values...>& value);

template <Optional Held>
std::string text_of(const Held& value) {
    return value ? text_of(*value) : "none";
}
template <class Value>
std::string text_of(const std::set<Value>& values) {
    std::string text;
    for (const auto& value : values) text += (text.empty() ? "" : " ") + text_of(value);
    return text.empty() ? "none" : text;
}
template <class Value>
std::string text_of(const std::map<std::string, Value>& values) {
    std::string text;
    for (const auto& [key, value] : values) text += (text.empty() ? "" : " ") + key + "=" + text_of(value);
    return text.empty() ? "none" : text;
}
template <class... Values>
std::string text_of(const std::variant<Values...>& value) {
    return std::visit([](const auto& held) { return text_of(held); }, value);
}
template <HasFields Value>
std::string text_of(const Value& value) {
    std::string text;
    for_each_field<Value>([&](const auto& field) {
        text += (text.empty() ? "" : " ") + std::string(field.name) + "=" + text_of(value.*field.member);
    });
    return text;
}

template <class Value>
void compare(const std::string& name, const Value& want, const Value& have, std::vector<Difference>& into) {
    if (!(want == have)) into.push_back({name, text_of(want), text_of(have)});
}
template <HasFields Value>
void compare(const std::string& name, const Value& want, const Value& have, std::vector<Difference>& into);

template <class Value>
void compare(const std::string& name, const std::map<std::string, Value>& want,
             const std::map<std::string, Value>& have, std::vector<Difference>& into) {
    for (const auto& [key, value] : want) {
        const auto found = have.find(key);
        if (found == have.end()) into.push_back({name + "." + key, text_of(value), "none"});
        else compare(name + "." + key, value, found->second, into);
    }
}
template <class... Values>
void compare(const std::string& name, const std::variant<Values...>& want, const std::variant<Values...>& have,
             std::vector<Difference>& into) {
    if (want.index() != have.index()) {
        into.push_back({name, text_of(want), text_of(have)});
        return;
    }
    std::visit(
        [&]<class Value>(const Value& wanted) {
            if constexpr (HasFields<Value>) {
                compare(name, wanted, std::get<Value>(have), into);
            } else if (!(wanted == std::get<Value>(have))) {
                into.push_back({name, text_of(wanted), text_of(std::get<Value>(have))});
            }
        },
        want);
}
// An optional attribute of a resource: unset in `want` means "not cared about".
template <Optional Held>
void compare_wanted(const std::string& name, const Held& want, const Held& have, std::vector<Difference>& into) {
    if (!want) return;
    if (!have) into.push_back({name, text_of(*want), "none"});
    else compare(name, *want, *have, into);
}
template <class Value>
void compare_wanted(const std::string& name, const Value& want, const Value& have, std::vector<Difference>& into) {
    compare(name, want, have, into);
}

// Types whose optional members mean "none" rather than "not cared about" say so with `static constexpr bool exact = true`.
template <class T>
constexpr bool is_exact = requires { T::exact; };

template <HasFields Value>
void compare(const std::string& name, const Value& want, const Value& have, std::vector<Difference>& into) {
    for_each_field<Value>([&](const auto& field) {
        if (field.tells == Tells::how) return;
        const std::string path = name.empty() ? field.name : name + "." + field.name;
        if constexpr (is_exact<Value>) compare(path, want.*field.member, have.*field.member, into);
        else compare_wanted(path, want.*field.member, have.*field.member, into);
    });
}

// Every attribute in which `have` is not as `want` says; empty when it is all that is wanted.
template <HasFields R>
std::vector<Difference> differences(const R& want, const R& have) {
    std::vector<Difference> found;
    compare("", want, have, found);
    return found;
}

}  // namespace topology
