// What of the drift is put right, how often, and what waits for somebody else.
#include "netd/observe/carriers.hpp"
#include "netd/observe/drift_news.hpp"
#include "netd/observe/mending.hpp"
#include "tests/netd/host_house.hpp"

namespace mending_test {

using namespace std::chrono_literals;
using observe::Deviation;
using observe::Drift;
using observe::Mending;
using observe::Parts;
using told::House;
using told::name;

namespace {

const Drift web_is_narrow{.networks = {{"web", {{"web", "mtu", "1500", "1400"}}}}};
bool always(const intent::GuestNic&) { return true; }
bool never(const intent::GuestNic&) { return false; }

}  // namespace

TEST_CASE("a deviation is tried at once, then with growing pauses, five times a minute", "[mending]") {
    Mending mending;
    Mending::Time now = 1000s;
    std::vector<Mending::Time> tries;
    for (; now < 1030s; now += 50ms) {
        if (mending.due(web_is_narrow, now).empty()) continue;
        tries.push_back(now - 1000s);
        mending.tried({}, now);
    }
    CHECK(tries == std::vector<Mending::Time>{0s, 250ms, 750ms, 1750ms, 3750ms});
    CHECK(mending.contested() == web_is_narrow);
    CHECK(mending.take_newly_contested() == web_is_narrow);
    CHECK(mending.take_newly_contested().empty());
    CHECK_FALSE(mending.next());

    // It stays so for as long as it is so, and a minute later it is an ordinary thing again.
    CHECK(mending.due(web_is_narrow, now + 120s).empty());
    CHECK(mending.due({}, now + 121s).empty());
    CHECK(mending.contested().empty());
    CHECK(mending.due(web_is_narrow, now + 122s) == Parts{.networks = {"web"}});
}

TEST_CASE("that a guest's port has another's MAC is contested, and undone every four seconds all the same", "[mending]") {
    const Drift has_anothers{.networks = {{"web", {{"nic-1", "mac", "fe:00:00:00:00:01", "52:54:00:00:00:01"}}}}};
    Mending mending;
    std::vector<Mending::Time> tries;
    for (Mending::Time now = 1000s; now < 1100s; now += 250ms) {
        if (mending.due(has_anothers, now, {"nic-1"}).empty()) continue;
        tries.push_back(now);
        mending.tried({}, now);
    }
    CHECK(mending.contested() == has_anothers);
    CHECK(tries.back() - *(tries.end() - 10) == 36s);
}

TEST_CASE("what is refused is never contested, and is tried once a minute in the end", "[mending]") {
    Mending mending;
    std::vector<Mending::Time> tries;
    for (Mending::Time now = 1000s; now < 1400s; now += 50ms) {
        const auto due = mending.due(web_is_narrow, now);
        if (due.empty()) continue;
        tries.push_back(now);
        mending.tried(due, now);
    }
    CHECK(mending.contested().empty());
    REQUIRE(tries.size() > 8);
    CHECK(tries[1] - tries[0] == 250ms);
    CHECK(tries.back() - *(tries.end() - 2) == 60s);
    const auto soon = tries.back() + 1s;
    CHECK(mending.due(web_is_narrow, soon).empty());
    mending.forget_refusals();
    CHECK_FALSE(mending.due(web_is_narrow, soon).empty());
    mending.tried({}, soon);

    // Once it is taken, whoever undoes it begins his own five.
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(mending.due(web_is_narrow, 2000s + i * 10s).empty());
        mending.tried({}, 2000s + i * 10s);
    }
    CHECK(mending.due(web_is_narrow, 2055s).empty());
    CHECK(mending.contested() == web_is_narrow);
}

TEST_CASE("one that is fought over does not hold up the others, nor other things of its own", "[mending]") {
    Mending mending;
    for (int i = 0; i < 5; ++i) {
        mending.due(web_is_narrow, 1000s + i * 10s);
        mending.tried({}, 1000s + i * 10s);
    }
    Drift more = web_is_narrow;
    more.networks["lan"] = {{"lan", "presence", "there", "missing"}};
    CHECK(mending.due(more, 1050s) == Parts{.networks = {"lan"}});
    mending.tried({}, 1050s);
    more.networks["web"].push_back({"web", "presence", "there", "missing"});
    CHECK(mending.due(more, 1055s) == Parts{.networks = {"lan", "web"}});
    CHECK(mending.due(more, 1056s).empty());
}

TEST_CASE("what waits for a NIC, for Open vSwitch or for a guest is not tried", "[mending]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}, {"db", {{"nic", "eth1"}}}, {"lab", told::json::object()}}}});
    house.lose("db");
    house.kernel.pull_out("eth0");
    house.look();
    const Drift drift = find_drift(house.now);
    REQUIRE(drift.networks.size() == 2);
    const Drift curable = observe::curable(drift, house.now, always);
    CHECK(curable.networks.size() == 1);
    CHECK(curable.networks.contains("db"));

    House switched{"eth0"};
    switched.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}}}}}});
    switched.meddle([] { bridges::Link down{name("eth0")}; down.up = false; return down; }());
    CHECK_FALSE(observe::curable(find_drift(switched.now), switched.now, always).empty());
    switched.now.ovs_connected = false;
    CHECK(observe::curable(find_drift(switched.now), switched.now, always).empty());
}

TEST_CASE("a guest that is gone is drift, and nothing that could be mended", "[mending]") {
    House house{"eth0"};
    house.define({{"networks", {{"lab", told::json::object()}}}});
    auto nic = told::nic("guest1", "lab");
    nic.kind = intent::GuestKind::netns;
    house.plug(nic);
    house.lose(told::port_of(nic));
    const Drift drift = find_drift(house.now);
    REQUIRE(drift.networks.contains("lab"));
    CHECK_FALSE(observe::curable(drift, house.now, always).empty());
    CHECK(observe::curable(drift, house.now, never).empty());
}

TEST_CASE("a network whose watcher is gone is as it shall be, and mirrored again when it is back", "[mending]") {
    House house{"eth0"};
    house.define({{"networks", {{"lan", told::json::object()}, {"mon", told::json::object()}}}});
    auto watcher = told::nic("probe", "mon", 2);
    watcher.kind = intent::GuestKind::netns;
    watcher.port_mirroring = {*topology::NetworkName::parse("lan")};
    house.plug(told::nic("guest1", "lan"));
    house.plug(watcher);
    REQUIRE(find_drift(house.now) == Drift{});
    const auto mend = [&] {
        const auto goal = lower::goal(house.now.running, house.now.running, lower::everything(house.now.running), house.now.host());
        REQUIRE(apply::reach(goal.wanted, goal.scope, {house.kernel, house.ovs}, std::chrono::steady_clock::now() + 60s));
        house.look();
    };
    house.now.has_namespace = [](const std::string&, const auto&) { return false; };
    house.lose(told::port_of(watcher));
    mend();
    const Drift drift = find_drift(house.now);
    CHECK(drift.networks.contains("mon"));
    CHECK_FALSE(drift.networks.contains("lan"));
    CHECK(observe::curable(drift, house.now, [](const intent::GuestNic& nic) { return nic.kind != intent::GuestKind::netns; }).empty());
    house.now.has_namespace = lower::has_any_namespace;
    CHECK(find_drift(house.now).networks.contains("lan"));
    mend();
    CHECK(find_drift(house.now) == Drift{});
}

TEST_CASE("a bond's port that is missing is told, and the bond is as it can be without it", "[mending]") {
    House house{"eth0", "eth1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}}}}}, {"networks", {{"web", {{"bonding", "bond0"}}}}}});
    house.kernel.pull_out("eth1");
    house.look();
    const Drift drift = find_drift(house.now);
    CHECK(drift.networks == Drift::Deviations{{"web", {{"eth1", "presence", "there", "missing"}}}});
    CHECK(observe::curable(drift, house.now, always).empty());
    const auto there = lower::attainable(house.now.running, {house.now.observed.kernel, true});
    REQUIRE(there.bonds().size() == 1);
    CHECK(there.bonds().begin()->nics == std::set{name("eth0")});
    CHECK(there.networks().size() == 1);
}

TEST_CASE("what waited for a NIC is brought about though drift is left, and what somebody changed is not", "[mending]") {
    House house{"eth0", "eth1", "eth2", "eth3"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}}}}},
                  {"networks", {{"web", {{"bonding", "bond0"}}}, {"lab", {{"nic", "eth2"}}}, {"dmz", {{"nic", "eth3"}}}, {"lan", told::json::object()}}}});
    observe::LeftOut left_out;
    observe::Snapshot was;
    Drift drift;
    const auto hear = [&] {
        house.look();
        left_out.follow(was, house.now, drift);
        was = house.now;
    };
    const auto look = [&] {
        hear();
        drift = find_drift(house.now);
        left_out.look(house.now, drift);
        return left_out.of(observe::curable(drift, house.now, always)).networks;
    };
    CHECK(look().empty());
    for (const char* device : {"lan", "dmz"}) {
        bridges::Link link{name(device)};
        link.mtu = intent::Mtu::observed(1400);
        house.meddle(link);
    }
    CHECK(look().empty());
    const auto nics = {"eth1", "eth2", "eth3"};
    for (const char* nic : nics) house.kernel.pull_out(nic);
    hear();  // nobody looks before they are back
    for (const char* nic : nics) house.kernel.plug_in(nic);
    const auto due = look();
    CHECK((due.size() == 2 && due.contains("web") && due.contains("lab")));
}

TEST_CASE("an address that others added is no drift, and one that is missing beside it is", "[mending]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}});
    bridges::Link web{name("web")};
    web.addresses = {{*topology::Subnet::parse("192.0.2.10/24"), *topology::Subnet::parse("198.51.100.1/24")}};
    house.meddle(web);
    CHECK(find_drift(house.now) == Drift{});
    web.addresses = {{*topology::Subnet::parse("198.51.100.1/24")}};
    house.meddle(web);
    const Drift drift = find_drift(house.now);
    REQUIRE(drift.networks.contains("web"));
    CHECK(drift.networks.at("web").front().attribute == "addresses");
}

TEST_CASE("a network is down when its wire is gone for longer than the grace time, and up at once", "[mending]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}, {"lab", told::json::object()}}}});
    observe::Snapshot now = house.now;
    const auto carrier = [&](bool carrier) {
        bridges::Link link = *now.observed.kernel.links.find(name("eth0"));
        link.facts.carrier = carrier;
        now.observed.kernel.links.put(link);
    };
    observe::Carriers carriers(30s);
    carrier(true);
    CHECK(carriers.look(now, 100s).empty());
    CHECK_FALSE(carriers.next());
    carrier(false);
    CHECK(carriers.look(now, 200s).empty());
    CHECK(carriers.next() == 230s);
    CHECK(carriers.look(now, 229s).empty());
    CHECK(carriers.look(now, 230s) == std::vector<observe::Event>{{"network.down", "web", {{"device", "eth0"}, {"seconds", "30"}, {"why", "no carrier"}}}});
    CHECK(carriers.look(now, 300s).empty());
    CHECK(carriers.down() == std::set<std::string>{"web"});
    CHECK_FALSE(carriers.next());
    carrier(true);
    CHECK(carriers.look(now, 301s) == std::vector<observe::Event>{{"network.up", "web", {{"device", "eth0"}}}});
    CHECK(carriers.down().empty());

    // Who goes to a NIC that has no carrier either stays down.
    carrier(false);
    std::ignore = carriers.look(now, 400s);
    CHECK(carriers.look(now, 430s).size() == 1);
    house.define({{"networks", {{"web", {{"nic", "eth1"}}}}}});
    now.running = house.now.running;
    bridges::Link other = *now.observed.kernel.links.find(name("eth1"));
    other.facts.carrier = false;
    now.observed.kernel.links.put(other);
    CHECK(carriers.look(now, 431s).empty());
    CHECK(carriers.down() == std::set<std::string>{"web"});
    CHECK(carriers.look(now, 500s).empty());
    other.facts.carrier = true;
    now.observed.kernel.links.put(other);
    CHECK(carriers.look(now, 501s) == std::vector<observe::Event>{{"network.up", "web", {{"device", "eth1"}}}});
}

namespace {

const Deviation wide{"web", "mtu", "1500", "9000"}, narrow{"web", "mtu", "1500", "1400"}, gone{"web", "presence", "there", "missing"};
Drift::Deviations of_web(std::vector<Deviation> deviations) { return {{"web", std::move(deviations)}}; }

// What is told in turn when that is what deviates in turn: found, repaired.
void require_told(observe::DriftNews& news, const Drift::Deviations& now, const Drift::Deviations& found, const Drift::Deviations& repaired) {
    const auto told = news.hear(now);
    CHECK(told.found == found);
    CHECK(told.repaired == repaired);
}

}  // namespace

TEST_CASE("what is found otherwise than before is found anew, and is repaired once, when it is as defined", "[mending]") {
    observe::DriftNews news;
    require_told(news, of_web({narrow}), of_web({narrow}), {});
    require_told(news, of_web({narrow}), {}, {});
    require_told(news, of_web({wide}), of_web({wide}), {});
    require_told(news, {}, {}, of_web({wide}));
    require_told(news, {}, {}, {});
}

TEST_CASE("what is missing repairs nothing, and what is there again is repaired when nothing of it deviates", "[mending]") {
    const Deviation port{"eno1", "master.of", "web", "none"};
    observe::DriftNews news;
    require_told(news, of_web({narrow, port}), of_web({narrow, port}), {});
    require_told(news, of_web({gone, port}), of_web({gone}), {});
    require_told(news, of_web({wide, port}), of_web({wide}), {});
    require_told(news, of_web({wide}), {}, of_web({port}));
    require_told(news, {}, {}, of_web({wide, gone}));
    require_told(news, of_web({gone}), of_web({gone}), {});
}

}  // namespace mending_test
