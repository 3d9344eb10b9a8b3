// Guests of a hypervisor: how their NICs are planned, and how what they do by themselves is followed.
#include "netd/daemon/nic_request.hpp"
#include "netd/observe/build_graph.hpp"
#include "tests/netd/guests_house.hpp"

namespace guests_test {

using namespace house;

TEST_CASE("a guest's NIC is plugged in last and let go first") {
    GuestHost host;
    intent::Intent with_nic = host.transactor.running();
    with_nic.put(nic_on("web"));
    const auto goal = apply::goal_of(host.transactor.running(), with_nic, unasked, host.seen());
    const auto steps = plan::make(goal.wanted, lower::restricted(observe::state_of({host.kernel, host.ovs, host.hypervisor}), goal.scope));
    REQUIRE(steps.size() > 1);
    CHECK(std::holds_alternative<guests::Op>(steps.back().op));
    CHECK(plan::describe(steps.back().op) == "create NIC 52:54:00:00:00:01 of vm");

    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    const auto back = apply::goal_of(with_nic, wanted(networks, {}, host.kernel), unasked, host.seen());
    const auto undo = plan::make(back.wanted, lower::restricted(observe::state_of({host.kernel, host.ovs, host.hypervisor}), back.scope));
    REQUIRE(undo.size() > 1);
    CHECK(std::holds_alternative<guests::Op>(undo.front().op));
}

TEST_CASE("plugging the same in twice does nothing the second time") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    REQUIRE(host.has_port());
    const auto deeds = host.kernel.applied();
    const auto again = host.put(nic_on("web"));
    REQUIRE(is<apply::Committed>(again));
    CHECK_FALSE(std::get<apply::Committed>(again).changed);
    CHECK(host.kernel.applied() == deeds);
    CHECK(host.hypervisor.applied == 1);
}

TEST_CASE("where the hypervisor refuses, no port is left") {
    GuestHost host;
    const auto before = host.kernel.truth();
    host.hypervisor.migrating = {"vm"};
    const auto outcome = host.put(nic_on("web"));
    REQUIRE(is<apply::RolledBack>(outcome));
    CHECK(std::get<apply::RolledBack>(outcome).because.fault == topology::Fault::busy);
    require_same(before, host.kernel.truth());
    CHECK(host.transactor.running().nics().empty());
}

TEST_CASE("of an update null takes away, what is left out stays, and a nic of null is none") {
    GuestNic nic = nic_on("web");
    nic.vlan = *topology::VlanId::from(7);
    nic.mtu = topology::Mtu::observed(1400);
    const bool is_beside = GENERATE(true, false);
    nlohmann::json params = {{"vmId", "vm"}, {"macAddr", mac.text()}, {"nic", nullptr}}, changes = {{"network", nullptr}, {"vlan", nullptr}, {"linkActive", false}, {"macAddr", nullptr}};
    if (!is_beside) params["nic"] = changes;
    else for (const char* key : {"network", "vlan", "linkActive"}) params[key] = changes[key];
    intent::Complaints complaints;
    netd::read_changes(params, nic, complaints);
    GuestNic expected = nic_on("");
    expected.mtu = topology::Mtu::observed(1400);
    expected.link_active = false;
    CHECK(complaints.empty());
    CHECK(nic == expected);
}

TEST_CASE("a NIC that is plugged in once more has the queues it has, unless others are asked for") {
    GuestNic known = nic_on("web");
    known.queues = 4;
    const auto queues = [&](const nlohmann::json& described) {
        GuestNic nic = nic_on("web");
        nic.queues = 2;
        netd::keep_what_lasts(described, known, nic);
        return nic.queues;
    };
    CHECK(queues({{"network", "web"}}) == 4);
    CHECK(queues({{"queues", nullptr}}) == 4);
    CHECK(queues({{"queues", 2}}) == 2);
}

TEST_CASE("a NIC moves to another network without the guest losing it; the cable follows") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    REQUIRE(is<apply::Committed>(host.put(nic_on("db"))));
    CHECK(host.hypervisor.applied == 1);
    CHECK(host.kernel.truth().links.find(topology::IfName::observed(host.port))->master->of->text() == "db");
    REQUIRE(is<apply::Committed>(host.put(nic_on(""))));
    CHECK(host.hypervisor.state().nics.find({"vm", mac})->link == false);
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    CHECK(host.hypervisor.state().nics.find({"vm", mac})->link == true);
    CHECK(host.hypervisor.applied == 3);
}

TEST_CASE("the port of a domain that is gone goes") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    host.hypervisor.stop("vm");
    host.follow();
    CHECK(host.transactor.running().nics().empty());
    CHECK_FALSE(host.has_port());
}

TEST_CASE("while the hypervisor is away nothing is concluded, and networks change all the same") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    host.hypervisor.connect(false);
    host.follow();
    CHECK(host.transactor.running().nics().size() == 1);
    const auto moved = wanted(R"({"networks": {"web": {"nic": "eno1", "mtu": 9000}}})", host.transactor.running(), host.kernel);
    REQUIRE(is<apply::Committed>(host.transactor.begin(moved, unasked)));
    CHECK(host.has_port());
}

TEST_CASE("a NIC that is awaited keeps its port until its domain is there") {
    GuestHost host;
    GuestNic nic = nic_on("web");
    nic.vm = "coming";
    nic.incoming = true;
    REQUIRE(is<apply::Committed>(host.put(nic)));
    host.follow();
    CHECK(host.transactor.running().nics().size() == 1);
    Nic brought = lower::guest_device(nic, host.transactor.running(), host.seen());
    brought.facts.ours = true;
    host.hypervisor.start("coming");
    host.hypervisor.plug_by_itself(brought);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    CHECK_FALSE(host.transactor.running().nics().begin()->incoming);
    host.hypervisor.stop("coming");
    host.follow();
    CHECK(host.transactor.running().nics().empty());
}

TEST_CASE("a NIC of a plug that was taken back is a stray") {
    GuestHost host;
    Nic left = lower::guest_device(nic_on("web"), host.transactor.running(), host.seen());
    left.facts.ours = true;
    host.hypervisor.plug_by_itself(left);
    host.hypervisor.hear();
    CHECK(lower::follow_guests(host.transactor.running(), host.seen()).strays == std::vector<Nic::Key>{{"vm", mac}});
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    CHECK(lower::follow_guests(host.transactor.running(), host.seen()).strays.empty());
}

TEST_CASE("a NIC whose definition was lost is known again by its port, with all that the port tells") {
    GuestHost host;
    GuestNic nic = nic_on("web");
    nic.filter = topology::FilterLevel::strict;
    nic.filter_parameters = {{*topology::IpAddress::parse("10.0.0.5")}};
    nic.isolated = true;
    nic.mtu = intent::Mtu::observed(1400);
    nic.spec_params.inbound = intent::Bandwidth{2000, {}, 100};
    for (const bool is_switched : {false, true}) {
        CAPTURE(is_switched);
        if (is_switched) {
            REQUIRE(is<apply::Committed>(host.transactor.begin(wanted(R"({"networks": {"sdn": {"nic": "eno3", "switch": "ovs", "vlan": 10}, "sdn2": {"nic": "eno3", "switch": "ovs", "vlan": 20}}})", host.transactor.running(), host.kernel), unasked)));
            nic.network = "sdn2";
        }
        REQUIRE(is<apply::Committed>(host.put(nic)));
        intent::Intent forgotten = host.transactor.running();
        forgotten.remove(nic.key());
        const auto followed = lower::follow_guests(forgotten, host.seen());
        CHECK(followed.strays.empty());
        CHECK(followed.recognised == std::vector<Nic::Key>{{"vm", mac}});
        REQUIRE(followed.wanted.nics().contains(nic.key()));
        CHECK(*followed.wanted.nics().find(nic.key()) == nic);
    }
    // Nobody can tell where it is, or its network is not to be found: nothing is done to it.
    intent::Intent forgotten = host.transactor.running();
    forgotten.remove(nic.key());
    host.ovs.connect(false);
    CHECK(lower::follow_guests(forgotten, host.seen()).unplaced == std::vector<Nic::Key>{{"vm", mac}});
    host.ovs.connect(true);
    intent::Intent lost = wanted(R"({"networks": {"sdn": {"remove": true}}})", host.transactor.running(), host.kernel);
    lost.remove(nic.key());
    lost.remove(*topology::NetworkName::parse("sdn2"));
    const auto followed = lower::follow_guests(lost, host.seen());
    CHECK(followed.wanted == lost);
    CHECK(followed.strays.empty());
    CHECK(followed.unplaced == std::vector<Nic::Key>{{"vm", mac}});
}

TEST_CASE("a NIC is its guest's under the words it was asked for with, by the domain's name and by its UUID in any case") {
    GuestHost host;
    const std::string uuid = "ABCDEF00-0000-4000-8000-00000000000C", small = "abcdef00-0000-4000-8000-00000000000c";
    GuestNic nic = nic_on("web");
    nic.vm = uuid;
    nic.incoming = true;
    REQUIRE(is<apply::Committed>(host.put(nic)));
    const auto found = [&](const std::string& vm) { return lower::find_nic(host.transactor.running(), vm, mac, host.hypervisor.state()); };
    CHECK(found(uuid));
    CHECK(found(small));
    CHECK_FALSE(found("coming"));
    Nic brought = lower::guest_device(nic, host.transactor.running(), host.seen());
    brought.domain = "coming";
    brought.facts.ours = true;
    host.hypervisor.start("coming", small);
    host.hypervisor.plug_by_itself(brought);
    host.follow();
    REQUIRE(found("coming"));
    CHECK_FALSE(found("coming")->incoming);
    CHECK(found("coming")->vm == uuid);
    CHECK(found(small) == found(uuid));
    CHECK_FALSE(found("vm"));
    // Its port's mark says under which words it was plugged in, should the definition be lost.
    intent::Intent forgotten = host.transactor.running();
    forgotten.remove(nic.key());
    CHECK(lower::follow_guests(forgotten, host.seen()).wanted.nics().contains(nic.key()));
    // And what is changed of it is changed in its domain.
    GuestNic drawn = *found("coming");
    drawn.link_active = false;
    REQUIRE(is<apply::Committed>(host.put(drawn)));
    CHECK(host.hypervisor.state().nics.find({"coming", mac})->link == false);
    host.hypervisor.stop("coming");
    host.follow();
    CHECK(host.transactor.running().nics().empty());
}

TEST_CASE("a tap that was made anew is no good to its guest, which lets go of the NIC and gets it again") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    const GuestNic::Key key = nic_on("web").key();
    const bridges::Link* tap = host.kernel.truth().links.find(topology::IfName::observed(host.port));
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Remove<bridges::Link>{*tap})));
    REQUIRE(host.kernel.hear());
    const auto applied = host.hypervisor.applied;
    REQUIRE(is<apply::Committed>(host.transactor.mend(host.transactor.running(), {.nics = {key}})));
    CHECK(host.hypervisor.applied == applied + 2);
    CHECK(host.has_port());
    CHECK(host.hypervisor.state().nics.contains({"vm", mac}));
}

TEST_CASE("somebody's device of the name of a new NIC's port stays his, and netd's own that lost its mark is netd's still") {
    GuestHost host;
    GuestNic nic = nic_on("web");
    nic.kind = intent::GuestKind::tap;
    bridges::Link theirs{topology::IfName::observed(host.port)};
    theirs.kind = bridges::Tap{};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{theirs})));
    REQUIRE(host.kernel.hear());
    const auto before = host.kernel.truth();
    for (const auto kind : {intent::GuestKind::tap, intent::GuestKind::libvirt}) {
        nic.kind = kind;
        const auto outcome = host.put(nic);
        REQUIRE(is<apply::RolledBack>(outcome));
        CHECK(std::get<apply::RolledBack>(outcome).because.fault == topology::Fault::conflict);
        require_same(before, host.kernel.truth());
        CHECK(host.transactor.running().nics().empty());
    }
    nic.kind = intent::GuestKind::tap;
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Remove<bridges::Link>{*host.kernel.truth().links.find(theirs.name)})));
    REQUIRE(host.kernel.hear());
    REQUIRE(is<apply::Committed>(host.put(nic)));

    const bridges::Link made = *host.kernel.truth().links.find(theirs.name);
    bridges::Link bare{made.name};
    bare.owner = topology::Owner::foreign();
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{made, bare})));
    REQUIRE(host.kernel.hear());
    REQUIRE_FALSE(host.kernel.state().links.find(made.name)->owner->is_ours());
    REQUIRE(is<apply::Committed>(host.transactor.mend(host.transactor.running(), {.nics = {nic.key()}})));
    CHECK(host.kernel.truth().links.find(made.name)->owner == made.owner);
}

TEST_CASE("networks that can carry guests are offered by name") {
    GuestHost host;
    const auto offers = lower::offers_of(host.transactor.running());
    REQUIRE(offers.size() == 2);
    CHECK(offers[0] == guests::Offer{"db", "db", false, std::nullopt});
}

TEST_CASE("what a domain has of a NIC otherwise than defined is told of its port, be it in a network or in none") {
    GuestHost host;
    const std::string network = GENERATE(as<std::string>(), "web", "");
    REQUIRE(is<apply::Committed>(host.put(nic_on(network))));
    observe::Snapshot now{.observed = observe::state_of({host.kernel, host.ovs, host.hypervisor}), .running = host.transactor.running(), .abilities = host.kernel.abilities()};
    now.ovs_connected = now.guests_connected = true;
    now.ovs_datapath = host.ovs.default_datapath();
    now.guests_where = host.hypervisor.where();
    const auto problem = [&] { return observe::build_graph(now, observe::find_drift(now)).nodes.find({topology::NodeKind::port, host.port})->problem.value_or(""); };
    CHECK(problem().empty());
    Nic drawn = *now.observed.guests.nics.find({"vm", mac});
    drawn.link = !*drawn.link;
    now.observed.guests.nics.put(drawn);
    CHECK_THAT(problem(), Catch::StartsWith("the guest's NIC: link is "));
}

}  // namespace guests_test
