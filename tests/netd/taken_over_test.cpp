// A first start takes the NIC that the host is managed by as it is: with all its addresses and the way by which it leaves.
#include "netd/lower/taken_over.hpp"

#include "tests/netd/host_house.hpp"
#include "tests/netd/reconciler_house.hpp"

#include <algorithm>

namespace taken_over_test {

using namespace house;
using bridges::Link;
using bridges::Route;
using topology::IfName;
using topology::IpAddress;
using topology::Subnet;

namespace {

const IfName eno1 = IfName::observed("eno1");

std::set<Subnet> nets(std::initializer_list<const char*> texts) {
    std::set<Subnet> all;
    for (const char* text : texts) all.insert(*Subnet::parse(text));
    return all;
}

// What others have set up on a NIC.
struct Card {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    bridges::State state = kernel.state();

    explicit Card(std::initializer_list<const char*> addresses) {
        edit([&](Link& link) {
            link.up = true;
            link.addresses = nets(addresses);
            link.stack->hears_routers = false;
        });
    }
    template <class Edit>
    void edit(Edit made) {
        Link link = *state.links.find(eno1);
        made(link);
        state.links.put(link);
    }
    void leaves_by(const char* via, std::uint32_t metric, const char* device = "eno1") {
        const bool is_v6 = std::string_view(via).find(':') != std::string_view::npos;
        state.routes.put(Route{.to = *Subnet::parse(is_v6 ? "::/0" : "0.0.0.0/0"), .metric = metric, .via = *IpAddress::parse(via), .device = IfName::observed(device), .protocol = 3});
    }
    void hears(std::initializer_list<const char*> made, std::initializer_list<const char*> routers) {
        edit([&](Link& link) {
            link.facts.rare.edit().autoconf = nets(made);
            for (const char* router : routers) link.facts.rare.edit().routers.insert(*IpAddress::parse(router));
        });
    }
    // The definition that it becomes, which the rules must allow.
    intent::Network network() const {
        const auto made = lower::network_on(eno1, state);
        if (!made) FAIL(made.error().what);
        intent::Request request;
        request.networks.push_back(*made);
        const auto verdict = intent::validate(request, {}, {state, kernel.abilities(), true, "fake"});
        for (const auto& complaint : verdict.complaints) FAIL_CHECK(complaint.path << ": " << complaint.what);
        return *made;
    }
    std::string refusal() const {
        const auto made = lower::network_on(eno1, state);
        return made ? "" : made.error().what;
    }
};

bridges::OddAddress second(const char* text) { return bridges::OddAddress::as_second(*Subnet::parse(text)); }

// As a client would write it.
intent::Network defined(const std::string& attributes) {
    return read((R"({"networks": {"ovirtmgmt": {"nic": "eno1")" + (attributes.empty() ? "" : ", " + attributes) + "}}}").c_str()).networks.front();
}

}  // namespace

TEST_CASE("a NIC with one address and one way out is taken as it is", "[taken-over]") {
    Card card({"192.0.2.10/24"});
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24)"));
    card.leaves_by("192.0.2.1", 0);
    card.leaves_by("198.51.100.1", 50, "eno2");
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true)"));
    CHECK(Card({}).network() == defined(""));
}

TEST_CASE("of several addresses that one comes first by which the gateway is reached", "[taken-over]") {
    Card card({"10.0.0.5/24", "192.0.2.10/24", "203.0.113.9/24", "2001:db8::5/64", "2001:db8:1::10/64"});
    CHECK(card.network() == defined(R"("ipaddr": "10.0.0.5", "prefix": 24, "ipv6addr": "2001:db8::5/64", "addresses": ["192.0.2.10/24", "203.0.113.9/24", "2001:db8:1::10/64"])"));
    card.leaves_by("192.0.2.1", 0);
    card.leaves_by("2001:db8:1::1", 1024);
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "ipv6addr": "2001:db8:1::10/64", "ipv6gateway": "2001:db8:1::1", "defaultRoute": true,
                                       "addresses": ["10.0.0.5/24", "203.0.113.9/24", "2001:db8::5/64"])"));
}

TEST_CASE("of several addresses in one subnet the kernel's first comes first, and not the smallest", "[taken-over]") {
    Card card({"192.0.2.5/24", "192.0.2.10/24", "203.0.113.9/24"});
    card.edit([&](Link& link) { link.odd_addresses = std::set{second("192.0.2.5/24")}; });
    const auto first = defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "addresses": ["192.0.2.5/24", "203.0.113.9/24"])");
    CHECK(card.network() == first);
    card.leaves_by("192.0.2.1", 0);
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true, "addresses": ["192.0.2.5/24", "203.0.113.9/24"])"));
}

TEST_CASE("of a network's addresses in one subnet its ipaddr is made first", "[taken-over]") {
    told::House host{"eno1"};
    host.define({{"networks", {{"web", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"addresses", {"192.0.2.5/24", "203.0.113.9/24"}}}}}}});
    CHECK(*host.link("web").odd_addresses == std::set{second("192.0.2.5/24")});
    CHECK(host.left().empty());
    host.define({{"networks", {{"web", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"addresses", {"192.0.2.4/24", "192.0.2.5/24"}}}}}}});
    CHECK(*host.link("web").odd_addresses == std::set{second("192.0.2.4/24"), second("192.0.2.5/24")});
    CHECK(host.left().empty());
    // Nor does it lose its place to a smaller one when the device is made anew.
    host.define({{"networks", {{"web", {{"nic", "eno1"}, {"switch", "vlan-aware"}, {"vlan", 7}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"addresses", {"192.0.2.4/24", "192.0.2.5/24"}}}}}}});
    CHECK(*host.link("web").odd_addresses == std::set{second("192.0.2.4/24"), second("192.0.2.5/24")});
    CHECK(host.left().empty());
    // Of one that is missing no more is told than that.
    Link bare{IfName::observed("web")};
    bare.addresses = nets({"192.0.2.10/24", "192.0.2.5/24"});
    host.meddle(bare);
    const auto drift = observe::find_drift(host.now).networks.at("web");
    REQUIRE(drift.size() == 1);
    CHECK(drift.front().attribute == "addresses");
}

TEST_CASE("a router of a link-local address is reached by any IPv6 address", "[taken-over]") {
    Card card({"2001:db8::5/128"});
    card.leaves_by("fe80::1", 1024);
    CHECK(card.network() == defined(R"("ipv6addr": "2001:db8::5/128", "ipv6gateway": "fe80::1", "defaultRoute": true)"));
}

TEST_CASE("of several default routes the one of the lowest metric counts", "[taken-over]") {
    Card card({"192.0.2.10/24", "2001:db8::5/64"});
    card.leaves_by("192.0.2.1", 100);
    card.leaves_by("192.0.2.2", 1024);
    card.leaves_by("2001:db8::1", 100);
    card.leaves_by("2001:db8::2", 1024);
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "ipv6addr": "2001:db8::5/64", "ipv6gateway": "2001:db8::1", "defaultRoute": true)"));
}

TEST_CASE("where routers made addresses they are heard from then on", "[taken-over]") {
    Card card({"192.0.2.10/24"});
    card.hears({"2001:db8:7::10/64"}, {});
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6autoconf": true)"));
    card.hears({"2001:db8:7::10/64"}, {"fe80::1"});
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6autoconf": true, "defaultRoute": true)"));
    // A fixed address beside them, and one of DHCPv6.
    card.edit([](Link& link) { link.addresses->merge(nets({"2001:db8::5/64", "2001:db8:7::99/128"})); });
    card.edit([](Link& link) { link.facts.rare.edit().expiring = nets({"2001:db8:7::99/128"}); });
    const auto heard = defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6autoconf": true, "defaultRoute": true, "addresses": ["2001:db8::5/64", "2001:db8:7::99/128"])");
    CHECK(card.network() == heard);
    // No network that hears routers has a gateway of its own.
    card.leaves_by("2001:db8::1", 1024);
    CHECK(card.network() == heard);
}

TEST_CASE("what a client made of what routers announced is heard from them from then on", "[taken-over]") {
    Card card({"192.0.2.10/24", "2001:db8:7::10/64"});
    card.edit([](Link& link) { link.facts.rare.edit().expiring = nets({"192.0.2.10/24", "2001:db8:7::10/64"}); });
    card.hears({}, {"fe80::1"});
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6autoconf": true, "defaultRoute": true)"));
}

TEST_CASE("a NIC that has no IPv6 and listens to routers goes on listening", "[taken-over]") {
    Card card({"192.0.2.10/24"});
    const bridges::HostStack listening{.ipv6 = true, .hears_routers = true, .autoconf = true};
    card.edit([&](Link& link) { link.stack = listening; });
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6autoconf": true)"));
    for (const auto setting : {&bridges::HostStack::ipv6, &bridges::HostStack::hears_routers, &bridges::HostStack::autoconf}) {
        card.edit([&](Link& link) {
            link.stack = listening;
            (*link.stack).*setting = false;
        });
        CHECK_FALSE(card.network().ipv6autoconf);
    }
    card.edit([&](Link& link) {
        link.stack = listening;
        link.addresses->insert(*Subnet::parse("2001:db8::5/64"));
    });
    CHECK(card.network() == defined(R"("ipaddr": "192.0.2.10", "prefix": 24, "ipv6addr": "2001:db8::5/64")"));
}

TEST_CASE("a router that made no address is the way out all the same, if there is no other", "[taken-over]") {
    Card card({"2001:db8::5/64"});
    card.hears({}, {"fe80::1"});
    CHECK(card.network() == defined(R"("ipv6autoconf": true, "defaultRoute": true, "addresses": ["2001:db8::5/64"])"));
    card.leaves_by("2001:db8::1", 1024);
    CHECK(card.network() == defined(R"("ipv6addr": "2001:db8::5/64", "ipv6gateway": "2001:db8::1", "defaultRoute": true)"));
}

TEST_CASE("announced addresses are fixed ones where no router leads out and somebody's own route does", "[taken-over]") {
    Card card({"2001:db8::5/64"});
    card.hears({"2001:db8:7::10/64"}, {});
    card.leaves_by("2001:db8:7::1", 1024);
    CHECK(card.network() == defined(R"("ipv6addr": "2001:db8:7::10/64", "ipv6gateway": "2001:db8:7::1", "defaultRoute": true, "addresses": ["2001:db8::5/64"])"));
}

TEST_CASE("a gateway in no subnet of the NIC's addresses is told by name", "[taken-over]") {
    Card card({"10.0.0.5/24", "192.0.2.10/32"});
    card.leaves_by("192.0.2.1", 0);
    CHECK(card.refusal() == "its IPv4 default route is by 192.0.2.1, which is in no subnet of its addresses (10.0.0.5/24, 192.0.2.10/32): no network can have that");
    Card v6({"192.0.2.10/24"});
    v6.leaves_by("fe80::1", 1024);
    CHECK(v6.refusal() == "its IPv6 default route is by fe80::1, which is in no subnet of its addresses (none): no network can have that");
}

TEST_CASE("a NIC is set up when it leaves by IPv4 and has tried its IPv6 addresses", "[taken-over]") {
    using lower::SetUp;
    CHECK(lower::how_set_up(IfName::observed("eno9"), Card({}).state) == SetUp::bare);
    Card card({});
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::bare);
    card.hears({"2001:db8:7::10/64"}, {"fe80::1"});  // before any DHCP server has answered
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::partly);
    card.leaves_by("2001:db8::1", 1024);
    card.edit([](Link& link) { link.addresses->insert(*Subnet::parse("192.0.2.10/24")); });
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::partly);
    card.leaves_by("198.51.100.1", 50, "eno2");
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::partly);
    card.leaves_by("192.0.2.1", 100);
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::wholly);
    card.edit([](Link& link) { link.facts.rare.edit().tentative = nets({"2001:db8:7::11/64"}); });
    CHECK(lower::how_set_up(eno1, card.state) == SetUp::partly);
}

namespace {

// A netd that nothing is defined for, and that is told to take over eno1.
struct FirstStart {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    std::unique_ptr<loop::Mailbox<serve::Command>> commands = std::move(*loop::Mailbox<serve::Command>::open());
    std::unique_ptr<loop::Mailbox<serve::Note>> notes = std::move(*loop::Mailbox<serve::Note>::open());
    OneByOne ovs{kernel, *commands};
    fakes::FakeClock clock;
    loop::Labour labour;
    Disk disk;
    store::Store store = disk.open();
    netd::DhcpClients clients = std::move(*netd::DhcpClients::open(disk.run() + "/dhcp", clock));
    netd::HostResolver resolver{disk.state() + "/resolv.conf", disk.state() + "/resolv.conf.before", disk.run(), clock};
    netd::Reconciler reconciler{{kernel, ovs}, clients, resolver, store, clock, *commands, *notes, labour};

    void give(std::initializer_list<const char*> addresses) {
        Link addressed{eno1};
        addressed.up = true;
        addressed.addresses = nets(addresses);
        REQUIRE(kernel.meddle(topology::Update<Link>{*kernel.truth().links.find(eno1), addressed}));
    }
    void leave_by(const char* gateway) {
        REQUIRE(kernel.meddle(topology::Create<Route>{{.to = *Subnet::parse("0.0.0.0/0"), .via = *IpAddress::parse(gateway), .device = eno1, .protocol = 3}}));
    }
    observe::Published start() {
        REQUIRE(reconciler.start(store.remembered(), netd::Management{eno1, std::chrono::seconds(120)}));
        return last();
    }
    // What it tells last of all: nothing, if that is as before.
    observe::Published last() {
        observe::Published last;
        for (const serve::Note& note : notes->take())
            if (const auto* published = std::get_if<observe::Published>(&note)) last = *published;
        return last;
    }
};

}  // namespace

TEST_CASE("a NIC that is not set up yet is waited for, and taken over with what it has got then", "[taken-over]") {
    FirstStart host;
    const bool has_time = GENERATE(true, false);
    host.give({"2001:db8::5/64"});
    const auto begun = host.start();
    REQUIRE(begun);
    CHECK_FALSE(begun->pending);
    REQUIRE(begun->trouble);
    CHECK(begun->trouble->what == "eno1 may not be set up yet: it is taken over as network ovirtmgmt when it has an IPv4 default route, or as it is 10 s after it has an address, or in 60 s");

    host.clock.advance(std::chrono::seconds(has_time ? 5 : 8));
    if (has_time) {
        host.ovs.next.emplace_back([&] {
            host.give({"2001:db8::5/64", "192.0.2.10/24"});
            host.leave_by("192.0.2.1");
        });
        host.ovs.next.emplace_back([&] {
            CHECK_FALSE(host.kernel.truth().links.contains(IfName::observed("ovirtmgmt")));
            host.give({"2001:db8::5/64", "192.0.2.10/24", "2001:db8:1::5/64"});  // a moment later
        });
    }
    host.ovs.next.emplace_back([&] { host.clock.advance(std::chrono::seconds(2)); });
    host.reconciler.run();
    const auto after = host.last();
    REQUIRE(after);
    CHECK(after->pending);
    CHECK_FALSE(after->trouble);
    REQUIRE(after->running.network("ovirtmgmt"));
    const intent::Network& made = *after->running.network("ovirtmgmt");
    CHECK(made.ipv6addr == *Subnet::parse("2001:db8::5/64"));
    CHECK(made.ipv4().has_value() == has_time);
    CHECK(made.gateway.has_value() == has_time);
    CHECK(made.all_addresses().contains(*Subnet::parse("2001:db8:1::5/64")) == has_time);
}

TEST_CASE("a NIC is not taken before its time is over", "[taken-over]") {
    FirstStart host;
    REQUIRE(host.start());
    host.clock.advance(std::chrono::seconds(59));
    host.reconciler.run();
    CHECK(host.kernel.truth().links.find(eno1)->master == bridges::Master{});
    CHECK_FALSE(host.kernel.truth().links.contains(IfName::observed("ovirtmgmt")));
}

TEST_CASE("a NIC that can't be taken over is trouble until something is defined", "[taken-over]") {
    FirstStart host;
    host.give({"192.0.2.10/24", "198.51.100.0/24"});  // the latter nobody can have
    host.leave_by("192.0.2.1");
    const auto begun = host.start();
    REQUIRE(begun);
    const auto trouble = begun->trouble;
    REQUIRE(trouble);
    CHECK(trouble->subject == "management");
    CHECK(trouble->what == "eno1 was not taken over as network ovirtmgmt: 198.51.100.0/24 can't be a host's: it is the name of its subnet");

    serve::Setup setup;
    setup.request = read(R"({"networks": {"web": {"nic": "eno2"}}, "options": {"connectivityCheck": false}})");
    host.ovs.next.emplace_back([&] { host.commands->push(setup); });
    host.reconciler.run();
    const auto after = host.last();
    REQUIRE(after);
    CHECK(after->running.network("web"));
    CHECK_FALSE(after->trouble);
}

}  // namespace taken_over_test
