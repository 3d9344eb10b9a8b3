// What every kernel behind the seam promises of traffic control: shares, limits and copies come, change and go.
#include "tests/contract/kernel_worlds.hpp"

#include <cstdlib>

namespace kernel_traffic_test {

using namespace worlds;

namespace {

Share share(int tag, std::uint64_t link_share) { return {.vlan = tag, .ls = Curve{0, 0, link_share}}; }

template <class World>
void set_traffic(World& world, std::string_view link, Traffic traffic) {
    Link now{name(link)};
    now.traffic = std::move(traffic);
    update(world, now);
    require_as(world, now);
}

// Whoever looks for the first time sees what was heard.
template <class World>
void require_heard(const World& world) {
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

}  // namespace

TEMPLATE_TEST_CASE("a limit of what leaves comes, changes in place and goes", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().htb, "the kernel has no HTB");
    REQUIRE(seen(world, "eth0").traffic == Traffic{});
    for (const Limit limit : {Limit{250'000, 0, 12'500}, Limit{500'000, 2'000'000, 64'000}, Limit{6'000'000'000, 0, 1'000'000}}) {
        set_traffic(world, "eth0", {.out = limit});
        require_heard(world);
    }
    set_traffic(world, "eth0", {});
    require_heard(world);
}

TEMPLATE_TEST_CASE("a limit of what comes in comes, changes and goes", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().police, "the kernel has no policing");
    for (const Limit limit : {Limit{250'000, 0, 80'000}, Limit{6'000'000'000, 0, 1'000'000}}) {
        set_traffic(world, "eth0", {.in = limit});
        require_heard(world);
    }
    set_traffic(world, "eth0", {});
    require_heard(world);
}

TEMPLATE_TEST_CASE("frames are held against where they ask for a checksum, beside a limit or not", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().checksums, "the kernel does not tell where a frame asks for one");
    const Limit limit{250'000, 0, 80'000};
    for (const Traffic& traffic : {Traffic{.checksums = true}, Traffic{.in = limit, .checksums = true}, Traffic{.in = limit}, Traffic{.checksums = true}}) {
        if (traffic.in && !world.kernel->abilities().police) continue;
        set_traffic(world, "eth0", traffic);
        require_heard(world);
    }
    set_traffic(world, "eth0", {});
    require_heard(world);
}

TEMPLATE_TEST_CASE("VLANs that come in have limits each, and what has no tag another", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().police, "the kernel has no policing");
    const Intake tagged{100, {250'000, 0, 80'000}}, other{4094, {500'000, 0, 80'000}}, untagged{Share::untagged, {125'000, 0, 80'000}};
    for (const std::set<Intake>& intakes : std::vector<std::set<Intake>>{{tagged}, {tagged, other, untagged}, {Intake{100, other.limit}, untagged}, {untagged}, {other}}) {
        set_traffic(world, "eth0", {.intakes = intakes});
        require_heard(world);
    }
    set_traffic(world, "eth0", {});
    require_heard(world);
}

TEMPLATE_TEST_CASE("VLANs share a link, and what changes of one leaves the others alone", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().hfsc, "the kernel has no HFSC");
    Share full = share(200, 20'000'000);
    full.ul = Curve{0, 0, 8'000'001};
    full.rt = Curve{4'000'003, 10'001, 1'000'007};
    const Share base = share(Share::untagged, 20'000'000);
    for (const std::set<Share>& shares : std::vector<std::set<Share>>{{base, share(100, 10'000'000), full}, {base, share(100, 30'000'000), share(200, 20'000'000)},
                                          {base, full, share(4094, 5'000'000)}}) {
        set_traffic(world, "eth0", {.shares = shares});
        require_heard(world);
    }
    set_traffic(world, "eth0", {});
    require_heard(world);
}

TEMPLATE_TEST_CASE("copies go to links that are there, and lead nowhere when those are gone", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().mirred, "the kernel has no mirroring");
    succeed(world, std::vector<Op>{Create<Link>{link("web", Bridge{})}, Create<Link>{link("nic0", Veth{})}, Create<Link>{link("nic1", Veth{})}});
    set_traffic(world, "web", {.copies = {name("nic0")}});
    set_traffic(world, "web", {.copies = {name("nic0"), name("nic1")}});
    require_heard(world);
    succeed(world, Remove<Link>{seen(world, "nic0")});
    REQUIRE(seen(world, "web").traffic->copies == std::set{IfName::observed("(gone)"), name("nic1")});
    require_heard(world);
    set_traffic(world, "web", {.copies = {name("nic1")}});
    require_heard(world);
    Link now{name("web")};
    now.traffic = Traffic{.copies = {name("nowhere")}};
    REQUIRE(refused(world, Update<Link>{seen(world, "web"), now}).subject.ends_with("nowhere"));
    REQUIRE(seen(world, "web").traffic->copies == std::set{name("nic1")});
    set_traffic(world, "web", {});
}

TEMPLATE_TEST_CASE("copies go both ways or of what comes in, to each link by itself", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().mirred, "the kernel has no mirroring");
    succeed(world, std::vector<Op>{Create<Link>{link("nic0", Veth{})}, Create<Link>{link("nic1", Veth{})}});
    const IfName zero = name("nic0"), one = name("nic1");
    const Limit limit{250'000, 0, 80'000};
    for (const Traffic& traffic : {Traffic{.copies_in = {zero}}, Traffic{.copies = {zero}, .copies_in = {one}}, Traffic{.in = limit, .copies = {one}, .copies_in = {zero}},
                                   Traffic{.in = limit, .copies_in = {zero, one}}, Traffic{.copies = {zero}}, Traffic{}}) {
        set_traffic(world, "eth0", traffic);
        require_heard(world);
    }
}

TEMPLATE_TEST_CASE("traffic control that somebody else takes away or changes is heard", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().htb, "the kernel has no HTB");
    set_traffic(world, "eth0", {.out = Limit{250'000, 0, 12'500}});
    for (const Traffic& traffic : {Traffic{.out = Limit{125'000, 0, 12'500}}, Traffic{}}) {
        Link now{name("eth0")};
        now.traffic = traffic;
        world.meddle(Update<Link>{seen(world, "eth0"), now});
        REQUIRE(world.kernel->hear());
        require_as(world, now);
    }
}

TEMPLATE_TEST_CASE("a bridge listens to all that passes if it is told to", "[kernel][traffic]", BOTH_WORLDS) {
    TestType world;
    succeed(world, Create<Link>{link("web", Bridge{})});
    REQUIRE(seen(world, "web").promiscuous == false);
    for (const bool listens : {true, false}) {
        Link now{name("web")};
        now.promiscuous = listens;
        update(world, now);
        require_as(world, now);
        require_heard(world);
    }
}

TEST_CASE("what others filter at the same qdisc stays when netd needs it no more", "[kernel][traffic]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().checksums, "the kernel does not tell where a frame asks for a checksum");
    const auto filters = [] { return std::system("tc filter show dev eth0 ingress | grep -q 'pref 7 '") == 0; };
    set_traffic(world, "eth0", {.checksums = true});
    REQUIRE(std::system("tc filter add dev eth0 ingress pref 7 protocol ip bpf bytecode '1,6 0 0 4294967295'") == 0);
    REQUIRE(world.kernel->hear());
    set_traffic(world, "eth0", {});
    REQUIRE(filters());
    require_heard(world);
    set_traffic(world, "eth0", {.checksums = true});
    REQUIRE(std::system("tc filter del dev eth0 ingress pref 7") == 0);
    REQUIRE(world.kernel->hear());
    set_traffic(world, "eth0", {});
    REQUIRE(std::system("tc qdisc show dev eth0 | grep -q clsact") != 0);
    require_heard(world);
}

}  // namespace kernel_traffic_test
