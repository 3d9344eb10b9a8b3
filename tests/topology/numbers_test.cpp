// Numbers, tags and sizes: strict where a loose reading would hide somebody's mistake.
#include "topology/numbers.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <set>
#include <string>

namespace numbers_test {

using namespace topology;
using namespace std::string_literals;

namespace {

VlanId vlan(int number) { return *VlanId::from(number); }

}  // namespace

TEST_CASE("a number of digits in its range is that number") {
    REQUIRE(*parse_number("0", 0, 10) == 0);
    REQUIRE(*parse_number("10", 0, 10) == 10);
    REQUIRE(*parse_number("-5", -10, 10) == -5);
    REQUIRE(*parse_number("007", 0, 10) == 7);
    REQUIRE(*parse_number("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()) ==
            std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("anything around the digits, nothing, or too much is no number") {
    const auto text = GENERATE(""s, "-"s, "+5"s, " 5"s, "5 "s, "5\n"s, "5\0"s, "0x5"s, "5e0"s, "1.0"s, "--5"s, "5-"s, "٣"s,
                               "11"s, "-1"s, "9223372036854775808"s, "99999999999999999999999999"s);
    CAPTURE(text);
    const auto number = parse_number(text, 0, 10);
    REQUIRE_FALSE(number);
    REQUIRE(number.error().fault == Fault::invalid);
    REQUIRE(number.error().what == "a whole number from 0 to 10 is due");
}

TEST_CASE("a VLAN is 0 to 4094") {
    REQUIRE(VlanId::parse("0")->number() == 0);
    REQUIRE(VlanId::parse("4094")->number() == 4094);
    REQUIRE(VlanId::from(1)->number() == 1);
    REQUIRE(VlanId::parse("5000").error() == Error{Fault::invalid, "5000", "a VLAN is a number from 0 to 4094"});
    for (const auto* text : {"4095", "-1", "", "1.5", "65537"}) REQUIRE_FALSE(VlanId::parse(text));
    for (const int number : {-1, 4095, 65536}) REQUIRE_FALSE(VlanId::from(number));
}

TEST_CASE("a set of VLANs is written as ranges and read back the same") {
    const auto set = VlanSet::parse("100,1-3,4,4094,0");
    REQUIRE(set);
    REQUIRE(set->text() == "0-4,100,4094");
    REQUIRE(set->size() == 7);
    REQUIRE(set->ranges() ==
            std::vector{std::pair{vlan(0), vlan(4)}, std::pair{vlan(100), vlan(100)}, std::pair{vlan(4094), vlan(4094)}});
    REQUIRE(*VlanSet::parse(set->text()) == *set);
    REQUIRE(VlanSet::parse("0-4094")->text() == "0-4094");
    REQUIRE(VlanSet::parse("")->empty());
    REQUIRE(VlanSet().text().empty());
}

TEST_CASE("a broken set of VLANs is refused whole, and named") {
    const auto text = GENERATE(",", "1,", ",1", "1,,2", "1-", "-1", "1--2", "10-1", "1-4095", "a", "1 ,2", "1-2-3");
    CAPTURE(text);
    const auto set = VlanSet::parse(text);
    REQUIRE_FALSE(set);
    REQUIRE(set.error().fault == Fault::invalid);
    REQUIRE(set.error().subject.starts_with(text));
}

TEST_CASE("sets of VLANs add and subtract as sets do") {
    std::mt19937 random(4);
    for (int round = 0; round < 200; ++round) {
        std::set<int> left, right;
        VlanSet a, b;
        for (int i = 0; i < 60; ++i) {
            const int x = static_cast<int>(random() % 80), y = static_cast<int>(random() % 80);
            left.insert(x), a.insert(vlan(x));
            right.insert(y), b.insert(vlan(y));
            if (i % 4 == 0) left.erase(y), a.erase(vlan(y));
        }
        for (int i = 0; i < 80; ++i) {
            REQUIRE(a.minus(b).contains(vlan(i)) == (left.contains(i) && !right.contains(i)));
            REQUIRE((a | b).contains(vlan(i)) == (left.contains(i) || right.contains(i)));
        }
        REQUIRE(a.size() == left.size());
        REQUIRE(*VlanSet::parse(a.text()) == a);
    }
}

TEST_CASE("an MTU is 68 to 65521 where we choose it, and what the kernel says where it does") {
    REQUIRE(Mtu().number() == 1500);
    REQUIRE(Mtu::parse("68")->number() == 68);
    REQUIRE(Mtu::parse("65521")->number() == 65521);
    REQUIRE(Mtu::observed(65536).number() == 65536);
    for (const auto* text : {"67", "65522", "", "9k", "-9000"}) REQUIRE_FALSE(Mtu::parse(text));
    for (const int number : {0, 67, 65522, -1}) REQUIRE_FALSE(Mtu::from(number));
    REQUIRE(Mtu::parse("0").error().what == "an MTU is a number from 68 to 65521");
}

TEST_CASE("an Ethernet address is canonical, however it was written") {
    for (const auto* text : {"52:54:00:AB:cd:0f", "52-54-00-ab-CD-0F"}) {
        REQUIRE(Mac::parse(text));
        REQUIRE(Mac::parse(text)->text() == "52:54:00:ab:cd:0f");
    }
    REQUIRE(Mac::of({1, 2, 3, 4, 5, 6}) == *Mac::parse("01:02:03:04:05:06"));
    REQUIRE(Mac::parse("01:00:5e:00:00:01")->is_multicast());
    REQUIRE_FALSE(Mac::parse("52:54:00:00:00:01")->is_multicast());
}

TEST_CASE("what is not six pairs of hex digits is no Ethernet address") {
    const auto text = GENERATE("", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:56:", "52:54:00:12:34:56:78",
                               "525400123456", "5254.0012.3456", "52:54:00-12:34:56", "52 54 00 12 34 56",
                               "5g:54:00:12:34:56", " 52:54:00:12:34:5", "52:54:00:12:34:5 ", "+2:54:00:12:34:56");
    CAPTURE(text);
    REQUIRE_FALSE(Mac::parse(text));
    REQUIRE(Mac::parse(text).error().fault == Fault::invalid);
}

}  // namespace numbers_test
