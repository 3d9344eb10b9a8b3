// Who else has an address of this host's networks is heard by ARP, and told for a while.
#include "netd/daemon/claims.hpp"
#include "tests/netd/host_house.hpp"

namespace claims_test {

using namespace std::chrono_literals;
using netd::Claim;
using netd::Claims;
using netd::parse_claim;
using told::House;

namespace {

constexpr auto sentence = "192.0.2.5 of network web is another host's, too: 52:54:00:00:00:77 says by ARP that it has it";

// 52:54:00:00:00:77 asks who has 192.0.2.9, and tells its own address.
std::vector<std::uint8_t> asking_from(std::array<std::uint8_t, 4> address) {
    std::vector<std::uint8_t> message{0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 0x77};
    message.insert(message.end(), address.begin(), address.end());
    message.insert(message.end(), {0, 0, 0, 0, 0, 0, 192, 0, 2, 9});
    return message;
}

Claim of(const House& house, const char* device, std::array<std::uint8_t, 4> address = {192, 0, 2, 5}) {
    auto claim = *parse_claim(asking_from(address));
    claim.device = house.link(device).facts.index;
    return claim;
}

nlohmann::json web(const char* address) { return {{"networks", {{"web", {{"nic", "eth0"}, {"ipaddr", address}, {"prefix", 24}}}}}}; }

}  // namespace

TEST_CASE("who sends ARP claims an address, but for who only asks whether it is free", "[claims]") {
    const auto claim = parse_claim(asking_from({192, 0, 2, 5}));
    REQUIRE(claim);
    CHECK(claim->address.text() == "192.0.2.5");
    CHECK(claim->mac.text() == "52:54:00:00:00:77");
    CHECK_FALSE(parse_claim(asking_from({0, 0, 0, 0})));
    auto message = asking_from({192, 0, 2, 5});
    message.pop_back();
    CHECK_FALSE(parse_claim(message));
    message = asking_from({192, 0, 2, 5});
    message[4] = 8;  // of another hardware
    CHECK_FALSE(parse_claim(message));
    CHECK_FALSE(parse_claim({}));
}

TEST_CASE("an IPv4 address of a network that another host claims is told until it has been silent for five minutes", "[claims]") {
    House house{"eth0", "eth1"};
    house.define(web("192.0.2.5"));
    Claims claims;
    claims.follow(house.now, 0s);
    REQUIRE(claims.told(0s).empty());
    claims.take(of(house, "web"), 100s);
    CHECK(claims.told(101s) == std::vector<std::string>{sentence});
    claims.take(of(house, "web"), 300s);
    CHECK(claims.told(600s) == std::vector<std::string>{sentence});
    CHECK(claims.told(601s).empty());
}

TEST_CASE("what is claimed elsewhere, by the host itself, or is not its own, is not told", "[claims]") {
    House house{"eth0", "eth1"};
    house.define(web("192.0.2.5"));
    Claims claims;
    claims.follow(house.now, 0s);
    claims.take(of(house, "eth1"), 100s);
    claims.take(of(house, "web", {192, 0, 2, 6}), 100s);
    auto own = of(house, "web");
    own.mac = *house.link("eth1").mac;
    claims.take(own, 100s);
    CHECK(claims.told(100s).empty());
}

TEST_CASE("an address that goes from a network is nobody else's any more", "[claims]") {
    House house{"eth0", "eth1"};
    house.define(web("192.0.2.5"));
    Claims claims;
    claims.follow(house.now, 0s);
    claims.take(of(house, "web"), 100s);
    house.define(web("192.0.2.6"));
    claims.follow(house.now, 0s);
    CHECK(claims.told(100s).empty());
    house.define({{"networks", {{"web", {{"remove", true}}}}}});
    claims.follow(house.now, 0s);
    CHECK(claims.told(100s).empty());
}

TEST_CASE("of an address that is new it is soon heard who has it", "[claims]") {
    House house{"eth0", "eth1"};
    house.define(web("192.0.2.5"));
    Claims claims;
    claims.follow(house.now, 100s);
    if (!claims.next()) return;  // without CAP_NET_RAW nothing is heard
    CHECK(claims.next() == 100s + 100ms);
    claims.hear(101s);
    CHECK(claims.next() == 111s);
    claims.follow(house.now, 102s);
    CHECK(claims.next() == 111s);
    house.define(web("192.0.2.6"));
    claims.follow(house.now, 103s);
    CHECK(claims.next() == 103s + 100ms);
    // Whoever changes addresses without end puts it off no further.
    house.define(web("192.0.2.7"));
    claims.follow(house.now, 103s + 50ms);
    CHECK(claims.next() == 103s + 100ms);
}

}  // namespace claims_test
