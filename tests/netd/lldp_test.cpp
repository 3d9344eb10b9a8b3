// Frames as switches send them, and as somebody sends them who means harm.
#include "netd/observe/lldp.hpp"

#include <catch2/catch.hpp>

namespace lldp_test {

using namespace observe;
using namespace std::chrono_literals;
using Payload = std::vector<std::uint8_t>;
using Properties = std::map<std::string, std::string>;

namespace {

Payload tlv(int type, const std::string& value) {
    Payload bytes{static_cast<std::uint8_t>(type << 1 | static_cast<int>(value.size() >> 8)), static_cast<std::uint8_t>(value.size())};
    bytes.insert(bytes.end(), value.begin(), value.end());
    return bytes;
}

Payload joined(std::initializer_list<Payload> parts) {
    Payload all;
    for (const Payload& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

std::string raw(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

const Payload chassis = tlv(1, raw({4, 0, 0x11, 0x22, 0x33, 0x44, 0x55})), port = tlv(2, raw({5}) + "Ethernet1/7"), ttl = tlv(3, raw({0, 120})), last = tlv(0, "");

Payload with(const Payload& more) { return joined({chassis, port, ttl, more, last}); }

LldpTlv only(const Payload& more) {
    const auto unit = parse_lldp(with(more));
    REQUIRE(unit);
    REQUIRE(unit->tlvs.size() == 4);
    return unit->tlvs[3];
}

}  // namespace

TEST_CASE("what every switch sends", "[lldp]") {
    const auto unit = parse_lldp(with({}));
    REQUIRE(unit);
    CHECK(unit->ttl == 120s);
    CHECK(unit->tlvs == std::vector<LldpTlv>{{1, 0, 0, "Chassis ID", {{"chassis ID subtype", "MAC"}, {"chassis ID", "00:11:22:33:44:55"}}},
                                             {2, 0, 0, "Port ID", {{"port ID subtype", "Ifname"}, {"port ID", "Ethernet1/7"}}},
                                             {3, 0, 0, "Time to Live", {{"time to live", "120"}}}});
}

TEST_CASE("what switches send besides", "[lldp]") {
    CHECK(only(tlv(4, "to host 7")) == LldpTlv{4, 0, 0, "Port Description", {{"port description", "to host 7"}}});
    CHECK(only(tlv(5, "leaf-3")) == LldpTlv{5, 0, 0, "System Name", {{"system name", "leaf-3"}}});
    CHECK(only(tlv(7, raw({0, 0x14, 0, 0x04}))) == LldpTlv{7, 0, 0, "System Capabilities", {{"system capabilities", "Bridge, Router"}, {"enabled capabilities", "Bridge"}}});
    CHECK(only(tlv(8, raw({5, 1, 192, 0, 2, 1, 2, 0, 0, 0, 9, 0}))) ==
          LldpTlv{8, 0, 0, "Management Address", {{"management address subtype", "IPv4"}, {"management address", "192.0.2.1"},
                                                  {"interface numbering subtype", "Ifindex"}, {"interface numbering", "9"}}});
    CHECK(only(tlv(127, raw({0, 0x80, 0xc2, 1, 0, 100}))) == LldpTlv{127, 0x80c2, 1, "Port VLAN ID", {{"Port VLAN ID", "100"}}});
    CHECK(only(tlv(127, raw({0, 0x80, 0xc2, 3, 0, 100, 3}) + "web")) == LldpTlv{127, 0x80c2, 3, "VLAN Name", {{"VLAN ID", "100"}, {"VLAN Name", "web"}}});
    CHECK(only(tlv(127, raw({0, 0x12, 0x0f, 3, 3, 0, 0, 0, 8}))) ==
          LldpTlv{127, 0x120f, 3, "Link Aggregation", {{"Aggregation capable", "True"}, {"Currently aggregated", "True"}, {"Aggregated Port ID", "8"}}});
    CHECK(only(tlv(127, raw({0, 0x12, 0x0f, 4, 0x24, 0}))) == LldpTlv{127, 0x120f, 4, "MTU", {{"mtu", "9216"}}});
}

TEST_CASE("what nobody here knows is passed over", "[lldp]") {
    CHECK(parse_lldp(with(joined({tlv(9, "reserved"), tlv(127, raw({0, 1, 2, 3}) + "?")})))->tlvs.size() == 3);
}

TEST_CASE("texts from the wire are harmless ones", "[lldp]") {
    CHECK(only(tlv(5, "a\x1b[31m\xff\n")).properties == Properties{{"system name", "a\\x1b[31m\\xff\\x0a"}});
    CHECK(only(tlv(5, "Zürich")).properties == Properties{{"system name", "Zürich"}});
}

TEST_CASE("malformed frames are refused whole", "[lldp]") {
    const Payload bad[] = {{}, {0}, last, chassis, joined({chassis, port}), joined({port, chassis, ttl, last}), joined({chassis, chassis, port, ttl, last}),
                           with(chassis), with(ttl), joined({chassis, port, tlv(3, raw({0})), last}), joined({tlv(1, raw({4})), port, ttl, last}),
                           joined({tlv(1, ""), port, ttl, last}), joined({chassis, port, ttl, {0xfe, 0xff, 1}}), with(tlv(127, raw({0, 0x80}))),
                           with(tlv(127, raw({0, 0x80, 0xc2, 3, 0, 1, 200}))), with(tlv(8, raw({0}))), with(tlv(8, raw({31, 1, 1}))), with(tlv(8, raw({5, 1, 1, 1, 1, 1, 2, 0, 0, 0, 9, 9}))),
                           with(tlv(7, raw({0, 4}))), joined({chassis, port, tlv(0, ""), last})};
    for (const Payload& payload : bad) {
        CAPTURE(payload);
        CHECK_FALSE(parse_lldp(payload));
    }
}

TEST_CASE("a frame cut short anywhere, and with any byte changed, harms nobody", "[lldp]") {
    const Payload whole = with(joined({tlv(7, raw({0, 4, 0, 4})), tlv(8, raw({5, 1, 192, 0, 2, 1, 2, 0, 0, 0, 9, 2, 1, 3})), tlv(127, raw({0, 0x80, 0xc2, 3, 0, 100, 3}) + "web")}));
    for (std::size_t at = 0; at < whole.size(); ++at) {
        (void)parse_lldp(std::span(whole).first(at));
        for (int byte = 0; byte < 256; ++byte) {
            Payload changed = whole;
            changed[at] = static_cast<std::uint8_t>(byte);
            (void)parse_lldp(changed);
        }
    }
}

TEST_CASE("a neighbour is there as long as he said, and goes when he says so", "[lldp]") {
    Neighbours neighbours;
    const auto heard = *parse_lldp(with({}));
    neighbours.hear(heard, 0s);
    CHECK(neighbours.tlvs(119s) == heard.tlvs);
    CHECK(neighbours.tlvs(120s).empty());
    neighbours.hear(heard, 200s);
    neighbours.hear(*parse_lldp(joined({chassis, port, tlv(3, raw({0, 0})), last})), 201s);
    CHECK(neighbours.tlvs(201s).empty());
}

TEST_CASE("however many pretend to be there, few are remembered, and the last one is told", "[lldp]") {
    Neighbours neighbours;
    for (int number = 0; number < 1000; ++number)
        neighbours.hear(*parse_lldp(joined({chassis, tlv(2, raw({7}) + std::to_string(number)), ttl, last})), 1s);
    CHECK(neighbours.tlvs(2s)[1].properties.at("port ID") == "999");
}

}  // namespace lldp_test
