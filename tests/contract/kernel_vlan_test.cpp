// What every kernel behind the seam promises of VLANs: devices of their own, and ports of a filtering bridge.
#include "tests/contract/kernel_worlds.hpp"

namespace kernel_vlan_test {

using namespace worlds;

namespace {

Link filtering(std::string_view text, const char* pvid = "0") {
    Link bridge = link(text, Bridge{{{"vlan_filtering", "1"}, {"vlan_default_pvid", pvid}}});
    bridge.up = true;
    return bridge;
}

template <class World>
void set_vlans(World& world, std::string_view link, PortVlans vlans) {
    Link now{name(link)};
    now.vlans = std::move(vlans);
    update(world, now);
    REQUIRE(seen(world, link).vlans == now.vlans);
}

}  // namespace

TEMPLATE_TEST_CASE("a VLAN device stands on its base", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan, "the kernel has no 802.1Q");
    Link vlan_100 = link("eth0.100", Vlan{name("eth0"), vlan(100)});
    vlan_100.mtu = mtu(1400);
    vlan_100.up = true;
    Link base{name("eth0")};
    base.up = true;
    update(world, base);
    succeed(world, std::vector<Op>{Create<Link>{vlan_100}, Create<Link>{link("eth0.101", Vlan{name("eth0"), vlan(101)})}});
    require_as(world, vlan_100);
    REQUIRE(refused(world, Create<Link>{link("again", Vlan{name("eth0"), vlan(100)})}).subject == "again");
    Link large{name("eth0.100")};
    large.mtu = mtu(9000);
    REQUIRE_FALSE(refused(world, Update<Link>{seen(world, "eth0.100"), large}).what.empty());
    succeed(world, Remove<Link>{seen(world, "eth0.100")});
    REQUIRE(world.kernel->state().links.contains(name("eth0.101")));
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("only a filtering bridge and its ports show VLANs", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan_filtering, "the kernel has no VLAN filtering");
    succeed(world, std::vector<Op>{Create<Link>{filtering("trunk")}, Create<Link>{link("plain", Bridge{})}});
    REQUIRE(seen(world, "trunk").vlans == PortVlans{});
    REQUIRE_FALSE(seen(world, "plain").vlans);
    Link now{name("eth0")};
    now.master = Master{name("plain")};
    update(world, now);
    REQUIRE_FALSE(seen(world, "eth0").vlans);
    now.master = Master{name("trunk")};
    update(world, now);
    REQUIRE(seen(world, "eth0").vlans == PortVlans{});
    now.master = Master{};
    update(world, now);
    REQUIRE_FALSE(seen(world, "eth0").vlans);
}

TEMPLATE_TEST_CASE("a bridge that begins to filter shows what its ports have", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan_filtering, "the kernel has no VLAN filtering");
    succeed(world, Create<Link>{link("web", Bridge{})});
    Link port{name("eth0")};
    port.master = Master{name("web")};
    update(world, port);
    Link now{name("web")};
    now.kind = Bridge{{{"vlan_filtering", "1"}}};
    update(world, now);
    REQUIRE(seen(world, "eth0").vlans == PortVlans{{}, vlan(1)});
    REQUIRE(seen(world, "web").vlans == PortVlans{{}, vlan(1)});
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a port's VLANs become what is asked", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan_filtering, "the kernel has no VLAN filtering");
    const auto pvid = GENERATE("0", "1", "20");
    CAPTURE(pvid);
    succeed(world, Create<Link>{filtering("trunk", pvid)});
    Link port = link("nic0", Veth{});
    port.master = Master{name("trunk")};
    port.vlans = PortVlans{vlans("100-199,300"), vlan(10)};
    port.up = true;
    succeed(world, Create<Link>{port});
    require_as(world, port);

    Link nic{name("eth0")};
    nic.master = Master{name("trunk")};
    nic.vlans = PortVlans{vlans("1-4094"), {}};
    update(world, nic);
    require_as(world, nic);

    set_vlans(world, "nic0", {vlans("150-250"), vlan(20)});
    set_vlans(world, "nic0", {vlans("20"), vlan(150)});
    set_vlans(world, "nic0", {vlans("20,150"), {}});
    set_vlans(world, "nic0", {vlans("1,3,5,7,9"), vlan(20)});
    set_vlans(world, "nic0", {});
    set_vlans(world, "trunk", {vlans("7"), vlan(8)});
    set_vlans(world, "eth0", {vlans("2-4,600-700,4094"), vlan(1)});
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("VLANs that somebody else changes are heard", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan_filtering, "the kernel has no VLAN filtering");
    succeed(world, Create<Link>{filtering("trunk")});
    Link nic{name("eth0")};
    nic.master = Master{name("trunk")};
    nic.vlans = PortVlans{vlans("10-20"), vlan(5)};
    update(world, nic);
    for (const auto& [tagged, untagged] : {std::pair{"10,12,14-18", 5}, {"10-20", 6}, {"6", 7}, {"", 7}}) {
        Link now{name("eth0")};
        now.vlans = PortVlans{*tagged ? vlans(tagged) : VlanSet{}, vlan(untagged)};
        world.meddle(Update<Link>{seen(world, "eth0"), now});
        REQUIRE(world.kernel->hear());
        require_as(world, now);
    }
}

TEMPLATE_TEST_CASE("a VLAN that somebody lets leave untagged, and a pvid that leaves tagged, are other than netd's and can be put right", "[kernel][vlan]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().vlan_filtering, "the kernel has no VLAN filtering");
    succeed(world, Create<Link>{filtering("br0")});
    Link into{name("eth0")};
    into.master = Master{name("br0")};
    update(world, into);
    const PortVlans wanted{vlans("10,20"), vlan(30)};
    set_vlans(world, "eth0", wanted);
    PortVlans odd{vlans("20"), {}};
    odd.stripped = vlans("10,40");
    odd.pvid_tagged = vlan(30);
    Link now{name("eth0")};
    now.vlans = odd;
    world.meddle(Update<Link>{seen(world, "eth0"), now});
    REQUIRE(world.kernel->hear());
    REQUIRE(seen(world, "eth0").vlans == odd);
    REQUIRE(world.fresh_look().links.find(name("eth0"))->vlans == odd);
    set_vlans(world, "eth0", wanted);
    set_vlans(world, "eth0", odd);   // as a way back does
    set_vlans(world, "eth0", {});
}

}  // namespace kernel_vlan_test
