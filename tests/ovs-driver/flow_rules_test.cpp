// Which flow decides of which frame is shown with frames (tests of the house and of the hostile guest); here, what each level has.
#include "ovs-driver/filtered.hpp"
#include "ovs-driver/flow_rules.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

namespace flow_rules_test {

namespace {

using namespace ovs;

const topology::Mac mac = *topology::Mac::parse("52:54:00:12:34:56");

topology::Filter filter(const char* text) { return *topology::Filter::parse(text); }

std::vector<std::string> flows(const char* text, bool metered = false) { return flows_of(1000, {IfName::observed("vnet0"), filter(text)}, 7, metered); }

bool passes(const std::string& flow) { return flow.ends_with("actions=NORMAL"); }

}  // namespace

TEST_CASE("each flow is of one port and has a place of its own", "[flows]") {
    for (const char* text : {"standard 52:54:00:12:34:56", "strict 52:54:00:12:34:56 192.0.2.7 2001:db8::7", "trusted 52:54:00:12:34:56 trunk"}) {
        std::set<std::string> places;
        for (const std::string& flow : flows(text)) {
            CHECK(flow.find(",in_port=1000") != flow.npos);
            const auto priority = flow.find("priority=");
            places.insert(flow.substr(priority, flow.find(',', priority) - priority));
        }
        CHECK(places.size() == flows(text).size());
    }
}

TEST_CASE("what passes has the guest's own MAC, unless it is trusted", "[flows]") {
    for (const char* text : {"standard 52:54:00:12:34:56", "strict 52:54:00:12:34:56 192.0.2.7 2001:db8::7"}) {
        int passing = 0;
        for (const std::string& flow : flows(text)) {
            if (!passes(flow)) continue;
            ++passing;
            CHECK(flow.find("dl_src=52:54:00:12:34:56") != flow.npos);
        }
        CHECK(passing > 1);
        CHECK_FALSE(passes(flows(text).back()));
    }
    CHECK(passes(flows("trusted 52:54:00:12:34:56").back()));
}

TEST_CASE("only who has a trunk may send a tag, and nobody two", "[flows]") {
    const auto stops_tags = [](const auto& all) { return std::any_of(all.begin(), all.end(), [](const auto& flow) { return flow.find("vlan_tci=0x1000/0x1000,actions=drop") != flow.npos; }); };
    const auto stops_two = [](const auto& all) { return std::any_of(all.begin(), all.end(), [](const auto& flow) { return flow.find("dl_type=0x8100,actions=drop") != flow.npos; }); };
    CHECK(stops_tags(flows("standard 52:54:00:12:34:56")));
    CHECK_FALSE(stops_tags(flows("standard 52:54:00:12:34:56 trunk")));
    CHECK(stops_two(flows("standard 52:54:00:12:34:56 trunk")));
}

TEST_CASE("who is filtered strictly sends so many broadcasts and multicasts only, and all that passes is one or goes to one", "[flows]") {
    int metered = 0;
    const auto strict = flows("strict 52:54:00:12:34:56 192.0.2.7 2001:db8::7", true);
    for (std::size_t i = 0; i < strict.size(); ++i) {
        if (!passes(strict[i])) continue;
        REQUIRE(i > 0);
        CHECK(strict[i - 1].ends_with("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=meter:1000,NORMAL"));
        ++metered;
    }
    CHECK(metered > 1);
    for (const auto& all : {flows("strict 52:54:00:12:34:56 192.0.2.7"), flows("standard 52:54:00:12:34:56", true), flows("trusted 52:54:00:12:34:56", true)})
        CHECK(std::none_of(all.begin(), all.end(), [](const auto& flow) { return flow.find("meter") != flow.npos; }));
}

TEST_CASE("a cookie tells what it was made of", "[flows]") {
    const Cookie cookie{200, 1003, 5};
    CHECK((cookie.number() & Cookie::netd_mask) == Cookie::netd);
    const auto back = Cookie::of(cookie.number());
    CHECK(back.generation == 200);
    CHECK(back.ofport == 1003);
    CHECK(back.reason == 5);
}

TEST_CASE("a port that comes asks for a number that nobody on its bridge has, and one that stays keeps its own", "[flows]") {
    State state;
    state.bridges.put(Bridge{IfName::observed("blue")});
    Port there{IfName::observed("a")};
    there.bridge = IfName::observed("blue");
    there.filter = filter("standard 52:54:00:12:34:56");
    there.facts.ofport = 1000;
    state.ports.put(there);
    Port came = there;
    came.name = IfName::observed("b");
    came.facts = {};
    Port change{IfName::observed("a")};
    change.isolated = true;
    const std::vector<Op> ops{Create<Port>{came}, Update<Port>{there, change}};
    const auto numbered = with_numbers(ops, state);
    CHECK(std::get<Create<Port>>(numbered[0]).now.ofport_request == 1001);
    CHECK(std::get<Update<Port>>(numbered[1]).now.ofport_request == 1000);
    const auto first = filtered_bridges(numbered, state);
    REQUIRE(first.size() == 1);
    CHECK(first.begin()->second.size() == 2);
}

TEST_CASE("a bridge was taught by a guest's port that is there and is to keep to its own MAC from now on, or to other tags", "[flows]") {
    const auto blue = IfName::observed("blue"), green = IfName::observed("green");
    const auto narrows = [&](const char* was, const char* now, const IfName& to = IfName::observed("blue")) {
        State state{.bridges = {Bridge{blue}, Bridge{green}}};
        Port there{IfName::observed("a")};
        there.bridge = blue;
        there.facts.ofport = 1000;
        if (*was) there.filter = filter(was);
        state.ports.put(there);
        Port change{there.name};
        change.bridge = to;
        if (*now) change.filter = filter(now);
        return taught_bridges(std::vector<Op>{Update<Port>{there, change}}, state) == std::set{blue};
    };
    for (const char* filter : {"standard 52:54:00:12:34:56", "strict 52:54:00:12:34:56"}) {
        CHECK(narrows("", filter));
        CHECK(narrows("trusted 52:54:00:12:34:56", filter));
        CHECK_FALSE(narrows(filter, "strict 52:54:00:12:34:56"));
        CHECK_FALSE(narrows(filter, "trusted 52:54:00:12:34:56"));
        CHECK_FALSE(narrows(filter, ""));
        CHECK_FALSE(narrows("", filter, green));  // Open vSwitch itself forgets what a port taught that goes
    }
    CHECK_FALSE(narrows("", "trusted 52:54:00:12:34:56"));
    const auto moves = [&](int from, int to, bool is_filtered) {
        Port there{.name = IfName::observed("a"), .bridge = blue, .tagging = Access{*topology::VlanId::from(from)}};
        there.facts.ofport = 1000;
        if (is_filtered) there.filter = filter("strict 52:54:00:12:34:56");
        const State state{.bridges = {Bridge{blue}}, .ports = {there}};
        const Port change{.name = there.name, .tagging = Access{*topology::VlanId::from(to)}};
        return taught_bridges(std::vector<Op>{Update<Port>{there, change}}, state) == std::set{blue};
    };
    CHECK(moves(10, 20, true));
    CHECK_FALSE(moves(10, 10, true));
    CHECK_FALSE(moves(10, 20, false));
    Port comes{IfName::observed("b")};
    comes.bridge = blue;
    comes.filter = filter("strict 52:54:00:12:34:56");
    CHECK(taught_bridges(std::vector<Op>{Create<Port>{comes}}, State{.bridges = {Bridge{blue}}}).empty());
}

TEST_CASE("a guest is kept from the host's devices in its own networks", "[flows]") {
    State state;
    const auto host_port = [&](const char* name, int tag, const char* address) {
        Port port{IfName::observed(name)};
        port.bridge = IfName::observed("blue");
        port.internal = true;
        port.tagging = Access{*topology::VlanId::from(tag)};
        port.facts.mac = *topology::Mac::parse(address);
        state.ports.put(port);
    };
    host_port("web", 10, "02:00:00:00:00:10");
    host_port("db", 20, "02:00:00:00:00:20");
    Port guest{IfName::observed("vnet0")};
    guest.bridge = IfName::observed("blue");
    guest.tagging = Access{*topology::VlanId::from(10)};
    guest.filter = filter("standard 52:54:00:12:34:56");
    guest.facts.ofport = 1000;
    state.ports.put(guest);
    CHECK(filtered_bridges(state).begin()->second.at(1000).host == std::set{*topology::Mac::parse("02:00:00:00:00:10")});
    const IfName web = IfName::observed("web"), db = IfName::observed("db");
    CHECK(unheard(state) == topology::Unheard{{web, mac}});
    guest.tagging = Trunk{};
    state.ports.put(guest);
    CHECK(filtered_bridges(state).begin()->second.at(1000).host.size() == 2);
    CHECK(unheard(state) == topology::Unheard{{web, mac}, {db, mac}});
    // From before it comes, or is filtered, or one of the host's comes.
    Port trusted = guest;
    trusted.filter = filter("trusted 52:54:00:12:34:56");
    const std::vector<Op> ops{Update<Port>{guest, trusted}};
    CHECK(unheard(ops, state).empty());
    state.ports.put(trusted);
    CHECK(unheard(state).empty());
    const std::vector<Op> back{Update<Port>{trusted, guest}};
    CHECK(unheard(back, state) == topology::Unheard{{web, mac}, {db, mac}});
    state.ports.put(guest);
    Port storage{IfName::observed("storage")};
    storage.bridge = IfName::observed("blue");
    storage.internal = true;
    storage.tagging = Access{*topology::VlanId::from(30)};
    const std::vector<Op> host{Create<Port>{storage}};
    CHECK(unheard(host, state).contains({storage.name, mac}));
}

TEST_CASE("a guest is kept from a device of the host's that comes with it, or gets another MAC with it", "[flows]") {
    State state;
    state.bridges.put(Bridge{IfName::observed("blue")});
    Port host{IfName::observed("web")};
    host.bridge = IfName::observed("blue");
    host.internal = true;
    host.tagging = Access{*topology::VlanId::from(10)};
    host.mac = *topology::Mac::parse("02:00:00:00:00:10");
    Port guest{IfName::observed("vnet0")};
    guest.bridge = host.bridge;
    guest.tagging = host.tagging;
    guest.filter = filter("standard 52:54:00:12:34:56");
    const auto kept_from = [&](const Op& op) {
        const auto numbered = with_numbers(std::vector<Op>{op, Create<Port>{guest}}, state);
        return filtered_bridges(numbered, state).begin()->second.at(1000).host;
    };
    CHECK(kept_from(Create<Port>{host}) == std::set{*host.mac});
    host.facts.mac = host.mac;
    state.ports.put(host);
    Port change{host.name};
    change.mac = *topology::Mac::parse("02:00:00:00:00:20");
    CHECK(kept_from(Update<Port>{host, change}) == std::set{*host.mac, *change.mac});
}

}  // namespace flow_rules_test
