// What every kernel behind the seam promises: links that come, change and go.
#include "tests/contract/kernel_worlds.hpp"

#include <poll.h>

namespace kernel_test {

using namespace worlds;

TEMPLATE_TEST_CASE("a kernel tells what is there and what it can do", "[kernel]", BOTH_WORLDS) {
    TestType world;
    REQUIRE(world.kernel->state().links.contains(name("eth0")));
    REQUIRE_FALSE(world.kernel->state().links.contains(IfName::observed("lo")));
    REQUIRE_FALSE(seen(world, "eth0").owner->is_ours());
    REQUIRE(seen(world, "eth0").facts.index > 0);
    REQUIRE(seen(world, "eth0").mtu == mtu(1500));
    REQUIRE(world.kernel->state().rules.empty());
    REQUIRE_FALSE(world.kernel->abilities().release.empty());
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a bridge is made with all that was asked of it", "[kernel]", BOTH_WORLDS) {
    TestType world;
    Link bridge = link("web", Bridge{{{"ageing_time", "10000"}, {"multicast_snooping", "0"}, {"group_fwd_mask", "0x8"}}});
    bridge.mtu = mtu(1400);
    bridge.mac = mac("02:00:00:00:01:01");
    bridge.up = true;
    bridge.stack = HostStack{false, false, true, false};
    succeed(world, Create<Link>{bridge});
    require_as(world, bridge);
    REQUIRE(seen(world, "web").owner == bridge.owner);
    REQUIRE(seen(world, "web").facts.group == 0);
    REQUIRE(seen(world, "web").facts.kind == "bridge");
    REQUIRE(seen(world, "web").addresses == std::set<Subnet>{});
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a name that is taken is refused, and the rest of the batch is carried out", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    const std::vector<Op> ops{Create<Link>{link("mail", Bridge{})}, Create<Link>{link("web", Bridge{})},
                              Create<Link>{link("db", Bridge{})}};
    const auto progress = world.kernel->apply(ops);
    REQUIRE(progress.done == 2);
    REQUIRE(progress.stopped);
    REQUIRE(progress.stopped->fault == Fault::conflict);
    REQUIRE(progress.stopped->subject == "web");
    REQUIRE(world.kernel->state().links.contains(name("mail")));
    REQUIRE(world.kernel->state().links.contains(name("db")));
}

TEMPLATE_TEST_CASE("a change touches only what it names", "[kernel]", BOTH_WORLDS) {
    TestType world;
    Link bridge = link("web", Bridge{{{"ageing_time", "10000"}}});
    bridge.mtu = mtu(1400);
    bridge.up = true;
    succeed(world, Create<Link>{bridge});
    Link now{name("web")};
    now.kind = Bridge{{{"stp_state", "1"}, {"forward_delay", "400"}}};
    now.mac = mac("02:00:00:00:01:02");
    update(world, now);
    require_as(world, now);
    require_as(world, bridge);

    Link other{name("web")};
    other.owner = Owner::ours("network other");
    other.up = false;
    other.stack = HostStack{std::nullopt, true, std::nullopt, std::nullopt};
    update(world, other);
    require_as(world, other);
    require_as(world, now);
    REQUIRE(seen(world, "web").stack->ipv6 == true);
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a bridge that leaves STP forwards at once; under STP none does", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{{{"stp_state", "1"}, {"forward_delay", "400"}}})});
    Link now{name("web")};
    for (const Options& options : {Options{{"stp_state", "0"}, {"forward_delay", "0"}}, Options{{"stp_state", "1"}, {"forward_delay", "1500"}}}) {
        now.kind = Bridge{options};
        update(world, now);
        require_as(world, now);
    }
    Link hasty{name("web")};
    hasty.kind = Bridge{{{"forward_delay", "0"}}};
    const std::vector<Op> ops{Update<Link>{seen(world, "web"), hasty}};
    REQUIRE(world.kernel->apply(ops).stopped);
    require_as(world, now);
}

TEMPLATE_TEST_CASE("a port joins, is isolated, moves and leaves", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, std::vector<Op>{Create<Link>{link("web", Bridge{})}, Create<Link>{link("db", Bridge{})}});
    Link now{name("eth0")};
    now.master = Master{name("web")};
    now.isolated = true;
    now.up = true;
    update(world, now);
    require_as(world, now);

    now.master = Master{name("db")};
    now.isolated = false;
    update(world, now);
    require_as(world, now);

    Link odd{name("eth0")};
    odd.flags = PortFlags{0b10001};
    REQUIRE(odd.flags->text() == "hairpin on, bcast_flood off");
    update(world, odd);
    require_as(world, odd);
    odd.flags = PortFlags{}, odd.forwards = PortForwards{PortForwards::all};
    update(world, odd);
    require_as(world, odd);

    Link out{name("eth0")};
    out.master = Master{};
    update(world, out);
    require_as(world, out);
    REQUIRE_FALSE(seen(world, "eth0").isolated);
    REQUIRE_FALSE(seen(world, "eth0").flags);
    REQUIRE(seen(world, "eth0").up == true);
}

TEMPLATE_TEST_CASE("a veth pair is made with its port, and its far end is up", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    Link port = link("nic0", Veth{std::nullopt, name("far0"), mac("02:00:00:00:02:02")});
    port.mtu = mtu(1400);
    port.master = Master{name("web")};
    port.up = true;
    port.isolated = true;
    succeed(world, Create<Link>{port});
    require_as(world, port);
}

TEMPLATE_TEST_CASE("a tap is made for its queues and its user", "[kernel]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().tap, "the kernel has no taps");
    succeed(world, Create<Link>{link("web", Bridge{})});
    Link tap = link("tap-one", Tap{4, 107});
    tap.master = Master{name("web")};
    tap.mac = mac("fe:00:00:00:00:01");
    tap.up = true;
    Link single = link("tap-two", Tap{});
    succeed(world, std::vector<Op>{Create<Link>{tap}, Create<Link>{single}});
    require_as(world, tap);
    require_as(world, single);
    REQUIRE(refused(world, Create<Link>{tap}).fault == Fault::conflict);
    succeed(world, Remove<Link>{seen(world, "tap-one")});
    REQUIRE_FALSE(world.kernel->state().links.contains(name("tap-one")));
}

TEMPLATE_TEST_CASE("many links go at once, and what is gone already is a success", "[kernel]", BOTH_WORLDS) {
    TestType world;
    std::vector<Op> create, ports, remove;
    for (int i = 0; i < 5; ++i) {
        create.push_back(Create<Link>{link("br" + std::to_string(i), Bridge{})});
        Link port = link("nic" + std::to_string(i), Veth{});
        port.master = Master{name("br" + std::to_string(i))};
        ports.push_back(Create<Link>{port});
    }
    succeed(world, create);
    succeed(world, ports);
    for (const Link& link : world.kernel->state().links) {
        if (link.owner->is_ours()) remove.push_back(Remove<Link>{link});
    }
    REQUIRE(remove.size() == 10);
    succeed(world, remove);
    for (const Link& link : world.kernel->state().links) REQUIRE_FALSE(link.owner->is_ours());
    REQUIRE(world.kernel->state().links.contains(name("eth0")));
    succeed(world, remove);
}

TEMPLATE_TEST_CASE("the ports of a bridge that goes stay without one", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    Link port{name("eth0")};
    port.master = Master{name("web")};
    update(world, port);
    succeed(world, Remove<Link>{seen(world, "web")});
    REQUIRE(seen(world, "eth0").master == Master{});
}

TEMPLATE_TEST_CASE("what was removed is gone for everybody, and can be made again at once, many times", "[kernel]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().tap, "this host makes no taps");
    succeed(world, Create<Link>{link("web", Bridge{})});
    for (int round = 0; round < 40; ++round) {
        Link tap = link("nic0", Tap{});
        tap.master = Master{name("web")};
        succeed(world, Create<Link>{tap});
        require_as(world, tap);
        succeed(world, Remove<Link>{seen(world, "nic0")});
        REQUIRE_FALSE(world.kernel->state().links.contains(name("nic0")));
        REQUIRE_FALSE(world.fresh_look().links.contains(name("nic0")));
    }
}

TEMPLATE_TEST_CASE("what somebody else does is heard", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    auto quiet = world.kernel->hear();
    REQUIRE(quiet);
    Link now{name("web")};
    now.mtu = mtu(1300);
    world.meddle(Update<Link>{seen(world, "web"), now});
    pollfd ready{world.kernel->descriptor(), POLLIN, 0};
    REQUIRE(poll(&ready, 1, 60'000) == 1);
    const auto heard = world.kernel->hear();
    REQUIRE(heard);
    REQUIRE(heard->changed);
    REQUIRE_FALSE(heard->overrun);
    require_as(world, now);
}

TEMPLATE_TEST_CASE("a link that took another's name is not that link", "[kernel]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    const Link first = seen(world, "web");
    world.meddle(Remove<Link>{first});
    world.meddle(Create<Link>{link("web", Bridge{})});
    Link now{name("web")};
    now.mtu = mtu(1300);
    REQUIRE(refused(world, Update<Link>{first, now}).fault == Fault::lost_sync);
    succeed(world, Remove<Link>{first});
    REQUIRE(world.kernel->state().links.contains(name("web")));
}

TEMPLATE_TEST_CASE("what is not there is refused", "[kernel]", BOTH_WORLDS) {
    TestType world;
    Link now{name("nothing")};
    now.up = true;
    REQUIRE(refused(world, Update<Link>{now, now}).fault == Fault::lost_sync);
    Link port{name("eth0")};
    port.master = Master{name("nothing")};
    REQUIRE(refused(world, Update<Link>{seen(world, "eth0"), port}).fault == Fault::lost_sync);
    REQUIRE(refused(world, Create<Link>{Link{name("nothing")}}).subject == "nothing");
}

TEMPLATE_TEST_CASE("an address that no link can have is refused, not passed over", "[kernel]", BOTH_WORLDS) {
    TestType world;
    Link bridge = link("br0", Bridge{});
    bridge.mac = mac("02:00:00:00:00:07");
    succeed(world, Create<Link>{bridge});
    Link wrong{name("br0")};
    wrong.mac = mac("01:00:5e:00:00:01");
    CHECK(refused(world, Update<Link>{seen(world, "br0"), wrong}).subject == "br0");
    CHECK(world.fresh_look().links.find(name("br0"))->mac == bridge.mac);
}

}  // namespace kernel_test
