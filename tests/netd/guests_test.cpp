// Guests of a hypervisor: how their NICs are planned, and how what they do by themselves is followed.
#include "netd/guests/plan.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "tests/fakes/fake_hypervisor.hpp"
#include "tests/netd/transaction_house.hpp"

using namespace house;
using guests::Nic;
using intent::GuestNic;

namespace {

constexpr const char* networks = R"({"networks": {"web": {"nic": "eno1"}, "db": {"nic": "eno2"}}})";
const topology::Mac mac = *topology::Mac::parse("52:54:00:00:00:01");

GuestNic nic_on(const std::string& network) {
    GuestNic nic{"vm", mac};
    nic.kind = intent::GuestKind::libvirt;
    nic.network = network;
    nic.alias = "ua-nic";
    return nic;
}

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeHypervisor hypervisor{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    apply::Transactor transactor{{kernel, ovs, hypervisor}, disk.open(), clock};
    std::string port = lower::port_of(nic_on("web")).text();

    Host() {
        std::ignore = transactor.recover();
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(networks, {}, kernel), unasked)));
        hypervisor.start("vm", "uuid");
        hypervisor.hear();
    }
    apply::Outcome put(const GuestNic& nic) {
        intent::Intent now = transactor.running();
        now.put(nic);
        return transactor.begin(now, unasked);
    }
    lower::Host seen() { return observe::host_of({kernel, ovs, hypervisor}); }
    void follow() {
        hypervisor.hear();
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(lower::follow_guests(transactor.running(), seen()).wanted, unasked)));
    }
    bool has_port() const { return kernel.truth().links.contains(topology::IfName::observed(port)); }
};

template <class Outcome> bool is(const apply::Outcome& outcome) { return std::holds_alternative<Outcome>(outcome); }

}  // namespace

TEST_CASE("a guest's NIC is plugged in last and let go first") {
    Host host;
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
    Host host;
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
    Host host;
    const auto before = host.kernel.truth();
    host.hypervisor.migrating = {"vm"};
    const auto outcome = host.put(nic_on("web"));
    REQUIRE(is<apply::RolledBack>(outcome));
    CHECK(std::get<apply::RolledBack>(outcome).because.fault == topology::Fault::busy);
    require_same(before, host.kernel.truth());
    CHECK(host.transactor.running().nics().empty());
}

TEST_CASE("a NIC moves to another network without the guest losing it; the cable follows") {
    Host host;
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
    Host host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    host.hypervisor.stop("vm");
    host.follow();
    CHECK(host.transactor.running().nics().empty());
    CHECK_FALSE(host.has_port());
}

TEST_CASE("while the hypervisor is away nothing is concluded, and networks change all the same") {
    Host host;
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    host.hypervisor.connect(false);
    host.follow();
    CHECK(host.transactor.running().nics().size() == 1);
    const auto moved = wanted(R"({"networks": {"web": {"nic": "eno1", "mtu": 9000}}})", host.transactor.running(), host.kernel);
    REQUIRE(is<apply::Committed>(host.transactor.begin(moved, unasked)));
    CHECK(host.has_port());
}

TEST_CASE("a NIC that is awaited keeps its port until its domain is there") {
    Host host;
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
    Host host;
    Nic left = lower::guest_device(nic_on("web"), host.transactor.running(), host.seen());
    left.facts.ours = true;
    host.hypervisor.plug_by_itself(left);
    host.hypervisor.hear();
    CHECK(lower::follow_guests(host.transactor.running(), host.seen()).strays == std::vector<Nic::Key>{{"vm", mac}});
    REQUIRE(is<apply::Committed>(host.put(nic_on("web"))));
    CHECK(lower::follow_guests(host.transactor.running(), host.seen()).strays.empty());
}

TEST_CASE("a NIC whose definition was lost is known again by its port, with all that the port tells") {
    Host host;
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
    // Its network is not to be found: nothing is done to it.
    intent::Intent lost = wanted(R"({"networks": {"sdn": {"remove": true}}})", host.transactor.running(), host.kernel);
    lost.remove(nic.key());
    lost.remove(*topology::NetworkName::parse("sdn2"));
    const auto followed = lower::follow_guests(lost, host.seen());
    CHECK(followed.wanted == lost);
    CHECK(followed.strays.empty());
    CHECK(followed.unplaced == std::vector<Nic::Key>{{"vm", mac}});
}

TEST_CASE("a port that the hypervisor made is adopted, follows its NIC, and is not taken away") {
    Host host;
    bridges::Link vnet{topology::IfName::observed("vnet0")};
    vnet.kind = bridges::Tap{};
    vnet.master = bridges::Master{topology::IfName::observed("web")};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{vnet})));
    REQUIRE(host.kernel.hear());
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.alias = "net0";
    own.link = true;
    own.facts.bridge = "web";
    host.hypervisor.plug_by_itself(own);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    CHECK(host.transactor.running().nics().begin()->adopted == vnet.name);
    CHECK(host.transactor.running().nics().begin()->network == "web");
    own.facts.bridge = "virbr0";
    host.hypervisor.plug_by_itself(own);
    host.follow();
    CHECK(host.transactor.running().nics().empty());
    CHECK(host.kernel.truth().links.find(vnet.name)->master->of->text() == "web");
}

TEST_CASE("a port that the hypervisor put into Open vSwitch is closed toward the host's stack while it is a guest's") {
    Host host;
    REQUIRE(is<apply::Committed>(host.transactor.begin(wanted(R"({"networks": {"db": {"nic": "eno2", "switch": "ovs"}}})", host.transactor.running(), host.kernel), unasked)));
    bridges::Link vnet{topology::IfName::observed("vnet0")};
    vnet.kind = bridges::Tap{};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{vnet})));
    REQUIRE(host.kernel.hear());
    ovs::Port row{vnet.name};
    row.bridge = topology::IfName::observed("ovs-eno2");
    REQUIRE(host.ovs.meddle(ovs::Op(topology::Create<ovs::Port>{row})));
    REQUIRE(host.ovs.hear());
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.link = true;
    own.facts.bridge = "ovs-eno2";
    host.hypervisor.plug_by_itself(own);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    const bridges::Link adopted = *host.kernel.truth().links.find(vnet.name);
    CHECK(adopted.standing == topology::Standing::closed());
    CHECK(adopted.stack->ipv6 == false);
    CHECK(adopted.stack->arp_strict == true);
    // It went with its domain, and nothing is missed.
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Remove<bridges::Link>{adopted})));
    REQUIRE(host.kernel.hear());
    host.hypervisor.stop("vm");
    host.follow();
    CHECK(host.transactor.running().nics().empty());
}

TEST_CASE("networks that can carry guests are offered by name") {
    Host host;
    const auto offers = lower::offers_of(host.transactor.running());
    REQUIRE(offers.size() == 2);
    CHECK(offers[0] == guests::Offer{"db", "db", false, std::nullopt});
}
