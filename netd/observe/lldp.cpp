// One function for each TLV that engines know; each takes what it needs off its own bytes and no others.
#include "netd/observe/lldp.hpp"

#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace observe {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;
using Bytes = std::span<const std::uint8_t>;
using Properties = std::map<std::string, std::string>;
using Read = std::optional<Properties>;  // nothing: it is malformed

constexpr std::uint8_t end = 0, chassis_id = 1, port_id = 2, time_to_live = 3, port_description = 4, system_name = 5, system_description = 6,
                       system_capabilities = 7, management_address = 8, organization = 127;
constexpr std::uint32_t ieee_8021 = 0x0080c2, ieee_8023 = 0x00120f;

std::string text_of(Bytes bytes) { return topology::escaped({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

std::uint32_t number_in(Bytes bytes) {
    std::uint32_t number = 0;
    for (const std::uint8_t byte : bytes) number = number << 8 | byte;
    return number;
}

std::string hex_of(Bytes bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

std::string mac_of(Bytes bytes) {
    if (bytes.size() != 6) return hex_of(bytes);
    topology::Mac::Bytes six;
    std::copy(bytes.begin(), bytes.end(), six.begin());
    return topology::Mac::of(six).text();
}

struct Told {
    std::string kind, value;
};

// An address with its IANA family before it.
Told address_of(Bytes bytes) {
    if (bytes.empty()) return {"Unknown", ""};
    const Bytes rest = bytes.subspan(1);
    if (bytes[0] == 1 && rest.size() == 4) return {"IPv4", topology::IpAddress::v4({rest[0], rest[1], rest[2], rest[3]}).text()};
    if (bytes[0] == 2 && rest.size() == 16) {
        std::array<std::uint8_t, 16> all;
        std::copy(rest.begin(), rest.end(), all.begin());
        return {"IPv6", topology::IpAddress::v6(all).text()};
    }
    if (bytes[0] == 6) return {"MAC", mac_of(rest)};
    return {fmt::format("Network Address Type {}", bytes[0]), hex_of(rest)};
}

// Chassis and port have the same kinds under different numbers.
Told id_of(std::uint8_t subtype, Bytes id, const std::array<const char*, 8>& kinds) {
    const std::string kind = subtype < kinds.size() ? kinds[subtype] : "Reserved";
    if (kind == "MAC") return {kind, mac_of(id)};
    if (kind == "Network Address") return address_of(id);
    return {kind, text_of(id)};
}

Read read_id(Bytes value, const char* name, const std::array<const char*, 8>& kinds) {
    if (value.size() < 2 || value.size() > 256) return std::nullopt;
    auto [kind, id] = id_of(value[0], value.subspan(1), kinds);
    return Properties{{std::string(name) + " subtype", kind}, {name, id}};
}

Read read_chassis(Bytes value) {
    return read_id(value, "chassis ID", {"Reserved", "Chassis Component", "Ifalias", "Port Component", "MAC", "Network Address", "Ifname", "Local"});
}

Read read_port(Bytes value) {
    return read_id(value, "port ID", {"Reserved", "Ifalias", "Port Component", "MAC", "Network Address", "Ifname", "Agent-Circuit-ID", "Local"});
}

Read read_ttl(Bytes value) {
    if (value.size() < 2) return std::nullopt;
    return Properties{{"time to live", std::to_string(number_in(value.first(2)))}};
}

template <const char* const& name>
Read read_text(Bytes value) {
    return Properties{{name, text_of(value)}};
}
constexpr const char *port_text = "port description", *name_text = "system name", *system_text = "system description";

std::string capabilities_of(std::uint32_t bits) {
    constexpr std::array names{"Other", "Repeater", "Bridge", "WLAN Access Point", "Router", "Telephone", "DOCSIS Cable Device", "Station Only", "CVLAN", "SVLAN", "TPMR"};
    std::string text;
    for (std::size_t bit = 0; bit < names.size(); ++bit)
        if (bits >> bit & 1) text += (text.empty() ? "" : ", ") + std::string(names[bit]);
    return text;
}

Read read_capabilities(Bytes value) {
    if (value.size() < 4) return std::nullopt;
    return Properties{{"system capabilities", capabilities_of(number_in(value.first(2)))},
                      {"enabled capabilities", capabilities_of(number_in(value.subspan(2, 2)))}};
}

// Length and address, kind and number of the interface, length and object identifier.
Read read_management(Bytes value) {
    if (value.empty() || value[0] < 1 || value.size() < 1u + value[0] + 6u) return std::nullopt;
    const auto [kind, address] = address_of(value.subspan(1, value[0]));
    const Bytes rest = value.subspan(1u + value[0]);
    const std::size_t length = rest[5];
    if (rest.size() < 6 + length) return std::nullopt;
    constexpr std::array numberings{"Unknown", "Unknown", "Ifindex", "System Port Number"};
    Properties properties{{"management address subtype", kind},
                          {"management address", address},
                          {"interface numbering subtype", rest[0] < numberings.size() ? numberings[rest[0]] : "Unknown"},
                          {"interface numbering", std::to_string(number_in(rest.subspan(1, 4)))}};
    if (length > 0) properties["object identifier"] = hex_of(rest.subspan(6, length));
    return properties;
}

Read read_port_vlan(Bytes value) {
    if (value.size() < 2) return std::nullopt;
    return Properties{{"Port VLAN ID", std::to_string(number_in(value.first(2)))}};
}

Read read_vlan_name(Bytes value) {
    if (value.size() < 3 || value.size() < 3u + value[2]) return std::nullopt;
    return Properties{{"VLAN ID", std::to_string(number_in(value.first(2)))}, {"VLAN Name", text_of(value.subspan(3, value[2]))}};
}

Read read_aggregation(Bytes value) {
    if (value.size() < 5) return std::nullopt;
    const auto truth = [&](int bit) { return value[0] >> bit & 1 ? "True" : "False"; };
    return Properties{{"Aggregation capable", truth(0)}, {"Currently aggregated", truth(1)}, {"Aggregated Port ID", std::to_string(number_in(value.subspan(1, 4)))}};
}

Read read_mtu(Bytes value) {
    if (value.size() < 2) return std::nullopt;
    return Properties{{"mtu", std::to_string(number_in(value.first(2)))}};
}

struct Known {
    std::uint8_t type;
    std::uint32_t oui;
    std::uint8_t subtype;
    const char* name;
    Read (*read)(Bytes value);
};
constexpr Known known[] = {
    {chassis_id, 0, 0, "Chassis ID", read_chassis},
    {port_id, 0, 0, "Port ID", read_port},
    {time_to_live, 0, 0, "Time to Live", read_ttl},
    {port_description, 0, 0, "Port Description", read_text<port_text>},
    {system_name, 0, 0, "System Name", read_text<name_text>},
    {system_description, 0, 0, "System Description", read_text<system_text>},
    {system_capabilities, 0, 0, "System Capabilities", read_capabilities},
    {management_address, 0, 0, "Management Address", read_management},
    {organization, ieee_8021, 1, "Port VLAN ID", read_port_vlan},
    {organization, ieee_8021, 3, "VLAN Name", read_vlan_name},
    {organization, ieee_8021, 7, "Link Aggregation", read_aggregation},
    {organization, ieee_8023, 3, "Link Aggregation", read_aggregation},
    {organization, ieee_8023, 4, "MTU", read_mtu},
};

struct Raw {
    std::uint8_t type = 0;
    Bytes value = {};
};

// Takes the next one off the payload; 7 bits of type, 9 of length.
std::optional<Raw> take(Bytes& payload) {
    if (payload.size() < 2) return std::nullopt;
    const std::uint32_t head = number_in(payload.first(2));
    const std::size_t length = head & 0x1ff;
    if (payload.size() < 2 + length) return std::nullopt;
    const Raw raw{static_cast<std::uint8_t>(head >> 9), payload.subspan(2, length)};
    payload = payload.subspan(2 + length);
    return raw;
}

Error malformed(std::string_view what) { return {Fault::invalid, "LLDP", std::string(what)}; }

Result<> add(const Raw& raw, std::vector<LldpTlv>& tlvs) {
    Bytes value = raw.value;
    std::uint32_t oui = 0;
    std::uint8_t subtype = 0;
    if (raw.type == organization) {
        if (value.size() < 4) return malformed("an organisation's TLV has no organisation");
        oui = number_in(value.first(3));
        subtype = value[3];
        value = value.subspan(4);
    }
    const auto one = std::ranges::find_if(known, [&](const Known& of) { return of.type == raw.type && of.oui == oui && of.subtype == subtype; });
    if (one == std::end(known)) return {};
    auto properties = one->read(value);
    if (!properties) return malformed(fmt::format("{} is too short or too long", one->name));
    tlvs.push_back({raw.type, oui, subtype, one->name, std::move(*properties)});
    return {};
}

}  // namespace

Result<LldpUnit> parse_lldp(Bytes payload) {
    LldpUnit unit;
    for (std::uint8_t place = 1;; ++place) {
        // Some senders leave the end out where the frame ends.
        if (payload.empty() && place > time_to_live) return unit;
        const auto raw = take(payload);
        if (!raw) return malformed("a TLV is longer than what is there");
        if (raw->type == end && place > time_to_live) return unit;
        const bool in_place = place <= time_to_live ? raw->type == place : raw->type > time_to_live;
        if (!in_place) return malformed("chassis, port and time to live are not, once each, at the beginning");
        if (auto added = add(*raw, unit.tlvs); !added) return added.error();
        if (raw->type == chassis_id || raw->type == port_id) {
            unit.sender += static_cast<char>(raw->value.size() & 0xff);
            unit.sender.append(raw->value.begin(), raw->value.end());
        }
        if (raw->type == time_to_live) unit.ttl = std::chrono::seconds(number_in(raw->value.first(2)));
        constexpr std::uint8_t most_tlvs = 200;
        if (place >= most_tlvs) return malformed("has too many TLVs");
    }
}

void Neighbours::hear(LldpUnit unit, std::chrono::nanoseconds now) {
    std::erase_if(heard_, [&](const Neighbour& one) { return one.until <= now || one.unit.sender == unit.sender; });
    if (unit.ttl == std::chrono::seconds(0)) return;
    if (heard_.size() >= most) heard_.erase(heard_.begin());
    const auto until = now + unit.ttl;
    heard_.push_back({std::move(unit), until});
}

std::vector<LldpTlv> Neighbours::tlvs(std::chrono::nanoseconds now) const {
    for (auto one = heard_.rbegin(); one != heard_.rend(); ++one)
        if (one->until > now) return one->unit.tlvs;
    return {};
}

}  // namespace observe
