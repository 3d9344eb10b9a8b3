// Two cards come back in each other's name, and one of them late: nobody is on the wire of another network meanwhile.
#include "netd/lower/wrong_wire.hpp"

#include "netd/lower/follow_guests.hpp"
#include "netd/observe/mending.hpp"
#include "tests/netd/host_house.hpp"
#include "tests/netd/transaction_house.hpp"

namespace wrong_wire_test {

using bridges::Link;
using bridges::Master;
using intent::GuestNic;
using intent::SwitchKind;
using told::name;
using topology::IfName;
using topology::Owner;

namespace {

const auto away = name("enx020000000001");
// The first card is away, and the second has its name; later the first one comes by the second one's.
const intent::Renames late{{name("eno1"), away}, {name("eno2"), name("eno1")}};
const intent::Renames swapped{{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}, {away, name("eno2")}};
const auto tag = *topology::VlanId::from(100);
const auto mac = *topology::Mac::parse("52:54:00:00:00:01");

// `web` and `db` have the same tag, each on its card.
intent::Intent networks_on(const IfName& web, const IfName& db, SwitchKind kind) {
    intent::Intent intent;
    for (const auto& [called, nic] : {std::pair("web", web), std::pair("db", db)}) {
        intent::Network network{*intent::NetworkName::parse(called)};
        network.nic = nic;
        network.vlan = tag;
        network.switch_kind = kind;
        intent.put(network);
    }
    return intent;
}

GuestNic adopted_by(const char* network) {
    GuestNic nic{"vm", mac};
    nic.kind = intent::GuestKind::libvirt;
    nic.network = network;
    nic.adopted = name("vnet0");
    return nic;
}

Link bridge_of_base(const char* called, const char* nic) {
    Link link{name(called)};
    link.kind = bridges::Bridge{};
    link.owner = Owner::ours(std::string("base ") + nic);
    return link;
}

Link tap(const char* called, std::optional<IfName> bridge = {}) {
    Link link{name(called)};
    link.kind = bridges::Tap{};
    link.master = Master{std::move(bridge)};
    return link;
}

ovs::Port row_on(const IfName& called, const char* bridge) {
    ovs::Port row{called};
    row.bridge = name(bridge);
    row.tagging = ovs::Access{tag};
    return row;
}

// As the hypervisor goes on telling it.
guests::State guest_on(const char* bridge, const char* network) {
    guests::State state;
    state.domains.put({.name = "vm", .active = true});
    guests::Nic nic{"vm", mac};
    nic.device = name("vnet0");
    nic.facts = {.bridge = bridge, .network = network, .tags = {100}};
    state.nics.put(nic);
    return state;
}

// A host in memory whose cards go and come.
struct Cards {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    house::Disk disk;
    apply::Transactor transactor{{kernel, ovs}, disk.open(), clock};

    void come(const char* called, const char* peer, std::optional<topology::Mac> card) {
        Link link{name(called)};
        link.kind = bridges::Veth{std::nullopt, name(peer), std::nullopt};
        link.mac = card;
        REQUIRE(kernel.meddle(topology::Create<Link>{link}));
        REQUIRE(kernel.hear());
    }
    apply::Outcome mend() {
        const intent::Intent there = lower::attainable(transactor.standing(), {kernel.state(), true});
        return transactor.mend(there, lower::everything(there));
    }
    void meddle(const Link& change) {
        REQUIRE(kernel.meddle(topology::Update<Link>{Link{change.name}, change}));
        REQUIRE(kernel.hear());
    }
    const Link& link(const IfName& called) const {
        const Link* found = kernel.truth().links.find(called);
        if (!found) FAIL("there is no " << called.text());
        return *found;
    }
};

const GuestNic of_web = told::nic("one", "web", 1), of_db = told::nic("two", "db", 2);

// `web` waits for its card, whose name and bridge are those of `db` now.
struct LateCard : Cards {
    std::optional<topology::Mac> first, second;

    LateCard() {
        std::ignore = transactor.recover();
        constexpr const char* request = R"({"networks": {"web": {"nic": "eno1", "vlan": 100, "switch": "vlan-aware", "ipaddr": "192.0.2.10", "prefix": 24},
                                                         "db": {"nic": "eno2", "vlan": 100, "switch": "vlan-aware"}}})";
        intent::Intent wanted = house::wanted(request, {}, kernel);
        wanted.put(of_web);
        wanted.put(of_db);
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted, house::unasked)));
        first = link(name("eno1")).mac, second = link(name("eno2")).mac;
        REQUIRE(link(lower::port_of(of_web)).master == Master{name("vb-eno1")});
        kernel.pull_out("eno1");
        kernel.pull_out("eno2");
        REQUIRE(kernel.hear());
        come("eno1", "1one", second);
        REQUIRE(transactor.follow_names());
        REQUIRE(std::holds_alternative<apply::Committed>(mend()));
    }
    // Somebody else does.
    void put_back_on_the_wrong_wire() {
        Link port{lower::port_of(of_web)}, device{name("web")};
        port.master = Master{name("vb-eno1")};
        device.up = true;
        meddle(port);
        meddle(device);
    }
    bool is_off() const { return link(lower::port_of(of_web)).master == Master{} && link(name("web")).up == false; }
    intent::Intent with_lan() const { return house::wanted(R"({"networks": {"lan": {}}})", transactor.running(), kernel); }
    observe::Snapshot seen() const {
        observe::Snapshot seen;
        seen.observed = {kernel.state(), ovs.state()};
        seen.running = transactor.running();
        seen.abilities = kernel.abilities();
        seen.ovs_connected = true;
        seen.ovs_datapath = ovs.default_datapath();
        seen.renamed = transactor.renames();
        return seen;
    }
};

}  // namespace

TEST_CASE("guests of a network whose card is away are not on the wire of the card that has its name", "[wrong-wire]") {
    LateCard host;
    CHECK(host.link(name("eno1")).master == Master{name("vb-eno1")});
    CHECK(host.link(lower::port_of(of_db)).master == Master{name("vb-eno1")});
    CHECK(host.link(lower::port_of(of_web)).master == Master{});
    CHECK(host.link(name("web")).up == false);

    host.come("eno2", "2one", host.first);
    REQUIRE(host.transactor.follow_names());
    REQUIRE(std::holds_alternative<apply::Committed>(host.mend()));
    CHECK(host.link(lower::port_of(of_web)).master == Master{name("vb-eno2")});
    CHECK(host.link(lower::port_of(of_db)).master == Master{name("vb-eno1")});
    CHECK(host.link(name("web")).up == true);
    CHECK_FALSE(std::get<apply::Committed>(host.mend()).changed);
}

TEST_CASE("a dry run tells what is taken off a wrong wire", "[wrong-wire]") {
    LateCard host;
    const auto subjects = [&] {
        std::set<std::string> subjects;
        for (const auto& step : apply::preview(host.transactor.running(), host.with_lan(), {}, host.seen().observed, host.seen().host())) subjects.insert(plan::subject(step.op));
        return subjects;
    };
    CHECK(subjects() == std::set<std::string>{"lan"});
    host.put_back_on_the_wrong_wire();
    CHECK(subjects() == std::set<std::string>{"lan", "web", told::port_of(of_web)});
}

TEST_CASE("a way back leads nobody to a wrong wire again", "[wrong-wire]") {
    LateCard host;
    host.put_back_on_the_wrong_wire();
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(host.with_lan(), house::to_be_confirmed)));
    CHECK(host.is_off());
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "lan", "nobody confirmed it"})));
    CHECK(host.is_off());
    CHECK_FALSE(host.kernel.truth().links.contains(name("lan")));

    // Who was not on the way, since he came later, is mended by itself.
    REQUIRE(std::holds_alternative<apply::Committed>(host.mend()));
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(host.with_lan(), house::to_be_confirmed)));
    host.put_back_on_the_wrong_wire();
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "lan", "nobody confirmed it"})));
    CHECK_FALSE(host.is_off());
    REQUIRE(std::holds_alternative<apply::Committed>(host.mend()));
    CHECK(host.is_off());

    // Nor if the change was about that very port.
    host.put_back_on_the_wrong_wire();
    intent::Intent without = host.transactor.running();
    without.remove(of_web.key());
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(without, house::to_be_confirmed)));
    CHECK_FALSE(host.kernel.truth().links.contains(lower::port_of(of_web)));
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "vm", "nobody confirmed it"})));
    CHECK(host.is_off());
}

TEST_CASE("what comes to a wrong wire is taken off it though its network waits", "[wrong-wire]") {
    LateCard host;
    const auto curable = [&] {
        const observe::Snapshot seen = host.seen();
        return observe::curable(observe::find_drift(seen), seen, [](const GuestNic&) { return true; });
    };
    CHECK(curable().empty());
    host.put_back_on_the_wrong_wire();
    const observe::Drift astray = curable();
    REQUIRE(astray.networks.size() == 1);
    std::set<std::string> subjects;
    for (const auto& deviation : astray.networks.at("web")) subjects.insert(deviation.subject);
    CHECK(subjects == std::set<std::string>{"web", told::port_of(of_web)});
    const intent::Intent there = lower::attainable(host.transactor.standing(), {host.kernel.state(), true});
    REQUIRE(std::holds_alternative<apply::Committed>(host.transactor.mend(there, lower::within(lower::touched_by_names({"web"}, {}, {}, there), there))));
    CHECK(host.is_off());
    CHECK(curable().empty());
}

TEST_CASE("beside a change that waits no card is taken for the one whose name it has", "[wrong-wire]") {
    Cards host;
    std::ignore = host.transactor.recover();
    constexpr const char* request = R"({"networks": {"web": {"nic": "eno1", "vlan": 100, "switch": "vlan-aware"}, "db": {"nic": "eno2", "vlan": 100, "switch": "vlan-aware"}}})";
    REQUIRE(std::holds_alternative<apply::Committed>(host.transactor.begin(house::wanted(request, {}, host.kernel), house::unasked)));
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(house::wanted(R"({"networks": {"lan": {}}})", host.transactor.running(), host.kernel), house::to_be_confirmed)));
    const auto second = host.link(name("eno2")).mac;
    host.kernel.pull_out("eno1");
    host.kernel.pull_out("eno2");
    REQUIRE(host.kernel.hear());
    host.come("eno1", "1one", second);
    REQUIRE_FALSE(host.transactor.follow_names());
    const auto left = host.mend();
    REQUIRE(std::holds_alternative<apply::RolledBack>(left));
    CHECK(std::get<apply::RolledBack>(left).because.fault == topology::Fault::busy);
    CHECK(host.link(name("eno1")).master == Master{});

    REQUIRE(std::holds_alternative<apply::Committed>(host.transactor.confirm()));
    REQUIRE(host.transactor.follow_names());
    REQUIRE(std::holds_alternative<apply::Committed>(host.mend()));
    CHECK(host.link(name("eno1")).master == Master{name("vb-eno1")});
    CHECK(host.transactor.running().network("db")->nic == name("eno1"));
}

TEST_CASE("a port of the hypervisor's is taken off the wrong wire, and goes home when there is a bridge", "[wrong-wire]") {
    bridges::State kernel;
    kernel.links.put(tap("vnet0", name("vb-eno1")));
    kernel.links.put(bridge_of_base("vb-eno1", "eno1"));
    intent::Intent waiting = networks_on(away, name("eno1"), SwitchKind::vlan_aware);
    waiting.put(adopted_by("web"));
    lower::Host host{kernel};
    lower::Goal goal;
    lower::keep_off_wrong_wires(goal, waiting, host);
    CHECK(goal.wanted == lower::HostState());
    host.renames = &late;
    lower::keep_off_wrong_wires(goal, waiting, host);
    REQUIRE(goal.wanted.kernel.links.contains(name("vnet0")));
    CHECK(goal.wanted.kernel.links.find(name("vnet0"))->master == Master{});
    CHECK(goal.scope.links == std::set{name("vnet0")});

    kernel.links.put(tap("vnet0"));
    kernel.links.put(bridge_of_base("vb-eno2", "eno2"));
    intent::Intent there = networks_on(name("eno2"), name("eno1"), SwitchKind::vlan_aware);
    there.put(adopted_by("web"));
    goal = {};
    host.renames = &swapped;
    lower::keep_off_wrong_wires(goal, there, host);
    const Link* home = goal.wanted.kernel.links.find(name("vnet0"));
    REQUIRE(home);
    CHECK(home->master == Master{name("vb-eno2")});
    CHECK(home->vlans == bridges::PortVlans{.untagged = tag});

    // Who is at home stays there, and of db's nothing is said.
    kernel.links.put(tap("vnet0", name("vb-eno2")));
    goal = {};
    lower::keep_off_wrong_wires(goal, there, host);
    CHECK(goal.wanted == lower::HostState());
    there.put(adopted_by("db"));
    kernel.links.put(tap("vnet0", name("vb-eno1")));
    lower::keep_off_wrong_wires(goal, there, host);
    CHECK(goal.wanted == lower::HostState());
}

TEST_CASE("on Open vSwitch netd's own port is taken away, and the hypervisor's carries nothing until it can go home", "[wrong-wire]") {
    const GuestNic own = told::nic("one", "web", 2);
    bridges::State kernel;
    kernel.links.put(tap("vnet0"));
    kernel.links.put(tap(told::port_of(own).c_str()));
    ovs::State switched;
    ovs::Bridge bridge{name("ovs-eno1")};
    bridge.owner = Owner::ours("base eno1");
    switched.bridges.put(bridge);
    switched.ports.put(row_on(name("vnet0"), "ovs-eno1"));
    ovs::Port its = row_on(lower::port_of(own), "ovs-eno1");
    its.owner = Owner::ours("nic 52:54:00:00:00:02 of one");
    switched.ports.put(its);
    lower::Host host{kernel};
    host.switched = &switched;
    host.renames = &late;
    intent::Intent waiting = networks_on(away, name("eno1"), SwitchKind::ovs);
    waiting.put(adopted_by("web"));
    waiting.put(own);
    lower::Goal goal;
    lower::keep_off_wrong_wires(goal, waiting, host);
    CHECK(goal.scope.ports == std::set{name("vnet0"), its.name});
    CHECK_FALSE(goal.wanted.ovs.ports.contains(its.name));
    REQUIRE(goal.wanted.ovs.ports.contains(name("vnet0")));
    CHECK(goal.wanted.ovs.ports.find(name("vnet0"))->tagging == ovs::Tagging(ovs::Nowhere{}));

    // It is drift that is mended, as soon as Open vSwitch answers.
    observe::Snapshot seen;
    seen.running = waiting;
    seen.observed = {kernel, switched};
    seen.renamed = late;
    seen.ovs_connected = true;
    const auto is_curable = [&] { return observe::curable(observe::find_drift(seen), seen, [](const GuestNic&) { return true; }).networks.contains("web"); };
    CHECK(is_curable());
    seen.ovs_silent = true;
    CHECK_FALSE(is_curable());

    // Nor does a way back lead there.
    goal = {};
    goal.wanted.ovs = switched;
    goal.scope.include(goal.wanted);
    lower::keep_off_wrong_wires(goal, waiting, host);
    CHECK_FALSE(goal.wanted.ovs.ports.contains(its.name));
    CHECK(goal.wanted.ovs.ports.find(name("vnet0"))->tagging == ovs::Tagging(ovs::Nowhere{}));

    ovs::Bridge home{name("ovs-eno2")};
    goal = {};
    goal.wanted.ovs.bridges.put(home);
    intent::Intent there = networks_on(name("eno2"), name("eno1"), SwitchKind::ovs);
    there.put(adopted_by("web"));
    host.renames = &swapped;
    lower::keep_off_wrong_wires(goal, there, host);
    const ovs::Port* moved = goal.wanted.ovs.ports.find(name("vnet0"));
    REQUIRE(moved);
    CHECK(moved->bridge == home.name);
    CHECK(moved->tagging == ovs::Tagging(ovs::Access{tag}));
}

TEST_CASE("who was plugged into a bridge by the name that it had belongs to its network of then", "[wrong-wire]") {
    bridges::State kernel;
    kernel.links.put(tap("vnet0"));
    lower::Host host{kernel};
    intent::Intent running = networks_on(away, name("eno1"), SwitchKind::ovs);
    const auto network = [&](const guests::State& told, const intent::Renames& renames) {
        host.guests = &told;
        host.renames = &renames;
        const intent::Intent wanted = lower::follow_guests(running, host).wanted;
        return wanted.nics().empty() ? "" : (*wanted.nics().begin()).network;
    };
    // By the network's own name; of one that is told by the bridge alone nobody knows more.
    CHECK(network(guest_on("ovs-eno1", "web"), late) == "web");
    CHECK(network(guest_on("ovs-eno1", "web"), {}) == "db");
    CHECK(network(guest_on("ovs-eno1", ""), late) == "db");
    // But of one that is known.
    running.put(adopted_by("web"));
    CHECK(network(guest_on("ovs-eno1", ""), late) == "web");
    CHECK(network(guest_on("ovs-eno1", "db"), late) == "db");
    running.put(adopted_by("db"));
    CHECK(network(guest_on("ovs-eno2", ""), late) == "db");
    CHECK(network(guest_on("virbr0", ""), late).empty());
}

}  // namespace wrong_wire_test
