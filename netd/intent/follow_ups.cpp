// See follow_ups.hpp.
#include "netd/intent/follow_ups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>

namespace intent {
namespace {

// /networks or /bondings, the name, the attribute, and what is inside of that.
struct Place {
    std::string_view kind, name, attribute, inside;
    explicit Place(std::string_view path) {
        for (std::string_view* part : {&kind, &name, &attribute}) {
            const auto end = path.find('/', 1);
            *part = path.substr(0, end);
            path.remove_prefix(part->size());
        }
        inside = path;
    }
};

bool is_within(std::string_view path, std::string_view whole) { return path.starts_with(whole) && (path.size() == whole.size() || path[whole.size()] == '/'); }

// What rules say of an attribute (of the whole, where it is "") as they take another one for not given.
struct Dependence {
    std::string_view told, on;
    bool of_others = false;  // on that of another network, too
};
constexpr std::array dependences = {
    Dependence{"/ipaddr", "/prefix"},        Dependence{"/ipaddr", "/netmask"},         Dependence{"/prefix", "/ipaddr"},
    Dependence{"/netmask", "/ipaddr"},       Dependence{"/gateway", "/ipaddr"},         Dependence{"/ipv6gateway", "/ipv6addr"},
    Dependence{"/vlan", "/nic"},             Dependence{"/vlan", "/bonding"},           Dependence{"/bridged", "/nic"},
    Dependence{"/bridged", "/bonding"},      Dependence{"/hostQos", "/nic"},            Dependence{"/hostQos", "/bonding"},
    Dependence{"/hostQos", "/hostQos", true}, Dependence{"/nameservers", "/defaultRoute"}, Dependence{"/search", "/defaultRoute"},
    Dependence{"/switch", "/switch", true},  Dependence{"", "/switch"},                 Dependence{"", "/bridged"},
    Dependence{"/custom", "/switch"},        Dependence{"/options", "/nics"},           Dependence{"/hwaddr", "/options"}};

// Without one of them nobody knows which routers are in a subnet of the network.
constexpr std::array<std::string_view, 8> subnets = {"/ipaddr", "/prefix", "/netmask", "/bootproto", "/ipv6addr", "/ipv6autoconf", "/dhcpv6", "/addresses"};

bool follows(const Complaint& rule, const Complaint& unread) {
    // A thing that can't be read at all breaks no rules; nor does an attribute. That it lacks something is in the part that can't be read;
    // that its other entries are not there, or somebody else's, is not.
    const Place told(rule.path), cause(unread.path);
    const bool lacks_part = rule.fault == Fault::invalid && !told.attribute.empty() && is_within(unread.path, rule.path);
    if (lacks_part || is_within(rule.path, unread.path)) return true;
    if (told.kind != cause.kind) return false;
    const bool is_about = told.name == cause.name || (!cause.name.empty() && rule.what.find(fmt::format("'{}'", cause.name.substr(1))) != std::string::npos);
    // Without its tag it is taken for the untagged network.
    const bool is_place = told.attribute == "/nic" || told.attribute == "/bonding";
    if (is_place && is_about && rule.code == code::used_nic && cause.attribute == "/vlan") return true;
    const bool is_router = told.attribute == "/routes" && told.name == cause.name && rule.what.starts_with("the router");
    if (is_router && std::ranges::find(subnets, cause.attribute) != subnets.end()) return true;
    return std::ranges::any_of(dependences, [&](const Dependence& one) { return told.attribute == one.told && cause.attribute == one.on && (one.of_others || told.name == cause.name); });
}

// The number in "/3/via", or none.
std::optional<std::size_t> number_of(std::string_view inside) {
    std::size_t number = 0;
    const auto [end, problem] = std::from_chars(inside.data() + (inside.empty() ? 0 : 1), inside.data() + inside.size(), number);
    return problem == std::errc() && (end == inside.data() + inside.size() || *end == '/') ? std::optional(number) : std::nullopt;
}

std::string with_own_number(const std::string& path, const Complaints& unread) {
    const Place place(path);
    auto number = number_of(place.inside);
    if (!number) return path;
    const std::string_view list(path.data(), path.size() - place.inside.size());
    std::set<std::size_t> left_out;
    for (const Complaint& one : unread)
        if (is_within(one.path, list))
            if (const auto out = number_of(std::string_view(one.path).substr(list.size()))) left_out.insert(*out);
    for (const std::size_t out : left_out) *number += out <= *number;
    return std::string(list) + "/" + std::to_string(*number);
}

}  // namespace

void add_broken_rules(Complaints& unread, const Complaints& broken) {
    const Complaints causes = unread;
    unread.add(broken, [&](Complaint rule) -> std::optional<Complaint> {
        rule.path = with_own_number(rule.path, causes);
        if (std::ranges::any_of(causes, [&](const Complaint& cause) { return follows(rule, cause); })) return std::nullopt;
        return rule;
    });
}

}  // namespace intent
