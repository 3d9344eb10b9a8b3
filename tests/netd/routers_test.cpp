// Routers that announce themselves: what is read of them, what whoever is on the wire can't bring about, and how a network without the
// default route leaves by them.
#include "netd/daemon/lease_file.hpp"
#include "netd/daemon/lease_folder.hpp"
#include "netd/daemon/routers.hpp"
#include "tests/netd/transaction_house.hpp"

#include <random>

using namespace house;
using namespace std::chrono_literals;
using lower::Lease;
using lower::Leases;
using netd::Routers;
using topology::IpAddress;
using topology::Subnet;

namespace {

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }
Subnet net(const char* text) { return *Subnet::parse(text); }
const IpAddress router = ip("fe80::1");

Lease by(const char* gateway, std::set<Subnet> autoconf, std::set<Subnet> on_link = {}) { return {.gateway = ip(gateway), .on_link = std::move(on_link), .autoconf = std::move(autoconf)}; }

using Bytes = std::vector<std::uint8_t>;

Bytes advert(std::uint16_t lasts, std::initializer_list<Bytes> options = {}, std::uint8_t flags = 0) {
    Bytes bytes{134, 0, 0, 0, 64, flags, static_cast<std::uint8_t>(lasts >> 8), static_cast<std::uint8_t>(lasts), 0, 0, 0, 0, 0, 0, 0, 0};
    for (const Bytes& option : options) bytes.insert(bytes.end(), option.begin(), option.end());
    return bytes;
}

Bytes prefix(const char* of, std::uint8_t flags = 0xc0, std::uint8_t valid = 60) {
    const Subnet subnet = net(of);
    Bytes bytes{3, 4, subnet.length(), flags, 0, 0, 0, valid, 0, 0, 0, valid, 0, 0, 0, 0};
    bytes.insert(bytes.end(), subnet.address().data(), subnet.address().data() + 16);
    return bytes;
}

std::optional<netd::Advert> read(const Bytes& bytes, const IpAddress& from = router, int hops = 255) { return netd::read_advert(bytes, from, hops); }

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;
    Leases held;
    apply::Transactor transactor{{kernel, ovs, guests::nobody(), &held}, disk.open(), clock};

    Host() { std::ignore = transactor.recover(); }
    apply::Outcome ask(const char* text, const apply::Terms& terms = unasked) { return transactor.begin(wanted(text, transactor.running(), kernel), terms); }
    void define(const char* text) { REQUIRE(std::holds_alternative<apply::Committed>(ask(text))); }
    void follow(const Leases& now) {
        REQUIRE(transactor.follow(now));
        held = now;
    }
    std::set<std::string> sources() const {
        std::set<std::string> all;
        for (const bridges::Rule& rule : kernel.truth().rules)
            if (rule.from) all.insert(rule.from->text());
        return all;
    }
    std::set<std::string> ways() const {
        std::set<std::string> all;
        for (const auto& route : kernel.truth().routes)
            if (route.protocol == bridges::Route::ours) all.insert((route.table == bridges::Route::main_table ? "" : "own: ") + route.to.text() + " " + (route.via ? route.via->text() : "-") + " " + route.device.text());
        return all;
    }
};

}  // namespace

TEST_CASE("of an announcement the router, its time, its preference and its wire count", "[routers]") {
    CHECK(read(advert(1800)) == netd::Advert{router, 0, 1800s});
    CHECK(read(advert(0)) == netd::Advert{router, 0, 0s});
    for (const auto& [flags, preference] : {std::pair{0x08, 1}, {0x18, -1}, {0x10, 0}, {0xc0, 0}, {0xc8, 1}}) CHECK(read(advert(9, {}, static_cast<std::uint8_t>(flags)))->preference == preference);
    const Bytes mtu{5, 1, 0, 0, 0, 0, 5, 220};
    CHECK(read(advert(9, {mtu, prefix("2001:db8:1::/64"), prefix("2001:db8:2::/64", 0x40), prefix("2001:db8:3::/80", 0x80)}))->on_link == std::set{net("2001:db8:1::/64"), net("2001:db8:3::/80")});
    // Not on the wire; over; of nobody, or of more than a wire.
    for (const Bytes& none : {prefix("2001:db8:1::/64", 0), prefix("2001:db8:1::/64", 0xc0, 0), prefix("fe80::/64"), prefix("ff02::/64"), prefix("2001:db8::/32"), prefix("::/64")})
        CHECK(read(advert(9, {none}))->on_link.empty());
    // Forwarded, from elsewhere, another message, or one that is cut.
    CHECK_FALSE(read(advert(9), router, 254));
    CHECK_FALSE(read(advert(9), ip("2001:db8::1")));
    CHECK_FALSE(read(advert(9), ip("192.0.2.1")));
    for (const std::size_t at : {0u, 1u}) {
        Bytes other = advert(9);
        ++other[at];
        CHECK_FALSE(read(other));
    }
    for (const Bytes& cut : {Bytes{}, Bytes{134}, Bytes{134, 0}, advert(9, {Bytes{3}}), advert(9, {Bytes{3, 0}}), advert(9, {Bytes{3, 4, 64}}), advert(9, {Bytes{0, 0, 0, 0, 0, 0, 0, 0}})}) CHECK_FALSE(read(cut));
    Bytes many = advert(9);
    for (int i = 0; i < 255; ++i) {
        const Bytes one = prefix(("2001:db8:" + std::to_string(i + 1) + "::/64").c_str());
        many.insert(many.end(), one.begin(), one.end());
    }
    CHECK(read(many)->on_link.size() == 16);
}

TEST_CASE("whatever bytes come, none is read that is not there", "[routers]") {
    std::mt19937 random(4861);
    const Bytes whole = advert(1800, {prefix("2001:db8:1::/64"), Bytes{5, 1, 0, 0, 0, 0, 5, 220}, prefix("2001:db8:2::/64")});
    for (int turn = 0; turn < 20000; ++turn) {
        Bytes bytes(whole.begin(), whole.begin() + random() % (whole.size() + 1));  // of its own size: what is read behind it the sanitizer sees
        for (unsigned changes = random() % 4; changes > 0 && !bytes.empty(); --changes) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        bytes.shrink_to_fit();
        if (const auto read = netd::read_advert(bytes, router, 255)) {
            CHECK(read->router == router);
            for (const Subnet& wire : read->on_link) CHECK(wire.length() >= 64);
        }
    }
}

TEST_CASE("of several routers the preferred one counts, else the first, each for its time", "[routers]") {
    const IpAddress one = ip("fe80::1"), two = ip("fe80::2"), three = ip("fe80::3");
    Routers routers;
    const auto gateway = [&](std::chrono::nanoseconds now) -> std::optional<std::string> {
        const auto news = routers.news(now);
        if (!news) return std::nullopt;
        return news->lease.gateway ? news->lease.gateway->text() : "none";
    };
    CHECK_FALSE(gateway(1s));
    routers.take({two, 0, 100s}, 1s);
    routers.take({one, 0, 200s}, 1s);
    routers.take({three, -1, 300s}, 1s);
    CHECK(gateway(1s) == "fe80::2");
    CHECK_FALSE(gateway(100s));
    // A better one, and what it said before is not forgotten when it goes.
    routers.take({three, 1, 300s}, 50s);
    CHECK(gateway(50s) == "fe80::3");
    routers.take({three, 0, 0s}, 60s);
    CHECK(gateway(60s) == "fe80::2");
    CHECK(routers.next() == 101s);
    CHECK(gateway(101s) == "fe80::1");
    CHECK(gateway(201s) == "none");
    CHECK_FALSE(routers.next());
    CHECK_FALSE(gateway(300s));
    // One that lasts longer is told so; one that lasts hardly at all lasts until it can be told.
    routers.take({one, 0, 1s}, 300s);
    CHECK(routers.news(300s)->end == 310s);
    routers.take({one, 0, 60s}, 305s);
    CHECK(routers.news(305s)->end == 365s);
    CHECK_FALSE(routers.news(400s - 40s));
}

TEST_CASE("announcements without end make few changes, and few routers known", "[routers]") {
    Routers routers;
    routers.take({router, 0, 1800s}, 0s);
    REQUIRE(routers.news(0s)->lease.gateway == router);
    int changes = 0;
    for (int turn = 0; turn < 30000; ++turn) {
        const auto now = std::chrono::milliseconds(turn);
        routers.take({ip("fe80::1:" + std::to_string(turn % 9999)), turn % 3 - 1, std::chrono::seconds(turn % 5000), {net(turn % 2 ? "2001:db8:1::/64" : "2001:db8:2::/64")}}, now);
        routers.have({net(turn % 7 ? "2001:db8:1::5/64" : "2001:db8:1::6/64")});
        changes += routers.news(now).has_value();
        REQUIRE(routers.next());
    }
    CHECK(changes <= 30 / 3);
    int known = 0;
    for (int number = 0; number < 9999; ++number) known += routers.knows(ip("fe80::1:" + std::to_string(number)));
    CHECK(known <= static_cast<int>(Routers::most));

    // Nobody pushes out the one that counts but by being preferred.
    Routers crowded;
    crowded.take({router, 0, 1800s}, 0s);
    std::ignore = crowded.news(0s);
    for (int number = 0; number < 100; ++number) crowded.take({ip("fe80::1:" + std::to_string(number)), 0, 9000s}, 1s);
    CHECK(crowded.knows(router));
    CHECK(crowded.knows(ip("fe80::1:99")));
    const auto news = crowded.news(10s);
    CHECK_FALSE(news);
}

TEST_CASE("what a router said is kept as a lease is, and remembered", "[routers]") {
    const Lease said = by("fe80::1", {net("2001:db8:1::5/64"), net("2001:db8:2::5/64")}, {net("2001:db8:1::/64")});
    const std::string text = netd::text_of_router(said, 1000s, 1800s);
    CHECK(netd::read_lease(text) == said);
    CHECK(netd::end_of_lease(text) == 2800s);
    for (const char* bad : {"netd_router=10.0.0.1\n", "netd_router=2001:db8::1\n", "netd_router=\nnew_ip_address=10.0.0.1\n"}) CHECK(netd::read_lease(bad) == std::nullopt);
    CHECK(netd::read_lease("netd_router=fe80::1\nnetd_on_link=10.0.0.0/8 ::/0 x\nnetd_autoconf=1 \n") == by("fe80::1", {}));

    Routers routers;
    routers.remember(said, 2800s);
    CHECK_FALSE(routers.news(1100s));
    routers.take({ip("fe80::2"), 0, 100s}, 1200s);
    CHECK_FALSE(routers.news(1200s));
    CHECK(routers.next() == 1300s);
    CHECK_FALSE(routers.news(2799s));
    CHECK_FALSE(routers.news(2800s)->lease.gateway);
}

TEST_CASE("one lease is settled though another one can't be", "[leases]") {
    Disk disk;
    fakes::FakeClock clock;
    std::filesystem::create_directories(disk.run());
    const std::string path = disk.run() + "/dhcp";
    auto leases = netd::LeaseFolder::open(path, clock);
    REQUIRE(leases);
    const auto bring = [&](const char* key, const char* gateway) {
        REQUIRE(netd::leave(leases->news_file(key), netd::text_of_router(by(gateway, {}), 1s, 1800s)));
        leases->hear();
    };
    bring("eno1-ra", "fe80::1");
    bring("eno2-ra", "fe80::2");
    CHECK(leases->news() == std::set<std::string>{"eno1-ra", "eno2-ra"});
    leases->settle({"eno2-ra"});
    CHECK(leases->news() == std::set<std::string>{"eno1-ra"});
    CHECK(leases->held().size() == 1);
    // And what comes again meanwhile is kept as it should be.
    bring("eno2-ra", "fe80::2");
    CHECK(leases->keys_of(".lease") == std::set<std::string>{"eno2-ra"});
    CHECK(leases->keys_of(".taken") == std::set<std::string>{"eno1-ra"});
    const auto again = netd::LeaseFolder::open(path, clock);
    REQUIRE(again);
    CHECK(again->news() == std::set<std::string>{"eno1-ra"});
}

TEST_CASE("what a network's own addresses send leaves by the router that it hears, and nothing else", "[routers]") {
    for (const char* asks : {R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true}}})", R"({"networks": {"web": {"nic": "eno1", "dhcpv6": true}}})"}) {
        CAPTURE(asks);
        Host host;
        host.define(asks);
        CHECK(host.ways().empty());
        // The host has no address there yet, whatever is announced.
        host.follow({{"eno1-ra", by("fe80::1", {}, {net("2001:db8:1::/64")})}});
        CHECK(host.ways().empty());
        CHECK(host.sources().empty());
        host.follow({{"eno1-ra", by("fe80::1", {net("2001:db8:1::5/64")}, {net("2001:db8:1::/64")})}});
        CHECK(host.ways() == std::set<std::string>{"own: ::/0 fe80::1 web", "own: 2001:db8:1::/64 - web"});
        CHECK(host.sources() == std::set<std::string>{"2001:db8:1::5/128"});
        host.follow({{"eno1-ra", by("fe80::2", {net("2001:db8:2::5/64")})}});
        CHECK(host.ways() == std::set<std::string>{"own: ::/0 fe80::2 web"});
        CHECK(host.sources() == std::set<std::string>{"2001:db8:2::5/128"});
        host.follow({});
        CHECK(host.ways().empty());
        CHECK(host.sources().empty());
    }
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "dhcpv6": true}}})");
    host.follow({{"eno1-6", {.addresses = {net("2001:db8:1::50/128")}}}, {"eno1-ra", by("fe80::1", {})}});
    CHECK(host.sources() == std::set<std::string>{"2001:db8:1::50/128"});
}

TEST_CASE("the default route is led by the kernel, and a router's word is gone with the asking and back with it", "[routers]") {
    Host host;
    const std::string web = R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true)";
    host.define((web + "}}}").c_str());
    host.follow({{"eno1-ra", by("fe80::1", {net("2001:db8:1::5/64")})}});
    host.define((web + R"(, "defaultRoute": true}}})").c_str());
    CHECK(host.ways().empty());
    CHECK(lower::hearers_of(host.transactor.running()).empty());
    // An address of the network's own leaves by the router, too, wherever it is from.
    host.define((web + R"(, "addresses": ["2001:db8:9::5/64", "192.0.2.5/24"], "routes": [{"to": "2001:db8:7::/48", "via": "2001:db8:9::9"}]}}})").c_str());
    const std::set<std::string> sources{"2001:db8:1::5/128", "2001:db8:9::5/128"}, ways = host.ways();
    CHECK(host.sources() == sources);
    CHECK(ways == std::set<std::string>{"own: ::/0 fe80::1 web", "own: 2001:db8:9::/64 - web", "own: 2001:db8:7::/48 2001:db8:9::9 web", "2001:db8:7::/48 2001:db8:9::9 web"});
    // While it waits the router is another one, and the way back leads to that.
    for (const char* now : {"fe80::1", "fe80::2"}) {
        REQUIRE(std::holds_alternative<apply::Waiting>(host.ask(R"({"networks": {"web": {"nic": "eno1"}}})", {})));
        CHECK(host.ways().empty());
        CHECK(host.sources().empty());
        host.follow({{"eno1-ra", by(now, {net("2001:db8:1::5/64")})}});
        REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
        CHECK(host.sources() == sources);
        CHECK(host.ways().contains(std::string("own: ::/0 ") + now + " web"));
    }
    // With its wire it goes.
    host.define(R"({"networks": {"web": {"nic": "eno2", "ipv6autoconf": true}}})");
    CHECK(host.ways().empty());
    CHECK(lower::hearers_of(host.transactor.running()) == lower::Clients{{"eno2-ra", {"eno2-ra", *topology::IfName::parse("web"), lower::Family::v6}}});
    host.define(R"({"networks": {"web": {"remove": true}}})");
    CHECK(host.sources().empty());
}

TEST_CASE("an address that another network has leaves by no router or server of this one", "[routers]") {
    Host host;
    host.define(R"({"networks": {"mgmt": {"nic": "eno2", "ipv6addr": "2001:db8:1::7/64", "ipv6gateway": "2001:db8:1::1", "ipaddr": "10.7.0.7", "prefix": 24, "gateway": "10.7.0.1", "defaultRoute": true},
                                 "web": {"nic": "eno1", "ipv6autoconf": true, "dhcpv6": true, "bootproto": "dhcp"}}})");
    // The stranger announces the other network's prefix, and gives the other network's very address.
    host.follow({{"eno1-ra", by("fe80::1", {net("2001:db8:1::7/64"), net("2001:db8:1::5/64")}, {net("2001:db8:1::/64")})}});
    CHECK(host.sources() == std::set<std::string>{"2001:db8:1::5/128"});
    host.follow({{"eno1-6", {.addresses = {net("2001:db8:1::7/128")}}}, {"eno1-ra", by("fe80::1", {})}});
    CHECK(host.sources().empty());
    host.follow({{"eno1-4", {.addresses = {net("10.7.0.7/24")}, .gateway = ip("10.7.0.1")}}});
    CHECK(host.sources().empty());
    // Nor where that network comes later, by a definition or by what it is given; and when it goes, it is this one's alone.
    const Leases same{{"eno1-ra", by("fe80::1", {net("2001:db8:3::7/64")})}, {"eno2-ra", by("fe80::2", {net("2001:db8:3::7/64")})}};
    host.follow({same.begin(), std::next(same.begin())});
    CHECK(host.sources() == std::set<std::string>{"2001:db8:3::7/128"});
    host.define(R"({"networks": {"db": {"ipv6addr": "2001:db8:3::7/64"}}})");
    CHECK(host.sources().empty());
    host.define(R"({"networks": {"db": {"remove": true}}})");
    CHECK(host.sources() == std::set<std::string>{"2001:db8:3::7/128"});
    host.define(R"({"networks": {"mgmt": {"remove": true}, "db": {"nic": "eno2", "ipv6autoconf": true}}})");
    CHECK(host.sources() == std::set<std::string>{"2001:db8:3::7/128"});
    host.follow(same);
    CHECK(host.sources().empty());
    host.define(R"({"networks": {"db": {"remove": true}}})");
    CHECK(host.sources() == std::set<std::string>{"2001:db8:3::7/128"});
    // A network's own gateway is not touched by what is announced elsewhere.
    host.define(R"({"networks": {"db": {"ipv6addr": "2001:db8:2::7/64", "ipv6gateway": "2001:db8:2::1"}}})");
    host.follow({{"eno1-ra", by("fe80::1", {net("2001:db8:2::5/64")}, {net("2001:db8:2::/64")})}});
    CHECK(host.sources() == std::set<std::string>{"2001:db8:2::/64", "2001:db8:2::5/128"});
}
