// The mirror that hears and the look that sees everything anew are equal, whatever was done, and by whom.
#include "bridges/mirror.hpp"
#include "bridges/nl_write.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <linux/netconf.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace kernel_mirror_test {

using namespace worlds;

namespace {

// A host of a few links, and one random change after the other. Some are refused; that is part of it.
class Chance {
public:
    Chance(const Abilities& abilities, unsigned seed) : abilities_(abilities), random_(seed) {}

    Op next(const State& state) {
        switch (below(9)) {
            case 0: return Create<Link>{link(any_name(), any_kind(state))};
            case 1: return removal(state);
            case 2:
            case 3: return address_change(state);
            case 4: return route_change(state);
            case 5: return rule_change();
            case 6: return port_change(state);
            default: return link_change(state);
        }
    }

private:
    int below(int bound) { return std::uniform_int_distribution(0, bound - 1)(random_); }
    bool coin() { return below(2) == 0; }
    std::string any_name() { return "link" + std::to_string(below(12)); }
    const Link& any_link(const State& state) { return *std::next(state.links.begin(), below(static_cast<int>(state.links.size()))); }
    Subnet any_subnet() {
        if (coin()) return subnet("192.0." + std::to_string(below(3)) + "." + std::to_string(1 + below(3)) + "/24");
        return subnet("2001:db8:" + std::to_string(below(3)) + "::" + std::to_string(1 + below(3)) + "/64");
    }

    Kind any_kind(const State& state) {
        if (abilities_.vlan && below(4) == 0) return Vlan{any_link(state).name, vlan(1 + below(3))};
        if (abilities_.bond && below(4) == 0) return Bond{{{"mode", coin() ? "active-backup" : "802.3ad"}, {"miimon", "100"}}};
        if (below(4) == 0) return Tap{coin() ? 1u : 2u};
        if (coin()) return Veth{};
        Bridge bridge;
        if (abilities_.vlan_filtering && coin()) bridge.options = {{"vlan_filtering", "1"}, {"vlan_default_pvid", coin() ? "0" : "1"}};
        return bridge;
    }

    Op removal(const State& state) {
        const Link& link = any_link(state);
        if (link.name.text().starts_with("link")) return Remove<Link>{link};
        return Remove<Rule>{Rule{3200, false, any_subnet(), {}, {}, 100}};
    }

    Op address_change(const State& state) {
        const Link& link = any_link(state);
        Link now{link.name};
        now.addresses = link.addresses;
        if (coin() || now.addresses->empty()) now.addresses->insert(any_subnet());
        else now.addresses->erase(now.addresses->begin());
        return Update<Link>{link, now};
    }

    Op route_change(const State& state) {
        if (!state.routes.empty() && below(3) == 0) return Remove<Route>{*state.routes.begin()};
        const Subnet to = any_subnet();
        Route route{coin() ? Route::main_table : 1000u, subnet(to.is_v6() ? "2001:db8:ff::/48" : "203.0.113.0/24"),
                    to.is_v6() ? 1024u : 0u, to.address(), any_link(state).name};
        return Create<Route>{route};
    }

    Op rule_change() {
        const Rule rule{3200, false, any_subnet(), {}, {}, 100};
        if (rule.from->is_v6()) return Create<Rule>{Rule{3201, true, rule.from, {}, {}, 100}};
        const Rule refusal{.priority = Rule::refusals, .v6 = coin(), .in = name("eth0"), .drops = true};
        if (coin()) return coin() ? Op(Create<Rule>{refusal}) : Op(Remove<Rule>{refusal});
        return coin() ? Op(Create<Rule>{rule}) : Op(Remove<Rule>{rule});
    }

    Op port_change(const State& state) {
        const Link& link = any_link(state);
        Link now{link.name};
        if (link.vlans && coin()) {
            now.vlans = PortVlans{vlans(std::to_string(1 + below(5)) + "-" + std::to_string(6 + below(20))), {}};
            if (coin()) now.vlans->untagged = vlan(30 + below(3));
        } else if (link.isolated && coin()) {
            now.isolated = coin();
            if (coin()) now.forwards = PortForwards{static_cast<std::uint16_t>(below(3) << 3)};
            if (coin()) now.flags = PortFlags{static_cast<std::uint16_t>(below(8))};
        } else {
            now.master = Master{};
            if (coin()) now.master->of = any_link(state).name;
        }
        return Update<Link>{link, now};
    }

    Op link_change(const State& state) {
        const Link& link = any_link(state);
        Link now{link.name};
        switch (below(5)) {
            case 0: now.mtu = mtu(1180 + 20 * below(17)); break;  // below 1280 IPv6 goes with it
            case 1: now.mac = mac("02:00:00:00:0" + std::to_string(below(10)) + ":01"); break;
            case 2: now.owner = Owner::ours("change " + std::to_string(below(3))); break;
            case 3: now.stack = HostStack{coin(), coin(), coin(), coin()}; break;
            default: now.up = coin();
        }
        if (link.kind->index() == 1 && coin()) {
            now.kind = Bridge{{{"ageing_time", coin() ? "0" : "30000"}}};
            if (abilities_.vlan_filtering) std::get<Bridge>(*now.kind).options["vlan_filtering"] = coin() ? "1" : "0";
        }
        return Update<Link>{link, now};
    }

    Abilities abilities_;
    std::mt19937 random_;
};

// LACP's partners and aggregators come and go by timers, unasked.
State calm(const State& state) {
    State still = without_weather(state);
    for (const Link& link : state.links) {
        Link quiet = *still.links.find(link.name);
        quiet.facts.rare.edit().aggregator = {};
        quiet.facts.rare.edit().partner_mac = {};
        quiet.facts.rare.edit().active_port = {};
        still.links.put(quiet);
    }
    return still;
}

// With what the kernel alone knows.
std::string told_of(const Link& link) {
    const bridges::RareFacts& rare = link.facts.rare.get();
    std::string text = link.name.text() + " " + topology::text_of(link) + " index=" + std::to_string(link.facts.index) + " kind=" + link.facts.kind;
    for (const Subnet& address : rare.autoconf) text += " autoconf=" + address.text();
    for (const auto& router : rare.routers) text += " router=" + router.text();
    for (const Subnet& address : rare.unrouted) text += " unrouted=" + address.text();
    return text + (rare.stands_by ? " stands_by" : "") + (rare.is_taken_for_down ? " is_taken_for_down" : "");
}

std::string difference(const State& mirror, const State& look) {
    std::string text;
    topology::Keyed<Link>::each_difference(mirror.links, look.links, [&](const Link* heard, const Link* seen) {
        text += heard ? "\nheard " + told_of(*heard) : "\nnot heard";
        text += seen ? "\nseen  " + told_of(*seen) : "\nnot there";
    });
    topology::Keyed<Route>::each_difference(mirror.routes, look.routes, [&](const Route* heard, const Route* seen) {
        text += (heard ? "\nheard " + describe(*heard) : "\nnot heard") + (seen ? ", seen " + describe(*seen) : ", not there");
    });
    return text;
}

}  // namespace

TEST_CASE("after every step of a long random run the mirror is what a full look sees", "[kernel][mirror]") {
    const auto seed = GENERATE(1u, 2u, 3u, 4u);
    RealWorld world;
    const auto other = RealWorld::open();
    const auto looker = RealWorld::open();
    Chance chance(world.kernel->abilities(), seed);
    std::size_t done = 0;
    for (int step = 0; step < 300; ++step) {
        // Every third change is somebody else's.
        Kernel& actor = step % 3 == 2 ? *other : *world.kernel;
        REQUIRE(actor.hear());
        const Op op = chance.next(actor.state());
        done += actor.apply({&op, 1}).done;
        REQUIRE(world.kernel->hear());
        // Nobody reports what of ARP, IPv6 and autoconf others set by hand, so look at it.
        std::vector<IfName> all;
        for (const Link& link : world.kernel->state().links) all.push_back(link.name);
        if (&actor == other.get()) REQUIRE(world.kernel->look_at(all));
        REQUIRE(looker->look());
        const State heard = calm(world.kernel->state()), seen = calm(looker->state());
        INFO("seed " << seed << ", step " << step << difference(heard, seen));
        REQUIRE(heard == seen);
    }
    REQUIRE(done > 100);
}

// The sockets that an epoll descriptor waits for, of one netlink protocol.
std::vector<int> sockets_behind(int epoll, int protocol) {
    std::ifstream told("/proc/self/fdinfo/" + std::to_string(epoll));
    std::vector<int> found;
    for (std::string word; told >> word;) {
        if (word != "tfd:") continue;
        int socket = -1, its = -1;
        socklen_t size = sizeof its;
        if (told >> socket && getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &its, &size) == 0 && its == protocol) found.push_back(socket);
    }
    return found;
}

TEST_CASE("when notifications are lost everything is looked at again", "[kernel][mirror]") {
    RealWorld world;
    const int little = 0;
    const auto sockets = sockets_behind(world.kernel->descriptor(), NETLINK_ROUTE);
    REQUIRE(sockets.size() == 1);
    REQUIRE(setsockopt(sockets[0], SOL_SOCKET, SO_RCVBUF, &little, sizeof little) == 0);
    const auto other = RealWorld::open();
    std::vector<Op> ops;
    for (int i = 0; i < 10; ++i) ops.push_back(Create<Link>{link("br" + std::to_string(i), Bridge{})});
    REQUIRE(other->apply(ops).done == 10);
    const auto heard = world.kernel->hear();
    REQUIRE(heard);
    REQUIRE(heard->overrun);
    REQUIRE(heard->changed);
    REQUIRE(without_weather(world.kernel->state()) == without_weather(world.fresh_look()));
}

TEST_CASE("a version of the state shares with the one before what did not change", "[kernel][mirror]") {
    RealWorld world;
    const State before = world.kernel->state();
    REQUIRE(world.kernel->look());
    const Link* was = before.links.find(name("eth0"));
    REQUIRE(world.kernel->state().links.find(name("eth0")) == was);
    Link now{name("eth1")};
    now.mtu = mtu(1400);
    update(world, now);
    REQUIRE(world.kernel->state().links.find(name("eth0")) == was);
}

TEST_CASE("a link that is reported after its stack was said to be another one needs no second look", "[mirror]") {
    const auto hint = [](int index) {
        Message message(RTM_NEWNETCONF, 0, netconfmsg{AF_INET});
        message.number(NETCONFA_IFINDEX, index);
        return message;
    };
    ifinfomsg header = {};
    header.ifi_index = 7;
    Message report(RTM_NEWLINK, 0, header);
    report.text(IFLA_IFNAME, "web");
    report.number(IFLA_MTU, 1500);
    Mirror mirror;
    mirror.take(*hint(7).raw());
    mirror.take(*hint(8).raw());
    mirror.take(*report.raw());
    mirror.settle();
    CHECK(mirror.take_hints() == std::set{8});
    mirror.take(*report.raw());
    mirror.take(*hint(7).raw());
    mirror.settle();
    CHECK(mirror.take_hints() == std::set{7});
}

TEST_CASE("a rule that was told twice, by a list and by the news of it, is doubted when it goes", "[mirror]") {
    const Rule rule{3200, false, subnet("192.0.2.0/24"), {}, {}, 100};
    Mirror mirror;
    mirror.take(*write_rule(rule).raw());
    mirror.take(*write_rule(rule).raw());
    CHECK_FALSE(mirror.doubts_rules());
    mirror.take(*write_rule_deletion(rule).raw());
    CHECK(mirror.doubts_rules());
    mirror.settle();
    mirror.forget_rules(AF_INET6);
    CHECK_FALSE(mirror.state().rules.empty());
    mirror.forget_rules(AF_INET);  // and the list that follows has none
    mirror.settle();
    CHECK(mirror.state().rules.empty());
    mirror.take(*write_rule(rule).raw());
    mirror.take(*write_rule_deletion(rule).raw());
    CHECK_FALSE(mirror.doubts_rules());
    CHECK(mirror.state().rules.empty());
}

}  // namespace kernel_mirror_test
