// What every kernel behind the seam promises of addresses, routes and rules.
#include "tests/contract/kernel_worlds.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cstdlib>

namespace kernel_address_test {

using namespace worlds;

namespace {

template <class World>
void set_addresses(World& world, std::string_view link, std::set<Subnet> addresses) {
    Link now{name(link)};
    now.addresses = std::move(addresses);
    update(world, now);
    require_as(world, now);
}

template <class World>
void raise_with(World& world, std::string_view link, std::set<Subnet> addresses) {
    Link now{name(link)};
    now.up = true;
    update(world, now);
    set_addresses(world, link, std::move(addresses));
}

Route route(std::string_view to, std::string_view via, std::string_view device, std::uint32_t metric = 0,
            std::uint32_t table = Route::main_table) {
    return {table, subnet(to), metric, address(via), name(device)};
}

}  // namespace

TEMPLATE_TEST_CASE("addresses come and go, and one that is there is a success", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24"), subnet("2001:db8::1/64")});
    set_addresses(world, "eth0", {subnet("192.0.2.1/24"), subnet("2001:db8::1/64"), subnet("198.51.100.1/24")});
    set_addresses(world, "eth0", {subnet("198.51.100.1/24")});
    set_addresses(world, "eth0", {});
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a subnet's other addresses stay when its first one goes", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24"), subnet("192.0.2.2/24"), subnet("192.0.2.3/24")});
    set_addresses(world, "eth0", {subnet("192.0.2.2/24"), subnet("192.0.2.3/24")});
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a link without IPv6 keeps no IPv6 address", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24"), subnet("2001:db8::1/64")});
    Link now{name("eth0")};
    now.stack = HostStack{false, std::nullopt, std::nullopt, std::nullopt};
    update(world, now);
    REQUIRE(seen(world, "eth0").addresses == std::set{subnet("192.0.2.1/24")});
    REQUIRE(seen(world, "eth0").stack->ipv6 == false);
}

TEMPLATE_TEST_CASE("routes come, are replaced, and go", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24"), subnet("2001:db8::1/64")});
    const std::vector<Route> all{route("0.0.0.0/0", "192.0.2.254", "eth0"), route("203.0.113.0/24", "192.0.2.9", "eth0", 50),
                                 route("0.0.0.0/0", "192.0.2.254", "eth0", 0, 70000),
                                 route("::/0", "2001:db8::ff", "eth0", 1024), route("::/0", "2001:db8::ff", "eth0", 1024, 70000)};
    std::vector<Op> create, again, remove;
    topology::Keyed<Route> want;
    for (const Route& route : all) {
        create.push_back(Create<Route>{route});
        remove.push_back(Remove<Route>{route});
        want.put(route);
    }
    succeed(world, create);
    REQUIRE(world.kernel->state().routes == want);

    const Route other = route("0.0.0.0/0", "192.0.2.253", "eth0"), other6 = route("::/0", "2001:db8::fe", "eth0", 1024);
    succeed(world, std::vector<Op>{Update<Route>{all[0], other}, Update<Route>{all[3], other6}});
    want.put(other);
    want.put(other6);
    REQUIRE(world.kernel->state().routes == want);
    REQUIRE(world.fresh_look().routes == want);

    remove[0] = Remove<Route>{other};
    remove[3] = Remove<Route>{other6};
    succeed(world, remove);
    REQUIRE(world.kernel->state().routes.empty());
    succeed(world, remove);
}

TEMPLATE_TEST_CASE("a route that leads nowhere is refused with the kernel's reason", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24")});
    const Error no = refused(world, Create<Route>{route("0.0.0.0/0", "203.0.113.1", "eth0")});
    REQUIRE_FALSE(no.what.empty());
    REQUIRE(refused(world, Create<Route>{route("0.0.0.0/0", "192.0.2.2", "nothing")}).fault == Fault::lost_sync);
}

TEMPLATE_TEST_CASE("routes go with their link, its up and its last address", "[kernel]", BOTH_WORLDS) {
    TestType world;
    const auto way = GENERATE(0, 1, 2);
    succeed(world, Create<Link>{link("web", Bridge{})});
    raise_with(world, "web", {subnet("192.0.2.1/24")});
    raise_with(world, "eth1", {subnet("198.51.100.1/24")});
    const Route stays = route("203.0.113.0/24", "198.51.100.2", "eth1");
    succeed(world, std::vector<Op>{Create<Route>{route("0.0.0.0/0", "192.0.2.254", "web")}, Create<Route>{stays}});
    Link now{name("web")};
    if (way == 0) succeed(world, Remove<Link>{seen(world, "web")});
    if (way == 1) now.up = false;
    if (way == 2) now.addresses.emplace();
    if (way != 0) update(world, now);
    CAPTURE(way);
    REQUIRE(world.kernel->state().routes == topology::Keyed<Route>{stays});
    REQUIRE(world.fresh_look().routes == topology::Keyed<Route>{stays});
}

TEMPLATE_TEST_CASE("the kernel's own routes to a link's subnets are missed and come again", "[kernel]", BOTH_WORLDS) {
    TestType world;
    const std::set all{subnet("192.0.2.1/24"), subnet("192.0.2.2/24"), subnet("2001:db8::1/64"), subnet("2001:db8::2/64"), subnet("198.51.100.1/32")};
    raise_with(world, "eth0", all);
    REQUIRE(seen(world, "eth0").routed == true);
    for (const char* lost : {"192.0.2.0/24", "2001:db8::/64"}) {
        Route taken{.to = subnet(lost), .metric = subnet(lost).is_v6() ? 256u : 0u, .device = name("eth0"), .protocol = RTPROT_KERNEL};
        world.meddle(Remove<Route>{taken});
        REQUIRE(world.kernel->hear());
        REQUIRE_FALSE(seen(world, "eth0").routed);
        REQUIRE(seen(world, "eth0").addresses == all);
        REQUIRE_FALSE(world.fresh_look().links.find(name("eth0"))->routed);
        Link now{name("eth0")};
        now.routed = true;
        update(world, now);
        require_as(world, now);
        REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
    }
    // What the kernel forgets with the link's "up" it makes anew by itself.
    Link now{name("eth0")};
    for (const bool up : {false, true}) {
        now.up = up;
        update(world, now);
        REQUIRE(seen(world, "eth0").routed == true);
    }
    // A gateway is reached by it again.
    succeed(world, Create<Route>{route("0.0.0.0/0", "192.0.2.254", "eth0")});
    set_addresses(world, "eth0", {});
    REQUIRE(seen(world, "eth0").routed == true);
}

TEMPLATE_TEST_CASE("addresses that somebody made in another manner come again in that, and go", "[kernel]", BOTH_WORLDS) {
    TestType world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24")});
    REQUIRE(seen(world, "eth0").odd_addresses->empty());
    OddAddress labelled{subnet("192.0.3.2/24")}, far{subnet("198.51.100.1/32"), address("198.51.100.9")}, own{subnet("203.0.113.1/24")}, six{subnet("2001:db8::1/64")};
    labelled.broadcast = address("192.0.3.254");
    labelled.label = "eth0:1";
    own.metric = 100, own.flags = IFA_F_NOPREFIXROUTE;
    six.metric = 50, six.flags = IFA_F_NOPREFIXROUTE;
    Link now{name("eth0")};
    now.odd_addresses = std::set{labelled, far, own, six};
    now.addresses = std::set{subnet("192.0.2.1/24")};
    for (const OddAddress& odd : *now.odd_addresses) now.addresses->insert(odd.address);
    update(world, now);
    require_as(world, now);
    REQUIRE(world.fresh_look().links.find(now.name)->odd_addresses == now.odd_addresses);

    // One that goes takes none of the others' manners along.
    Link fewer{now.name};
    fewer.addresses = now.addresses;
    fewer.addresses->erase(subnet("192.0.2.1/24"));
    update(world, fewer);
    REQUIRE(seen(world, "eth0").odd_addresses == now.odd_addresses);
    set_addresses(world, "eth0", {});
    REQUIRE(seen(world, "eth0").odd_addresses->empty());
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("rules come and go", "[kernel][rule]", BOTH_WORLDS) {
    TestType world;
    const Rule from{3200, false, subnet("192.0.2.0/24"), {}, {}, 70000};
    const Rule to{3200, false, {}, subnet("192.0.2.0/24"), name("eth0"), 70000};
    const Rule six{3200, true, subnet("2001:db8::/64"), {}, {}, 100};
    const topology::Keyed<Rule> want{from, to, six};
    const std::vector<Op> create{Create<Rule>{from}, Create<Rule>{to}, Create<Rule>{six}};
    succeed(world, create);
    REQUIRE(world.kernel->state().rules == want);
    succeed(world, create);
    REQUIRE(world.kernel->state().rules == want);
    REQUIRE(world.fresh_look().rules == want);
    const std::vector<Op> remove{Remove<Rule>{from}, Remove<Rule>{to}, Remove<Rule>{six}};
    succeed(world, remove);
    REQUIRE(world.kernel->state().rules.empty());
    succeed(world, remove);
}

TEMPLATE_TEST_CASE("a rule that lets nothing through waits for its device, and stays when that is gone", "[kernel][rule]", BOTH_WORLDS) {
    TestType world;
    const auto refusal = [](std::string_view device, bool v6) { return Rule{.priority = Rule::refusals, .v6 = v6, .in = name(device), .drops = true}; };
    const Rule web = refusal("web", false), web6 = refusal("web", true), eth0 = refusal("eth0", true), looks{.in = name("web"), .table = 100};
    const topology::Keyed<Rule> want{web, web6, eth0, looks};
    const std::vector<Op> create{Create<Rule>{web}, Create<Rule>{web6}, Create<Rule>{eth0}, Create<Rule>{looks}};
    succeed(world, create);
    REQUIRE(world.kernel->state().rules == want);
    succeed(world, create);
    REQUIRE(world.fresh_look().rules == want);
    succeed(world, Create<Link>{link("web", Bridge{})});
    REQUIRE(world.fresh_look().rules == want);
    succeed(world, Remove<Link>{seen(world, "web")});
    REQUIRE(world.kernel->state().rules == want);
    REQUIRE(world.fresh_look().rules == want);
    // One family of one device, and not the one that looks in a table.
    succeed(world, Remove<Rule>{web});
    REQUIRE(world.kernel->state().rules == topology::Keyed<Rule>{web6, eth0, looks});
    const std::vector<Op> remove{Remove<Rule>{web}, Remove<Rule>{web6}, Remove<Rule>{eth0}};
    succeed(world, remove);
    REQUIRE(world.kernel->state().rules == topology::Keyed<Rule>{looks});
    REQUIRE(world.fresh_look().rules == topology::Keyed<Rule>{looks});
}

TEST_CASE("of several addresses in a subnet the one that the host speaks from is the first again", "[kernel]") {
    RealWorld world;
    const std::set both{subnet("192.0.2.5/24"), subnet("192.0.2.50/24")};
    raise_with(world, "eth0", {subnet("192.0.2.50/24")});
    set_addresses(world, "eth0", both);
    const Link before = seen(world, "eth0");
    set_addresses(world, "eth0", {});
    Link now{name("eth0")};
    now.addresses = both;
    now.odd_addresses = before.odd_addresses;
    update(world, now);
    REQUIRE(seen(world, "eth0").odd_addresses == before.odd_addresses);
    REQUIRE(std::system("ip route get 192.0.2.99 | grep -q 'src 192.0.2.50 '") == 0);
}

TEST_CASE("a route that takes the place of netd's is noticed, whoever's it is", "[kernel]") {
    RealWorld world;
    raise_with(world, "eth0", {subnet("192.0.2.1/24"), subnet("2001:db8::1/64")});
    const Route v4 = route("0.0.0.0/0", "192.0.2.254", "eth0"), v6 = route("::/0", "2001:db8::2", "eth0", 1024);
    const auto has = [&](const Route& one) {
        REQUIRE(world.kernel->hear());
        return world.kernel->state().routes.contains(one.key());
    };
    for (const char* taken : {"ip route replace default via 192.0.2.253 proto bird", "ip route replace unreachable default", "ip -6 route replace unreachable default metric 1024"}) {
        CAPTURE(taken);
        const Route& ours = std::string(taken).find("-6") == std::string::npos ? v4 : v6;
        succeed(world, Create<Route>{ours});
        REQUIRE(has(ours));
        REQUIRE(std::system(taken) == 0);
        REQUIRE_FALSE(has(ours));
        REQUIRE(world.fresh_look().routes == world.kernel->state().routes);
    }
    // One beside it that netd has no word for is not its own.
    succeed(world, Create<Route>{v4});
    REQUIRE(std::system("ip route add default tos 0x10 via 192.0.2.252") == 0);
    REQUIRE(has(v4));
    REQUIRE(world.fresh_look().routes == world.kernel->state().routes);
    // Of two of the same key the second is known when the first goes.
    REQUIRE(std::system("ip route append default via 192.0.2.251 proto static; ip route del default via 192.0.2.254") == 0);
    REQUIRE(has(v4));
    REQUIRE(world.kernel->state().routes.find(v4.key())->via == address("192.0.2.251"));
    // The kernel's own, led elsewhere.
    REQUIRE(seen(world, "eth0").routed == true);
    REQUIRE(std::system("ip route replace 192.0.2.0/24 via 192.0.2.251 dev eth0 onlink") == 0);
    REQUIRE(world.kernel->hear());
    REQUIRE_FALSE(seen(world, "eth0").routed);
    Link now{name("eth0")};
    now.routed = true;
    update(world, now);
    REQUIRE(std::system("ip route get 192.0.2.99 | grep -q via") != 0);
}

TEST_CASE("a link of which the kernel tells more than is usual can be seen", "[kernel][mirror]") {
    RealWorld world;
    // Of 120 letters each: 40 KiB.
    REQUIRE(std::system("for n in $(seq 300); do echo \"link property add dev eth0 altname $(printf 'n%0119d' $n)\"; done | ip -batch -") == 0);
    const auto late = RealWorld::open();
    REQUIRE(late->look());
    REQUIRE(late->state().links.contains(name("eth0")));
    REQUIRE(std::system("ip link set eth0 mtu 1400") == 0);
    if (!late->hear()) REQUIRE(late->look());
    REQUIRE(late->state().links.find(name("eth0"))->mtu == mtu(1400));
}

}  // namespace kernel_address_test
