// Routers that announce themselves: what of an announcement counts, whom a wire is left by, and what the kernel has of it.
#include "netd/daemon/heard_routers.hpp"
#include "netd/daemon/left_wires.hpp"
#include "netd/lower/naming.hpp"
#include "tests/netd/transaction_house.hpp"

namespace routers_test {

using namespace house;
using namespace std::chrono_literals;
using bridges::Link;
using bridges::Route;
using bridges::Rule;
using netd::Announcement;
using netd::HeardRouters;
using topology::IfName;
using topology::IpAddress;
using topology::Subnet;

namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Subnet net(const char* text) { return *Subnet::parse(text); }

// Type, code, checksum; hops, flags, lifetime of 1800 s; reachable and retransmission time.
std::vector<std::uint8_t> announcement(std::uint8_t flags = 0) { return {134, 0, 0, 0, 64, flags, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0}; }

std::vector<std::uint8_t> with_prefix(std::vector<std::uint8_t> message, std::uint8_t flags, std::uint8_t length, std::uint8_t valid, std::array<std::uint8_t, 3> first) {
    message.insert(message.end(), {3, 4, length, flags, 0, 0, 0, valid, 0, 0, 0, 0, 0, 0, 0, 0, first[0], first[1], first[2]});
    message.resize(message.size() + 13);
    return message;
}

using OnLink = std::map<Subnet, std::chrono::seconds>;
Announcement said(const char* router, std::chrono::seconds lifetime = 100s, int preference = 0, OnLink on_link = {}) { return {7, ip(router), lifetime, preference, std::move(on_link)}; }

constexpr int seven = 7;
const std::map<int, std::string> wires{{seven, "eno1-6"}};

IpAddress left_by(const HeardRouters& routers) { return routers.of(seven).value().address; }

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    bridges::State state;
    lower::Leases leases;
    intent::Intent intent;

    explicit Host(const char* text) : intent(wanted(text, {}, kernel)) {
        for (const lower::Hearing& network : lower::hearing(intent)) state.links.put(Link{network.device});
    }
    void announce(const char* device, std::set<Subnet> addresses) {
        Link link = *state.links.find(IfName::observed(device));
        link.facts.rare.edit().autoconf = std::move(addresses);
        state.links.put(link);
    }
    auto steps(const lower::Routers& routers) const { return lower::steps_to(routers, lower::hearing(intent), intent, {.kernel = state, .leases = &leases}); }
    // As the kernel does.
    std::vector<std::string> follow(const lower::Routers& routers) {
        std::vector<std::string> done;
        for (const auto& [table, ops] : steps(routers))
            for (const auto& op : ops) std::visit([&](const auto& step) { done.push_back(carry_out(step)); }, op);
        return done;
    }

private:
    std::string carry_out(const topology::Create<Rule>& step) { return state.rules.put(step.now), "+ from " + step.now.from->text(); }
    std::string carry_out(const topology::Remove<Rule>& step) { return state.rules.erase(step.was.key()), "- from " + step.was.from->text(); }
    std::string carry_out(const topology::Create<Route>& step) { return state.routes.put(step.now), "+ " + text(step.now); }
    std::string carry_out(const topology::Update<Route>& step) { return state.routes.put(step.now), "= " + text(step.now); }
    std::string carry_out(const topology::Remove<Route>& step) { return state.routes.erase(step.was.key()), "- " + text(step.was); }
    template <class Step>
    std::string carry_out(const Step&) { return "?"; }
    static std::string text(const Route& route) { return route.to.text() + (route.via ? " via " + route.via->text() : "") + " dev " + route.device.text(); }
};

const IfName web = IfName::observed("web"), db = IfName::observed("db");
const lower::Router router{ip("fe80::1"), {net("fd00:1::/64")}};

}  // namespace

TEST_CASE("an announcement is what RFC 4861 has hosts heed", "[routers]") {
    const auto plain = netd::parse_announcement(announcement());
    REQUIRE(plain);
    CHECK(plain->lifetime == 1800s);
    CHECK(plain->preference == 0);
    CHECK(plain->on_link.empty());
    CHECK(netd::parse_announcement(announcement(0x08))->preference == 1);
    CHECK(netd::parse_announcement(announcement(0x18))->preference == -1);
    CHECK(netd::parse_announcement(announcement(0x10))->preference == 0);  // reserved: to be taken as medium

    auto message = with_prefix(announcement(), 0xc0, 64, 9, {0xfd, 0, 1});
    message = with_prefix(message, 0x40, 64, 9, {0xfd, 0, 2});   // not on the link
    message = with_prefix(message, 0x80, 64, 0, {0xfd, 0, 3});   // no longer
    message = with_prefix(message, 0x80, 64, 9, {0xfe, 0x80, 0});
    message = with_prefix(message, 0x80, 64, 9, {0xff, 2, 0});
    message = with_prefix(message, 0x80, 0, 9, {0xfd, 0, 4});
    message = with_prefix(message, 0x80, 129, 9, {0xfd, 0, 5});
    message.insert(message.end(), {1, 1, 2, 3, 4, 5, 6, 7});     // its link-layer address
    CHECK(netd::parse_announcement(message)->on_link == OnLink{{net("fd00:100::/64"), 9s}, {net("fd00:300::/64"), 0s}});
    for (std::uint8_t more = 1; more < 40; ++more) message = with_prefix(message, 0x80, 64, 9, {0xfd, more, 1});
    CHECK(netd::parse_announcement(message)->on_link.size() == 16);

    const auto whole = announcement();
    for (std::size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(netd::parse_announcement(std::span(whole).first(length)));
    for (const std::size_t at : {0, 1}) {
        auto other = announcement();
        ++other[at];
        CHECK_FALSE(netd::parse_announcement(other));
    }
    for (const std::vector<std::uint8_t>& end : {std::vector<std::uint8_t>{1}, {1, 0}, {1, 2, 0, 0, 0, 0, 0, 0}}) {
        auto broken = announcement();
        broken.insert(broken.end(), end.begin(), end.end());
        CHECK_FALSE(netd::parse_announcement(broken));
    }
}

TEST_CASE("a wire is left by who wants it most, and then by who was it", "[routers]") {
    HeardRouters routers;
    routers.take(said("fe80::1"), 0s);
    CHECK_FALSE(routers.of(seven));  // nobody listens there
    routers.keep_only(wires);
    routers.take(said("fe80::2"), 0s);
    CHECK(left_by(routers) == ip("fe80::2"));
    routers.take(said("fe80::1"), 10s);
    CHECK(left_by(routers) == ip("fe80::2"));
    routers.take(said("fe80::3", 100s, 1), 20s);
    CHECK(left_by(routers) == ip("fe80::3"));
    CHECK(routers.of(seven)->otherwise == ip("fe80::2"));
    routers.take(said("fe80::3", 0s), 30s);
    CHECK(left_by(routers) == ip("fe80::2"));
    CHECK(routers.of(seven)->otherwise == ip("fe80::1"));
    routers.take(said("fe80::2", 100s, -1), 40s);
    CHECK(left_by(routers) == ip("fe80::1"));

    // What is on the wire each of them says, and who leads nowhere, too; in several messages, if it likes.
    routers.take(said("fe80::9", 0s, 0, {{net("fd00:1::/64"), 20s}}), 50s);
    routers.take(said("fe80::2", 100s, 0, {{net("fd00:2::/64"), 1000s}}), 60s);
    routers.take(said("fe80::2", 100s, 0, {{net("fd00:3::/64"), 1000s}}), 61s);
    routers.expire(62s);
    CHECK(routers.of(seven)->on_link == std::set{net("fd00:1::/64"), net("fd00:2::/64"), net("fd00:3::/64")});
    routers.take(said("fe80::2", 100s, 0, {{net("fd00:3::/64"), 0s}}), 64s);
    routers.expire(70s);
    CHECK(routers.of(seven)->on_link == std::set{net("fd00:2::/64")});
}

TEST_CASE("a router that is heard of no more leads nowhere, and neither does one of another wire", "[routers]") {
    HeardRouters routers;
    routers.keep_only(wires);
    routers.take(said("fe80::1", 100s), 0s);
    routers.take(said("fe80::1", 100s), 60s);
    CHECK(routers.next() == 160s);
    routers.expire(159s);
    CHECK(routers.of(seven));
    routers.expire(160s);
    CHECK_FALSE(routers.of(seven));
    routers.take(said("fe80::1", 100s), 170s);
    routers.keep_only({{seven, "eno2-6"}});
    CHECK_FALSE(routers.of(seven));
}

TEST_CASE("who announces much moves little, and takes no room from others", "[routers]") {
    HeardRouters routers;
    routers.keep_only(wires);
    routers.take(said("fe80::1"), 0s);
    routers.take(said("fe80::2", 100s, 1), 100ms);
    CHECK(left_by(routers) == ip("fe80::1"));
    CHECK(routers.next() == 1s);
    routers.expire(1s);
    CHECK(left_by(routers) == ip("fe80::2"));
    routers.take(said("fe80::2", 0s), 1100ms);
    CHECK(left_by(routers) == ip("fe80::2"));
    routers.expire(2s);
    CHECK(left_by(routers) == ip("fe80::1"));

    for (int other = 0; other < 1000; ++other) routers.take(said(("fe80::" + std::to_string(1000 + other)).c_str()), 10s);
    routers.take(said("fe80::1", 0s), 20s);
    routers.take(said("fe80::1", 100s, 1), 30s);
    CHECK(left_by(routers) == ip("fe80::1"));
}

TEST_CASE("whom an earlier netd has heard is believed until he had time to say so again", "[routers]") {
    HeardRouters routers;
    routers.believe(seven, router, 0s);
    CHECK_FALSE(routers.of(seven));
    routers.keep_only(wires);
    routers.believe(seven, router, 0s);
    CHECK(routers.of(seven) == router);
    const bool says_so = GENERATE(true, false);
    if (says_so) routers.take(said("fe80::1"), 3s);
    routers.expire(16s);
    CHECK(routers.of(seven).has_value() == says_so);
}

TEST_CASE("two routers that an earlier netd has heard lead in their order at once", "[routers]") {
    HeardRouters routers;
    routers.keep_only(wires);
    const lower::Router both{ip("fe80::2"), {net("fd00:1::/64")}, ip("fe80::1")};
    routers.believe(seven, both, 0s);
    CHECK(routers.of(seven) == both);
    routers.take(said("fe80::1"), 500ms);
    CHECK(routers.of(seven) == both);
    routers.expire(2s);
    CHECK(routers.of(seven) == both);
}

TEST_CASE("of a change in which netd died, and that is taken back, it is known whose wire was another one", "[routers]") {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    const intent::Intent before = wanted(R"({"networks": {"web": {"nic": "eno1", "vlan": 7, "ipv6autoconf": true}, "db": {"nic": "eno2", "ipv6autoconf": true}}})", {}, kernel);
    const intent::Intent after = wanted(R"({"networks": {"web": {"nic": "eno1", "vlan": 8, "ipv6autoconf": true}}})", before, kernel);
    store::Entry entry{.boot = store::boot_id(), .phase = store::Entry::Phase::waiting, .deadline = 60s, .delta = intent::difference(before, after)};
    const auto left = [&](const intent::Intent& standing, const apply::Outcome& outcome = apply::RolledBack{}) {
        const store::Remembered remembered{std::optional<store::Kept>(), std::optional(store::Kept{before}), std::optional(entry)};
        return netd::left_wires(netd::heard_in_change(remembered), outcome, standing);
    };
    CHECK(left(before) == std::set{web});
    CHECK(left(before, apply::Committed{}).empty());
    CHECK(left(before, apply::Degraded{}).empty());
    CHECK(left(after).empty());
    entry.phase = store::Entry::Phase::applying;  // on its way back
    CHECK(left(before) == std::set{web});
    entry.deadline = 0s;  // it may never have been there
    CHECK(left(before).empty());
    entry.deadline = 60s;
    entry.boot = "another";
    CHECK(left(before).empty());
}

TEST_CASE("what comes from announced addresses leaves by the router", "[routers]") {
    Host host(R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true}, "db": {"nic": "eno2", "ipv6autoconf": true, "defaultRoute": true}}})");
    host.announce("web", {net("fd00:1::7/64")});
    host.announce("db", {net("fd00:2::7/64")});
    const auto first = host.follow({{web, router}, {db, router}});
    CHECK(first == std::vector<std::string>{"+ from fd00:1::7/128", "+ ::/0 via fe80::1 dev web", "+ fd00:1::/64 dev web"});
    for (const Rule& rule : host.state.rules) CHECK((rule.priority == 3201 && rule.v6 && rule.protocol == Route::announced && rule.table == lower::table_of(*intent::NetworkName::parse("web"))));
    CHECK(host.steps({{web, router}}).empty());
    CHECK(lower::routers_in(host.state, lower::hearing(host.intent)) == lower::Routers{{web, router}});

    CHECK(host.follow({{web, {ip("fe80::2"), {net("fd00:3::/64")}}}}) == std::vector<std::string>{"- fd00:1::/64 dev web", "= ::/0 via fe80::2 dev web", "+ fd00:3::/64 dev web"});
    host.announce("web", {net("fd00:1::8/64")});
    CHECK(host.follow({{web, router}}) == std::vector<std::string>{"- fd00:3::/64 dev web", "+ from fd00:1::8/128", "= ::/0 via fe80::1 dev web", "+ fd00:1::/64 dev web", "- from fd00:1::7/128"});

    const lower::Router with_second{ip("fe80::1"), {net("fd00:1::/64")}, ip("fe80::2")};
    CHECK(host.follow({{web, with_second}}) == std::vector<std::string>{"+ ::/0 via fe80::2 dev web"});
    CHECK(lower::routers_in(host.state, lower::hearing(host.intent)) == lower::Routers{{web, with_second}});
    CHECK(host.follow({{web, router}}) == std::vector<std::string>{"- ::/0 via fe80::2 dev web"});

    // With the router, or the addresses, it all goes; what is not netd's stays.
    host.state.rules.put(Rule{.priority = 3201, .v6 = true, .from = net("fd00:9::9/128"), .table = 77, .protocol = 3});
    CHECK(lower::are_router_ways(host.state));
    CHECK(host.follow({}) == std::vector<std::string>{"- ::/0 via fe80::1 dev web", "- fd00:1::/64 dev web", "- from fd00:1::8/128"});
    CHECK(host.state.rules.size() == 1);
    host.announce("web", {});
    CHECK(host.follow({{web, router}}).empty());
}

TEST_CASE("what is left of a network that is gone, or holds the default route now, goes", "[routers]") {
    Host host(R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true}}})");
    host.announce("web", {net("fd00:1::7/64")});
    host.follow({{web, router}});
    const char* changed = GENERATE(R"({"networks": {"web": {"remove": true}}})", R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true, "defaultRoute": true}}})", R"({"networks": {"web": {"nic": "eno1"}}})");
    host.intent = wanted(changed, host.intent, host.kernel);
    CHECK(host.follow({{web, router}}).size() == 3);
    CHECK(host.state.rules.empty());
    CHECK(host.state.routes.empty());
}

TEST_CASE("an address that another network has is led by neither", "[routers]") {
    Host host(R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true}, "db": {"nic": "eno2", "ipv6autoconf": true}, "mail": {"nic": "eno3", "ipv6addr": "fd00:5::7/64"}}})");
    host.announce("web", {net("fd00:1::7/64"), net("fd00:2::7/64"), net("fd00:5::7/64")});
    host.announce("db", {net("fd00:2::7/64")});
    const auto done = host.follow({{web, router}, {db, {ip("fe80::2")}}});
    CHECK(done == std::vector<std::string>{"+ from fd00:1::7/128", "+ ::/0 via fe80::1 dev web", "+ fd00:1::/64 dev web"});
}

TEST_CASE("a leased address leaves by the router, and one that somebody else has put there does not", "[routers]") {
    Host host(R"({"networks": {"web": {"nic": "eno1", "dhcpv6": true, "addresses": ["fd00:1::9/64"]}}})");
    host.leases["eno1-6"] = {.addresses = {net("fd00:1::50/128")}};
    Link link = *host.state.links.find(web);
    link.addresses = {net("fd00:1::50/128"), net("fd00:1::9/64"), net("fd00:1::66/64"), net("10.0.0.1/24")};
    host.state.links.put(link);
    const auto done = host.follow({{web, router}});
    CHECK(done == std::vector<std::string>{"+ from fd00:1::9/128", "+ from fd00:1::50/128", "+ ::/0 via fe80::1 dev web", "+ fd00:1::/64 dev web"});
}

TEST_CASE("what comes from such a network takes its other ways, too", "[routers]") {
    Host host(R"({"networks": {"web": {"nic": "eno1", "ipv6autoconf": true, "addresses": ["fd00:5::9/64", "10.0.0.1/24"], "routes": [{"to": "fd00:9::/48", "via": "fd00:5::1"}, {"to": "10.9.0.0/16", "via": "10.0.0.2"}]}}})");
    host.announce("web", {net("fd00:1::7/64")});
    CHECK(host.follow({{web, router}}) == std::vector<std::string>{"+ from fd00:1::7/128", "+ ::/0 via fe80::1 dev web", "+ fd00:1::/64 dev web", "+ fd00:5::/64 dev web", "+ fd00:9::/48 via fd00:5::1 dev web"});
    CHECK(host.steps(lower::routers_in(host.state, lower::hearing(host.intent))).empty());
}

}  // namespace routers_test
