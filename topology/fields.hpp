// The one list of a resource's attributes: diff, JSON, explain and tests walk it, so none of them can forget one.
#pragma once

#include <tuple>

namespace topology {

enum class Tells { what, how };  // how the rest was made, or shall be, is no difference

template <class Owner, class Value>
struct Field {
    const char* name;
    Value Owner::*member;
    Tells tells = Tells::what;
};

template <class Owner, class Value>
Field(const char*, Value Owner::*, Tells = Tells::what) -> Field<Owner, Value>;

// A type that lists its attributes in `static constexpr auto fields = std::tuple{Field{…}, …}`.
template <class T>
concept HasFields = requires { T::fields; };

// Calls visit(field) for every attribute of T, in the order of the list.
template <HasFields T, class Visit>
constexpr void for_each_field(Visit&& visit) {
    std::apply([&](const auto&... field) { (visit(field), ...); }, T::fields);
}

}  // namespace topology
