// The resources in words.
#include "bridges/resources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <linux/if_addr.h>

namespace bridges {

std::string_view name_of(const Kind& kind) {
    constexpr std::string_view names[] = {"device", "bridge", "vlan", "bond", "tap", "veth"};
    static_assert(std::variant_size_v<Kind> == std::size(names));
    return names[kind.index()];
}

namespace {

bool is_near(std::uint64_t a, std::uint64_t b, std::uint64_t step) { return (a > b ? a - b : b - a) <= step; }

}  // namespace

bool Curve::operator==(const Curve& other) const {
    return in_bytes(m1) == in_bytes(other.m1) && d == other.d && in_bytes(m2) == in_bytes(other.m2);
}

bool Limit::operator==(const Limit& other) const {
    return average == other.average && peak == other.peak && is_near(burst, other.burst, 64 + average / 1000000);
}

OddAddress OddAddress::as_usual(const Subnet& address) {
    OddAddress usual{address};
    if (address.is_v6() || address.length() >= 31) return usual;
    std::array<std::uint8_t, 4> bytes;
    std::copy_n(address.address().data(), 4, bytes.begin());
    for (int bit = address.length(); bit < 32; ++bit) bytes[bit / 8] |= 0x80 >> bit % 8;
    usual.broadcast = IpAddress::v4(bytes);
    return usual;
}

OddAddress OddAddress::as_second(const Subnet& address) {
    OddAddress second = as_usual(address);
    second.flags = IFA_F_SECONDARY;
    return second;
}

bool OddAddress::is_second() const { return !address.is_v6() && flags & IFA_F_SECONDARY; }

namespace {

std::string table_text(std::uint32_t table) {
    return table == Route::main_table ? "main" : std::to_string(table);
}

std::string destination(const Subnet& to) {
    if (to.length() > 0) return to.text();
    return to.is_v6() ? "default (IPv6)" : "default";
}

std::string optional_part(std::string_view word, const std::optional<Subnet>& subnet) {
    return subnet ? fmt::format(" {} {}", word, subnet->text()) : "";
}

}  // namespace

std::string Route::Key::text() const {
    return fmt::format("{} table {} metric {}", to.text(), table, metric);
}

std::string Rule::Key::text() const {
    return fmt::format("{} {}{}{}{} {}", v6 ? "IPv6" : "IPv4", priority, optional_part("from", from), optional_part("to", to),
                       in ? " in " + in->text() : "", drops ? "drops" : fmt::format("table {}", table));
}

std::string describe(const Link& link) {
    const auto kind = link.kind ? name_of(*link.kind) : "device";
    return fmt::format("{} {}", kind, link.name.text());
}

std::string describe(const Route& route) {
    return fmt::format("route {} {} in table {}", destination(route.to),
                       route.via ? "via " + route.via->text() : "through " + route.device.text(), table_text(route.table));
}

std::string describe(const Rule& rule) {
    return fmt::format("rule {}{}{}{}{} {}", rule.priority, rule.v6 ? " (IPv6)" : "", optional_part("from", rule.from),
                       optional_part("to", rule.to), rule.in ? " in " + rule.in->text() : "",
                       rule.drops ? "forwards nothing" : "looks in table " + table_text(rule.table));
}

}  // namespace bridges
