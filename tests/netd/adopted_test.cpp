// Ports that the hypervisor made itself, on networks of netd's.
#include "tests/netd/guests_house.hpp"

namespace adopted_test {

using namespace house;

namespace {

// As it makes one for a NIC that it plugs by itself, where the kernel has put it.
bridges::Link tap_of_the_hypervisor(GuestHost& host, std::optional<bridges::Master> master = {}) {
    bridges::Link vnet{topology::IfName::observed("vnet0")};
    vnet.kind = bridges::Tap{};
    vnet.master = master;
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{vnet})));
    REQUIRE(host.kernel.hear());
    return vnet;
}

// What it tells of the NIC there.
Nic nic_on_web(const bridges::Link& vnet) {
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.alias = "net0";
    own.link = true;
    own.facts.bridge = "web";
    return own;
}

}  // namespace

TEST_CASE("a port that the hypervisor made is adopted, follows its NIC, and is not taken away") {
    GuestHost host;
    const bridges::Link vnet = tap_of_the_hypervisor(host, bridges::Master{topology::IfName::observed("web")});
    Nic own = nic_on_web(vnet);
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

TEST_CASE("of a port that the hypervisor took to a bridge of others nothing is copied any more, and it is let go of") {
    GuestHost host;
    const bridges::Link vnet = tap_of_the_hypervisor(host, bridges::Master{topology::IfName::observed("web")});
    GuestNic watcher{"ear", *topology::Mac::parse("52:54:00:00:00:02")};
    watcher.network = "db";
    watcher.port_mirroring = {*topology::NetworkName::parse("web")};
    REQUIRE(is<apply::Committed>(host.put(watcher)));
    Nic own = nic_on_web(vnet);
    host.hypervisor.plug_by_itself(own);
    host.follow();
    const bridges::Link adopted = *host.kernel.truth().links.find(vnet.name);
    REQUIRE(adopted.traffic->copies_in == std::set{lower::port_of(watcher)});

    bridges::Link theirs{topology::IfName::observed("virbr0")}, moved{vnet.name};
    theirs.kind = bridges::Bridge{};
    moved.master = bridges::Master{theirs.name};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{theirs})));
    CHECK_FALSE(lower::is_on_bridge_of_others(vnet.name, host.kernel.state()));
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{adopted, moved})));
    REQUIRE(host.kernel.hear());
    own.facts.bridge = "virbr0";
    host.hypervisor.plug_by_itself(own);
    const intent::Intent was = host.transactor.running();
    host.follow();
    CHECK(*host.kernel.truth().links.find(vnet.name)->traffic == bridges::Traffic());
    CHECK(host.kernel.truth().links.find(vnet.name)->master->of == theirs.name);
    CHECK(lower::unadopted(was, host.transactor.running()) == std::set{vnet.name});
    CHECK(lower::is_on_bridge_of_others(vnet.name, host.kernel.state()));
    // Of one that is on netd's bridge, or another NIC's meanwhile, the filter stays.
    CHECK(lower::unadopted(was, was).empty());
    GuestNic other{"vm2", *topology::Mac::parse("52:54:00:00:00:03")};
    other.adopted = vnet.name;
    intent::Intent taken = host.transactor.running();
    taken.put(other);
    CHECK(lower::unadopted(was, taken).empty());
    const auto& links = host.kernel.state().links;
    CHECK(lower::left_filtered(was, host.transactor.running(), links, host.kernel.state()) == std::set{vnet.name});
    CHECK(lower::left_filtered(was, taken, links, host.kernel.state()).empty());
}

TEST_CASE("a filter that was left on a port of others is found when that comes to a bridge of others, be it in no definition for long") {
    GuestHost host;
    const bridges::Link vnet = tap_of_the_hypervisor(host);
    bridges::Link theirs{topology::IfName::observed("virbr0")}, filtered{vnet.name}, moved{vnet.name};
    theirs.kind = bridges::Bridge{};
    filtered.filter = topology::Filter{mac};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{theirs})));
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{*host.kernel.truth().links.find(vnet.name), filtered})));
    REQUIRE(host.kernel.hear());
    const intent::Intent& running = host.transactor.running();
    const auto before = host.kernel.state().links;
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()).empty());  // it is on no bridge
    const auto move_to = [&](const char* bridge) {
        moved.master = bridges::Master{topology::IfName::observed(bridge)};
        REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{*host.kernel.truth().links.find(vnet.name), moved})));
        REQUIRE(host.kernel.hear());
    };
    move_to("web");
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()).empty());
    move_to("virbr0");
    CHECK(lower::left_filtered(running, running, before, host.kernel.state()) == std::set{vnet.name});
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()) == std::set{vnet.name});
    // What netd made is its own wherever somebody puts it.
    bridges::Link own{vnet.name};
    own.owner = topology::Owner::ours("nic 52:54:00:00:00:01 of vm");
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{*host.kernel.truth().links.find(vnet.name), own})));
    REQUIRE(host.kernel.hear());
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()).empty());
}

TEST_CASE("a port that is in a definition keeps its filter on a bridge of others, also where its mark was taken off") {
    GuestHost host;
    GuestNic nic{"vm", mac};
    nic.network = "web";
    bridges::Link theirs{topology::IfName::observed("virbr0")}, port{lower::port_of(nic)}, there{port.name};
    theirs.kind = bridges::Bridge{};
    port.kind = bridges::Tap{};
    there.master = bridges::Master{theirs.name};
    there.filter = topology::Filter{mac};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{theirs})));
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{port})));
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Update<bridges::Link>{*host.kernel.truth().links.find(port.name), there})));
    REQUIRE(host.kernel.hear());
    intent::Intent running = host.transactor.running();
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()) == std::set{port.name});
    running.put(nic);
    CHECK(lower::left_filtered({}, running, {}, host.kernel.state()).empty());
}

TEST_CASE("a port that the hypervisor put into Open vSwitch is closed toward the host's stack while it is a guest's") {
    GuestHost host;
    REQUIRE(is<apply::Committed>(host.transactor.begin(wanted(R"({"networks": {"db": {"nic": "eno2", "switch": "ovs"}}})", host.transactor.running(), host.kernel), unasked)));
    const bridges::Link vnet = tap_of_the_hypervisor(host);
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

TEST_CASE("of a port of the hypervisor's nothing is wanted where it is on no bridge of its network") {
    GuestHost host;
    const bridges::Link vnet = tap_of_the_hypervisor(host);
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.facts.bridge = "web";
    host.hypervisor.plug_by_itself(own);
    host.follow();
    CHECK(host.transactor.running().nics().size() == 1);
    CHECK_FALSE(host.kernel.truth().links.find(vnet.name)->filter);
}

// As the hypervisor plugs one into the Open vSwitch bridge of a network with tag 10; told by nobody yet.
Nic nic_on_sdn(GuestHost& host, const ovs::Tagging& tagging) {
    constexpr const char* tagged = R"({"networks": {"sdn": {"nic": "eno3", "switch": "ovs", "vlan": 10}}})";
    REQUIRE(is<apply::Committed>(host.transactor.begin(wanted(tagged, host.transactor.running(), host.kernel), unasked)));
    const bridges::Link vnet = tap_of_the_hypervisor(host);
    ovs::Port row{vnet.name};
    row.bridge = topology::IfName::observed("ovs-eno3");
    row.tagging = tagging;
    REQUIRE(host.ovs.meddle(ovs::Op(topology::Create<ovs::Port>{row})));
    REQUIRE(host.ovs.hear());
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.facts.bridge = "ovs-eno3";
    return own;
}

TEST_CASE("a port to which the hypervisor gave several tags is on the network of the first that is one's") {
    GuestHost host;
    Nic own = nic_on_sdn(host, ovs::Trunk{*topology::VlanSet::parse("10,77"), std::nullopt});
    own.facts.tags = {77};
    host.hypervisor.plug_by_itself(own);
    host.follow();
    CHECK(host.transactor.running().nics().empty());
    own.facts.tags = {77, 10};
    host.hypervisor.plug_by_itself(own);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    CHECK(host.transactor.running().nics().begin()->network == "sdn");
    const ovs::Port adopted = *host.ovs.truth().ports.find(*own.device);
    CHECK(adopted.tagging == ovs::Tagging(ovs::Access{*topology::VlanId::from(10)}));
    CHECK(adopted.filter);
}

TEST_CASE("a port of the hypervisor's keeps its network while it has its tag, gets its MTU, and its network can't go elsewhere") {
    GuestHost host;
    Nic own = nic_on_sdn(host, ovs::Access{*topology::VlanId::from(10)});
    own.facts.tags = {10};
    host.hypervisor.plug_by_itself(own);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    intent::Intent changed = host.transactor.running();
    intent::Network network = *changed.network("sdn");
    network.vlan = *topology::VlanId::from(20);
    network.mtu = intent::Mtu::observed(1400);
    changed.put(network);
    REQUIRE(is<apply::Committed>(host.transactor.begin(changed, unasked)));
    CHECK(host.ovs.truth().ports.find(*own.device)->tagging == ovs::Tagging(ovs::Access{*topology::VlanId::from(20)}));
    CHECK(host.kernel.truth().links.find(*own.device)->mtu == intent::Mtu::observed(1400));
    host.follow();  // libvirt tells 10 still
    REQUIRE(host.transactor.running().nics().size() == 1);
    CHECK(host.transactor.running().nics().begin()->network == "sdn");

    const auto complaint = [&](const char* text) {
        std::string all;
        for (const auto& one : intent::validate(read(text), host.transactor.running(), {host.kernel.state(), host.kernel.abilities(), true, "fake"}).complaints) all += one.what + "; ";
        return all;
    };
    CHECK_THAT(complaint(R"({"networks": {"sdn": {"nic": "eno3", "switch": "ovs", "vlan": 20}}})"), !Catch::Contains("guest 'vm'"));
    for (const char* elsewhere : {R"({"networks": {"sdn": {"nic": "eno3", "vlan": 20}}})", R"({"networks": {"sdn": {"nic": "eno2", "switch": "ovs", "vlan": 20}, "db": {"remove": true}}})"})
        CHECK_THAT(complaint(elsewhere), Catch::Contains("guest 'vm'") && Catch::Contains("vnet0"));
    GuestNic nic = *host.transactor.running().nics().begin();
    nic.vlan = *topology::VlanId::from(7);
    const auto verdict = intent::validate_nic(nic, host.transactor.running(), {host.kernel.state(), host.kernel.abilities(), true, "fake"}, 56);
    REQUIRE(verdict.complaints.size() == 1);
    CHECK(verdict.complaints.front().path == "/nic/vlan");
}

}  // namespace adopted_test
