// Which steps lead from what the kernel has to what is wanted, in which order, and which steps there must not be.
#include "bridges/plan.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace bridges_plan_test {

using namespace bridges;
using bridges::plan;  // and not what is in netd/plan

namespace {

IfName name(std::string_view text) { return *IfName::parse(text); }
Mtu mtu(int number) { return *Mtu::from(number); }
Mac mac(std::string_view text) { return *Mac::parse(text); }
Subnet subnet(std::string_view text) { return *Subnet::parse(text); }
VlanId vlan(int number) { return *VlanId::from(number); }
Master in(std::string_view master) { return Master{name(master)}; }

// As the kernel tells it.
Link there(std::string_view called, Kind kind = Device{}) {
    Link link{name(called)};
    const bool is_ours = !std::holds_alternative<Device>(kind);
    link.kind = std::move(kind);
    link.owner = is_ours ? Owner::ours("network " + std::string(called)) : Owner::foreign();
    link.mtu = Mtu{};
    link.mac = mac("02:00:00:00:00:01");
    link.up = true;
    link.master = Master{};
    link.addresses.emplace();
    return link;
}
Link made(std::string_view called, Kind kind) {
    Link link = there(called, std::move(kind));
    link.mac = {};
    return link;
}
template <class Change>
Link with(Link link, Change&& change) {
    change(link);
    return link;
}
// A step's `now`: only this.
template <class Change>
Link only(std::string_view called, Change&& change) {
    return with(Link{name(called)}, change);
}
Link without_addresses(Link link) {
    link.addresses = {};
    return link;
}
Route route(std::string_view to, std::string_view via, std::string_view device) {
    return {Route::main_table, subnet(to), 0, *IpAddress::parse(via), name(device)};
}
Route with_protocol(Route route, std::uint8_t protocol) {
    route.protocol = protocol;
    return route;
}

using Steps = std::vector<Step>;
const Bond lacp{{{"mode", "802.3ad"}, {"miimon", "100"}, {"lacp_rate", "slow"}}};

}  // namespace

TEST_CASE("what is as it is wanted needs no step") {
    const State host{.links = {there("eno1"), there("web", Bridge{{{"stp_state", "0"}}})}, .routes = {route("0.0.0.0/0", "192.0.2.1", "web")}};
    REQUIRE(plan(host, host).empty());
    REQUIRE(plan({}, {}).empty());
}

TEST_CASE("what is not spoken of stays as it is") {
    const State host{.links = {with(there("eno1"), [](Link& link) { link.mtu = mtu(9000); })}};
    REQUIRE(plan({.links = {Link{name("eno1")}}}, host).empty());
    REQUIRE(plan({}, host).empty());
}

TEST_CASE("a VLAN and its bridge are made whole, what is below first, and addresses come at the end") {
    const Link bridge = with(made("web", Bridge{}), [](Link& link) { link.addresses->insert(subnet("192.0.2.2/24")); });
    const Link port = with(made("eno1.100", Vlan{name("eno1"), vlan(100)}), [](Link& link) { link.master = in("web"); });
    const Route out = route("0.0.0.0/0", "192.0.2.1", "web");
    const State want{.links = {bridge, port}, .routes = {out}};
    REQUIRE(plan(want, {.links = {there("eno1")}}) ==
            Steps{{Create<Link>{without_addresses(bridge)}, Phase::build, 0},
                  {Create<Link>{without_addresses(port)}, Phase::build, 1},
                  {Update<Link>{Link{name("web")}, only("web", [](Link& link) { link.addresses = {subnet("192.0.2.2/24")}; })}, Phase::address, 0},
                  {Create<Route>{out}, Phase::route, 0}});
}

TEST_CASE("what is ours and not wanted goes, a VLAN before its base; what is foreign and what nobody made stays") {
    const Link bond = there("bond0", lacp), tagged = there("zzz", Vlan{name("bond0"), vlan(5)});
    const Link foreign = with(there("docker0", Bridge{}), [](Link& link) { link.owner = Owner::foreign(); });
    const Link nic = with(there("eno1"), [](Link& link) { link.owner = Owner::ours("base eno1"), link.master = in("bond0"); });
    const Route ours = route("0.0.0.0/0", "192.0.2.1", "zzz");
    const Route theirs = with_protocol(route("198.51.100.0/24", "192.0.2.1", "zzz"), 4);
    const Rule rule{.from = subnet("192.0.2.0/24"), .table = 100};
    REQUIRE(plan({}, {.links = {bond, tagged, foreign, nic}, .routes = {ours, theirs}, .rules = {rule}}) ==
            Steps{{Remove<Route>{ours}, Phase::release, 0},
                  {Remove<Link>{tagged}, Phase::remove, 0},
                  {Remove<Link>{bond}, Phase::remove, 0},
                  {Remove<Rule>{rule}, Phase::route, 0}});
}

TEST_CASE("a network that gets the default route has its own way until then, unless its device goes") {
    const Link web = there("web", Bridge{}), late = made("zzz", Bridge{});
    Route own = route("0.0.0.0/0", "192.0.2.1", "web");
    const Route before = route("0.0.0.0/0", "198.51.100.1", "eno1"), after = own;
    own.table = 100;
    const Rule rule{.from = subnet("192.0.2.0/24"), .table = 100};
    const State have{.links = {web}, .routes = {before, own}, .rules = {rule}};
    REQUIRE(plan({.links = {web, late}, .routes = {after}}, have) ==
            Steps{{Create<Link>{without_addresses(late)}, Phase::build, 0},
                  {Update<Route>{before, after}, Phase::route, 0},
                  {Remove<Rule>{rule}, Phase::route, 1},
                  {Remove<Route>{own}, Phase::route, 1}});
    REQUIRE(plan({.routes = {before}}, have) == Steps{{Remove<Route>{own}, Phase::release, 0}, {Remove<Link>{web}, Phase::remove, 0}, {Remove<Rule>{rule}, Phase::route, 0}});
}

TEST_CASE("MTUs rise from below before anything comes, and fall from above after everything") {
    const auto host = [](int size) {
        const auto sized = [&](Link& link) { link.mtu = mtu(size); };
        return State{.links = {with(there("eno1"), sized), with(there("eno1.7", Vlan{name("eno1"), vlan(7)}), [&](Link& link) { sized(link), link.master = in("web"); }),
                               with(there("web", Bridge{}), sized)}};
    };
    const auto step = [&](const State& have, std::string_view called, int size, Phase phase, int level) {
        return Step{Update<Link>{*have.links.find(name(called)), only(called, [&](Link& link) { link.mtu = mtu(size); })}, phase, level};
    };
    const State small = host(1500), large = host(9000);
    REQUIRE(plan(large, small) == Steps{step(small, "eno1", 9000, Phase::build, 0), step(small, "eno1.7", 9000, Phase::build, 1),
                                        step(small, "web", 9000, Phase::build, 2)});
    REQUIRE(plan(small, large) == Steps{step(large, "web", 1500, Phase::shrink, 0), step(large, "eno1.7", 1500, Phase::shrink, 1),
                                        step(large, "eno1", 1500, Phase::shrink, 2)});
}

TEST_CASE("IPv6 is not wanted on where the MTU is too small for it") {
    const auto sized = [](int size, std::optional<bool> ipv6, std::optional<bool> hears) {
        return with(there("eno1"), [&](Link& link) { link.mtu = mtu(size), link.stack = HostStack{.ipv6 = ipv6, .hears_routers = hears}; });
    };
    const State small{.links = {sized(1000, false, false)}};
    CHECK(plan({.links = {sized(1000, true, false)}}, small).empty());
    CHECK(plan({.links = {with(sized(1000, true, true), [](Link& link) { link.mtu = {}; })}}, small).empty());
    // Off before the MTU falls.
    const Link off = only("eno1", [](Link& link) { link.stack = HostStack{.ipv6 = false}; }), falls = only("eno1", [](Link& link) { link.mtu = mtu(1000); });
    const Link large = sized(1500, true, true);
    CHECK(plan({.links = {sized(1000, false, true)}}, {.links = {large}}) == Steps{{Update<Link>{large, off}, Phase::build, 0}, {Update<Link>{large, falls}, Phase::shrink, 0}});
    // When it rises IPv6 comes as the defaults say, and is told at once.
    const Link rises = only("eno1", [](Link& link) { link.mtu = mtu(1500); }), told = only("eno1", [](Link& link) { link.stack = HostStack{.ipv6 = false, .hears_routers = false}; });
    const Link& was = *small.links.begin();
    CHECK(plan({.links = {sized(1500, false, false)}}, small) == Steps{{Update<Link>{was, rises}, Phase::build, 0}, {Update<Link>{was, told}, Phase::build, 1}});
}

TEST_CASE("a bond's ports follow its MTU, and nobody fights over their MAC") {
    const auto port = [](Link& link) { link.master = in("bond0"); };
    const Link bond = there("bond0", lacp);
    const State have{.links = {bond, with(there("eno1"), port)}};
    const State want{.links = {with(bond, [](Link& link) { link.mtu = mtu(9000); }), with(there("eno1"), [&](Link& link) {
                                   port(link);
                                   link.mtu = mtu(9000);
                                   link.mac = mac("02:00:00:00:00:77");
                               })}};
    REQUIRE(plan(want, have) == Steps{{Update<Link>{bond, only("bond0", [](Link& link) { link.mtu = mtu(9000); })}, Phase::build, 0}});
}

TEST_CASE("a bridge that was made is told its MTU once more, if its ports would move it") {
    const Link bridge = made("web", Bridge{}), nic = with(there("eno1"), [](Link& link) { link.mtu = mtu(9000); });
    const State want{.links = {bridge, with(nic, [](Link& link) { link.master = in("web"); })}};
    REQUIRE(plan(want, {.links = {nic}}) ==
            Steps{{Create<Link>{without_addresses(bridge)}, Phase::build, 0},
                  {Update<Link>{nic, only("eno1", [](Link& link) { link.master = in("web"); })}, Phase::build, 1},
                  {Update<Link>{Link{name("web")}, only("web", [](Link& link) { link.mtu = Mtu{}; })}, Phase::shrink, 0}});
}

TEST_CASE("a tap joins a bridge, and nothing else is touched") {
    const Link bridge = there("web", Bridge{}), nic = with(there("eno1"), [](Link& link) { link.master = in("web"); });
    const Link tap = with(made("vnet0", Tap{}), [](Link& link) {
        link.master = in("web");
        link.mac = mac("fe:54:00:00:00:01");
    });
    REQUIRE(plan({.links = {bridge, nic, tap}}, {.links = {bridge, nic}}) == Steps{{Create<Link>{without_addresses(tap)}, Phase::build, 0}});
}

TEST_CASE("a port goes from one bridge to another in one step, with what it is there said anew") {
    const auto port = [](std::string_view master) {
        return with(there("eno1"), [&](Link& link) { link.master = in(master), link.isolated = true, link.vlans = PortVlans{{}, vlan(10)}; });
    };
    const Link blue = made("blue", Bridge{}), green = made("green", Bridge{});
    const Link joins = only("eno1", [](Link& link) { link.master = in("green"), link.isolated = true, link.vlans = PortVlans{{}, vlan(10)}; });
    REQUIRE(plan({.links = {blue, green, port("green")}}, {.links = {blue, green, port("blue")}}) ==
            Steps{{Update<Link>{port("blue"), joins}, Phase::build, 0}});
}

TEST_CASE("a bridge that may have its MAC of a port that goes is told it again when all is done") {
    const auto port = [](std::optional<IfName> master) { return with(there("eno1"), [&](Link& link) { link.master = Master{master}; }); };
    const Link web = there("web", Bridge{});
    REQUIRE(plan({.links = {web, port({})}}, {.links = {web, port(name("web"))}}) ==
            Steps{{Update<Link>{port(name("web")), only("eno1", [](Link& link) { link.master = Master{}; })}, Phase::release, 0},
                  {Update<Link>{web, only("web", [&](Link& link) { link.mac = web.mac; })}, Phase::shrink, 0}});
}

TEST_CASE("what leaves for a bond, for Open vSwitch or from a bridge that goes leaves first") {
    const auto port = [](std::string_view called, std::string_view master) { return with(there(called), [&](Link& link) { link.master = in(master); }); };
    const Link web = there("web", Bridge{}), old = there("old", Bridge{}), bond = there("bond0", lacp);
    const State have{.links = {web, old, bond, port("a", "web"), port("b", "web"), port("c", "old")}};
    const State want{.links = {web, bond, port("a", "bond0"), there("b"), port("c", "web")}};
    const auto leaves = [](Link& link) { link.master = Master{}; };
    REQUIRE(plan(want, have) ==
            Steps{{Update<Link>{port("a", "web"), only("a", leaves)}, Phase::release, 0},
                  {Update<Link>{port("b", "web"), only("b", leaves)}, Phase::release, 0},
                  {Update<Link>{port("c", "old"), only("c", leaves)}, Phase::release, 0},
                  {Remove<Link>{old}, Phase::remove, 0},
                  {Update<Link>{port("a", "web"), only("a", [](Link& link) { link.master = in("bond0"); })}, Phase::build, 0},
                  {Update<Link>{port("c", "old"), only("c", [](Link& link) { link.master = in("web"); })}, Phase::build, 0}});
}

TEST_CASE("of a bond whose ports are all replaced one stays until the others are in, unless it is wanted elsewhere") {
    const auto port = [](std::string_view called) { return with(there(called), [](Link& link) { link.master = in("bond0"); }); };
    const auto free = [](std::string_view called) { return with(there(called), [](Link& link) { link.master = Master{}; }); };
    const auto moves = [](const std::vector<Step>& steps) {
        std::string told;
        for (const Step& step : steps)
            if (const auto* update = std::get_if<Update<Link>>(&step.op); update && update->now.master)
                told += fmt::format("{}{} ", update->now.master->of ? "+" : "-", update->now.name.text());
        return told;
    };
    const Link bond = there("bond0", lacp);
    const State have{.links = {bond, port("a"), port("b"), there("c"), there("d")}};
    REQUIRE(moves(plan({.links = {bond, free("a"), free("b"), port("c"), port("d")}}, have)) == "-b +c +d -a ");
    const State taken{.links = {bond, with(there("a"), [](Link& link) { link.master = in("web"); }), free("b"), port("c"), there("web", Bridge{})}};
    REQUIRE(moves(plan(taken, have)) == "-a +a +c -b ");
    REQUIRE(moves(plan({.links = {bond, free("a"), port("b"), port("c")}}, have)) == "-a +c ");
}

TEST_CASE("a bond is emptied for a new mode, also of ports that nobody spoke of, and they come back") {
    const auto port = [](std::string_view called) { return with(there(called), [](Link& link) { link.master = in("bond0"); }); };
    const Link bond = there("bond0", lacp);
    const Bond backup{{{"mode", "active-backup"}, {"miimon", "100"}}};
    const State want{.links = {with(bond, [&](Link& link) { link.kind = backup; }), port("eno1")}};
    const auto leaves = [](Link& link) { link.master = Master{}; };
    const auto joins = [](Link& link) { link.master = in("bond0"); };
    REQUIRE(plan(want, {.links = {bond, port("eno1"), port("eno2")}}) ==
            Steps{{Update<Link>{port("eno1"), only("eno1", leaves)}, Phase::release, 0},
                  {Update<Link>{port("eno2"), only("eno2", leaves)}, Phase::release, 0},
                  {Update<Link>{bond, only("bond0", [&](Link& link) { link.kind = backup, link.mac = bond.mac; })}, Phase::build, 0},
                  {Update<Link>{port("eno1"), with(only("eno1", joins), [](Link& link) { link.up = true; })}, Phase::build, 1},
                  {Update<Link>{port("eno2"), only("eno2", joins)}, Phase::build, 1}});
}

TEST_CASE("other options of a bond change in place, and routes through what is down for it come back") {
    const Link bond = with(there("bond0", lacp), [](Link& link) { link.addresses = {subnet("192.0.2.2/24")}; });
    const Route out = route("0.0.0.0/0", "192.0.2.1", "bond0");
    const auto changed = [&](std::string_view option, std::string_view value) {
        Bond kind = lacp;
        kind.options[std::string(option)] = value;
        return State{.links = {with(bond, [&](Link& link) { link.kind = kind; })}, .routes = {out}};
    };
    const auto step = [&](std::string_view option, std::string_view value) {
        return Step{Update<Link>{bond, only("bond0", [&](Link& link) { link.kind = Bond{{{std::string(option), std::string(value)}}}; })}, Phase::build, 0};
    };
    const State have{.links = {bond}, .routes = {out}};
    REQUIRE(plan(changed("miimon", "200"), have) == Steps{step("miimon", "200")});
    REQUIRE(plan(changed("lacp_rate", "fast"), have) == Steps{step("lacp_rate", "fast"), {Update<Route>{out, out}, Phase::route, 0}});
}

TEST_CASE("a bond that shall have no primary is told so before a port comes, since it may remember one") {
    const auto without_primary = Bond{{{"mode", "active-backup"}, {"primary", ""}}};
    const Link bond = there("bond0", without_primary);
    const auto port = [](std::string_view called) { return with(there(called), [](Link& link) { link.master = in("bond0"); }); };
    const State have{.links = {bond, port("eno1"), there("eno2")}};
    const Step joins{Update<Link>{there("eno2"), only("eno2", [](Link& link) { link.master = in("bond0"); })}, Phase::build, 1};
    REQUIRE(plan({.links = {bond, port("eno1"), port("eno2")}}, have) ==
            Steps{{Update<Link>{bond, only("bond0", [](Link& link) { link.kind = Bond{{{"primary", ""}}}; })}, Phase::build, 0}, joins});
    REQUIRE(plan({.links = {bond, port("eno1")}}, have).empty());
    const Link preferring = with(bond, [](Link& link) { link.kind = Bond{{{"primary", "eno2"}}}; });
    REQUIRE(plan({.links = {preferring, port("eno1"), port("eno2")}}, have) ==
            Steps{{Update<Link>{bond, only("bond0", [](Link& link) { link.kind = Bond{{{"primary", "eno2"}}}; })}, Phase::build, 0}, joins});
}

TEST_CASE("two bonds swap their ports") {
    const auto port = [](std::string_view called, std::string_view master) { return with(there(called), [&](Link& link) { link.master = in(master); }); };
    const Link one = there("bond1", lacp), two = there("bond2", lacp);
    const auto move = [&](std::string_view called, std::string_view from, std::string_view to, bool first) {
        const Link now = only(called, [&](Link& link) {
            link.master = first ? Master{} : in(to);
            if (!first) link.up = true;  // the old bond has closed it
        });
        return Step{Update<Link>{port(called, from), now}, first ? Phase::release : Phase::build, 0};
    };
    const auto named = [](Link& link) { link.mac = mac("02:00:00:00:00:01"); };  // an empty bond's MAC is random
    const State want{.links = {one, two, port("a", "bond2"), port("b", "bond1")}}, have{.links = {one, two, port("a", "bond1"), port("b", "bond2")}};
    auto joins_a = move("a", "bond1", "bond2", false), joins_b = move("b", "bond2", "bond1", false);
    joins_a.level = joins_b.level = 1;
    REQUIRE(plan(want, have) == Steps{move("a", "bond1", "bond2", true), move("b", "bond2", "bond1", true),
                                      {Update<Link>{one, only("bond1", named)}, Phase::build, 0},
                                      {Update<Link>{two, only("bond2", named)}, Phase::build, 0}, joins_a, joins_b});
}

TEST_CASE("what can't become what is wanted goes and is made; a VLAN goes with its base and comes back") {
    const Link bridge = there("x", Bridge{}), tagged = there("x.5", Vlan{name("x"), vlan(5)});
    const Link bond = with(made("x", lacp), [](Link& link) { link.addresses = {}; });
    const State want{.links = {bond, with(tagged, [](Link& link) { link.addresses = {}, link.mac = {}; })}};
    REQUIRE(plan(want, {.links = {bridge, tagged}}) ==
            Steps{{Remove<Link>{tagged}, Phase::remove, 0},
                  {Remove<Link>{bridge}, Phase::remove, 0},
                  {Create<Link>{bond}, Phase::build, 0},
                  {Create<Link>{*want.links.find(name("x.5"))}, Phase::build, 1}});
}

TEST_CASE("another tag or other queues make another link; another owner of a tap does not") {
    const auto tap = [](std::uint32_t queues, std::uint32_t user) { return with(made("vnet0", Tap{queues, user}), [](Link& link) { link.addresses = {}; }); };
    const auto tagged = [](int id) { return with(made("v", Vlan{name("eno1"), vlan(id)}), [](Link& link) { link.addresses = {}; }); };
    REQUIRE(plan({.links = {tagged(6)}}, {.links = {tagged(5)}}) == Steps{{Remove<Link>{tagged(5)}, Phase::remove, 0}, {Create<Link>{tagged(6)}, Phase::build, 0}});
    REQUIRE(plan({.links = {tap(4, 1)}}, {.links = {tap(1, 1)}}) == Steps{{Remove<Link>{tap(1, 1)}, Phase::remove, 0}, {Create<Link>{tap(4, 1)}, Phase::build, 0}});
    REQUIRE(plan({.links = {tap(1, 2)}}, {.links = {tap(1, 1)}}).empty());
}

TEST_CASE("what somebody else makes in between is shaped late, under the name of what went") {
    const Link bridge = there("web", Bridge{});
    Link want{name("web")};
    want.mtu = mtu(1400);
    want.addresses = {subnet("192.0.2.2/24")};
    want.kind = Device{};
    REQUIRE(plan({.links = {want}}, {.links = {bridge}}) ==
            Steps{{Remove<Link>{bridge}, Phase::remove, 0},
                  {Update<Link>{Link{name("web")}, only("web", [](Link& link) { link.mtu = mtu(1400); })}, Phase::late, 0},
                  {Update<Link>{Link{name("web")}, only("web", [](Link& link) { link.addresses = {subnet("192.0.2.2/24")}; })}, Phase::address, 0}});
}

TEST_CASE("addresses go before and come after, and a route whose device is left without IPv4 meanwhile is put again") {
    const auto web = [](std::set<Subnet> addresses) { return with(there("web", Bridge{}), [&](Link& link) { link.addresses = std::move(addresses); }); };
    const auto said = [](std::set<Subnet> addresses) { return only("web", [&](Link& link) { link.addresses = std::move(addresses); }); };
    const Subnet a = subnet("192.0.2.2/24"), b = subnet("192.0.2.3/24"), other = subnet("198.51.100.2/24");
    const Route out = route("0.0.0.0/0", "192.0.2.1", "web");
    const auto steps = [&](std::set<Subnet> want, std::set<Subnet> have) {
        return plan({.links = {web(want)}, .routes = {out}}, {.links = {web(have)}, .routes = {out}});
    };
    REQUIRE(steps({a, other}, {a}) == Steps{{Update<Link>{web({a}), said({a, other})}, Phase::address, 0}});
    REQUIRE(steps({a}, {a, other}) == Steps{{Update<Link>{web({a, other}), said({a})}, Phase::release, 0}});
    REQUIRE(steps({b}, {a}) == Steps{{Update<Link>{web({a}), said({})}, Phase::release, 0},
                                     {Update<Link>{web({a}), said({b})}, Phase::address, 0},
                                     {Update<Route>{out, out}, Phase::route, 0}});
    // The kernel takes b along with a, as both are of one subnet; the kernel seam says b again, but nobody the route.
    REQUIRE(steps({b}, {a, b}) == Steps{{Update<Link>{web({a, b}), said({b})}, Phase::release, 0}, {Update<Route>{out, out}, Phase::route, 0}});
}

TEST_CASE("a route or rule of our key is taken over, whoever made it, and brought back as its maker's") {
    const Link web = there("web", Bridge{});
    const Route theirs = with_protocol(route("0.0.0.0/0", "192.0.2.1", "web"), 16), ours = route("0.0.0.0/0", "192.0.2.254", "web");
    const Rule rule{.from = subnet("192.0.2.0/24"), .table = 100};
    Rule other = rule;
    other.protocol = 4;
    const State have{.links = {web}, .routes = {theirs}, .rules = {other}}, want{.links = {web}, .routes = {ours}, .rules = {rule}};
    REQUIRE(plan(want, have) == Steps{{Remove<Rule>{other}, Phase::release, 0}, {Update<Route>{theirs, ours}, Phase::route, 0}, {Create<Rule>{rule}, Phase::route, 0}});
    REQUIRE(plan(have, {.links = {web}}) == Steps{{Create<Route>{theirs}, Phase::route, 0}, {Create<Rule>{other}, Phase::route, 0}});
    REQUIRE(plan({.links = {web}}, have).empty());
}

TEST_CASE("a rule that lets nothing through comes before its device and goes after it; one of others is taken over in its place") {
    const Link web = there("web", Bridge{});
    const Rule refusal{.priority = Rule::refusals, .v6 = true, .in = name("web"), .drops = true};
    REQUIRE(plan({.links = {web}, .rules = {refusal}}, {}) == Steps{{Create<Rule>{refusal}, Phase::release, 0}, {Create<Link>{without_addresses(web)}, Phase::build, 0}});
    REQUIRE(plan({}, {.links = {web}, .rules = {refusal}}) == Steps{{Remove<Link>{web}, Phase::remove, 0}, {Remove<Rule>{refusal}, Phase::route, 0}});
    Rule other = refusal;
    other.protocol = 4;
    REQUIRE(plan({.rules = {refusal}}, {.rules = {other}}) == Steps{{Remove<Rule>{other}, Phase::release, 0}, {Create<Rule>{refusal}, Phase::release, 1}});
    REQUIRE(plan({}, {.rules = {other}}).empty());
}

TEST_CASE("a route without a gateway comes before those whose gateway it leads to") {
    const Route near{.to = subnet("203.0.113.1/32"), .device = name("web")}, out = route("0.0.0.0/0", "203.0.113.1", "web");
    const Link web = there("web", Bridge{});
    REQUIRE(plan({.links = {web}, .routes = {out, near}}, {.links = {web}}) ==
            Steps{{Create<Route>{near}, Phase::route, 0}, {Create<Route>{out}, Phase::route, 1}});
}

TEST_CASE("a circle that nobody can build is planned all the same, and ends") {
    const Link a = made("a", Vlan{name("b"), vlan(1)}), b = made("b", Vlan{name("a"), vlan(1)});
    REQUIRE(plan({.links = {a, b}}, {}).size() == 2);
    const Link x = with(made("x", Bridge{}), [](Link& link) { link.master = in("x"); });
    REQUIRE(plan({.links = {x}}, {}).size() == 1);
}

TEST_CASE("a wanted address that would end is said again with what changes of its link, and by itself is no difference") {
    const Link nic = with(there("eno1"), [](Link& link) {
        link.addresses = std::set{subnet("192.0.2.5/24"), subnet("198.51.100.5/24")};
        link.facts.rare.edit().expiring = {subnet("192.0.2.5/24")};
    });
    Link want = only("eno1", [](Link& link) { link.addresses = std::set{subnet("192.0.2.5/24"), subnet("198.51.100.5/24")}; });
    REQUIRE(plan({.links = {want}}, {.links = {nic}}).empty());
    want.routed = true;
    const Link again = only("eno1", [&](Link& link) { link.addresses = want.addresses; });
    REQUIRE(plan({.links = {want}}, {.links = {nic}}).back() == Step{Update<Link>{nic, again}, Phase::address, 0});
    want.addresses = std::nullopt;
    REQUIRE(plan({.links = {want}}, {.links = {nic}}).size() == 1);
}

}  // namespace bridges_plan_test
