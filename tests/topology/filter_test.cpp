#include "topology/filter.hpp"

#include <catch2/catch.hpp>

namespace filter_test {

using namespace topology;

TEST_CASE("a filter is read as it is written") {
    for (const char* text : {"standard 52:54:00:12:34:56", "trusted 52:54:00:12:34:56 trunk", "strict 52:54:00:12:34:56 192.0.2.7 2001:db8::7"}) {
        const auto filter = Filter::parse(text);
        REQUIRE(filter);
        CHECK(filter->text() == text);
    }
    for (const char* text : {"", "standard", "loose 52:54:00:12:34:56", "strict 52:54:00:12:34:56 nowhere", "52:54:00:12:34:56"}) CHECK_FALSE(Filter::parse(text));
}

TEST_CASE("engines' and libvirt's names for filters mean ours") {
    CHECK(FilterLevel::parse("vdsm-no-mac-spoofing")->text() == "standard");
    CHECK(FilterLevel::parse("no-mac-spoofing")->text() == "standard");
    CHECK(FilterLevel::parse("clean-traffic")->text() == "strict");
    CHECK(FilterLevel::parse("none")->text() == "trusted");
    CHECK_FALSE(FilterLevel::parse("allow-arp"));
}

TEST_CASE("only a strict filter is about addresses, and some every guest has") {
    CHECK(Filter::parse("standard 52:54:00:12:34:56")->all_addresses().empty());
    const std::set<IpAddress> all{*IpAddress::parse("0.0.0.0"), *IpAddress::parse("::"), *IpAddress::parse("fe80::5054:ff:fe12:3456"), *IpAddress::parse("192.0.2.7")};
    CHECK(Filter::parse("strict 52:54:00:12:34:56 192.0.2.7")->all_addresses() == all);
}

}  // namespace filter_test
