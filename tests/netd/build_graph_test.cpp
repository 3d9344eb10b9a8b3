// The picture has all that is on the host, and what should be and is not, each where it belongs.
#include "netd/observe/build_graph.hpp"

#include "netd/wire/write_graph.hpp"
#include "tests/netd/host_house.hpp"
#include "topology/population.hpp"

namespace build_graph_test {

using namespace topology;
using told::House;

namespace {

Graph graph_of(const House& house) { return observe::build_graph(house.now, observe::find_drift(house.now)); }

// "nic:eth0", "bond:bond0 down", "network:web missing": sorted as the graph has them, without guests' random names.
std::vector<std::string> nodes_of(const Graph& graph) {
    std::vector<std::string> texts;
    for (const Node& node : graph.nodes) texts.push_back(node.id.text() + (node.state == NodeState::up ? "" : " " + std::string(name_of(node.state))));
    return texts;
}

// "nic:eth0 enslaved bridge:web", with the label behind it where there is one.
std::vector<std::string> edges_of(const Graph& graph) {
    std::vector<std::string> texts;
    for (const Edge& edge : graph.edges)
        texts.push_back(edge.from.text() + " " + std::string(name_of(edge.kind)) + " " + edge.to.text() + (edge.label.empty() ? "" : " " + edge.label));
    return texts;
}

const Node& at(const Graph& graph, NodeKind kind, const std::string& name) {
    const Node* node = graph.nodes.find({kind, name});
    if (!node) FAIL("there is no " + name);
    return *node;
}

using Attributes = std::map<std::string, std::string>;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a legacy network stands on its bridge, its VLAN and its bond", "[build_graph]") {
    House house{"eth0", "eth1", "eth2"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}, {"options", "mode=1 miimon=100"}}}}},
                  {"networks", {{"web", {{"bonding", "bond0"}, {"vlan", 100}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    const Graph graph = graph_of(house);
    const auto port = "port:" + told::port_of(guest);
    REQUIRE(nodes_of(graph) == Texts{"nic:eth0", "nic:eth1", "nic:eth2 down", "bond:bond0", "vlan:bond0.100", "bridge:web", "network:web", port, "guest:guest1"});
    REQUIRE(edges_of(graph) == Texts{"nic:eth0 enslaved bond:bond0", "nic:eth1 enslaved bond:bond0", "bond:bond0 stacked vlan:bond0.100 100",
                                     "vlan:bond0.100 enslaved bridge:web", "bridge:web realises network:web", "network:web plugged " + port,
                                     port + " plugged guest:guest1"});
    REQUIRE(at(graph, NodeKind::network, "web").attributes ==
            Attributes{{"addresses", "192.0.2.10/24"}, {"base", "bond0"}, {"mac", house.link("web").mac->text()}, {"mtu", "1500"}, {"roles", "vm"}, {"switch", "legacy"}, {"vlan", "100"}});
    const Node& tap = at(graph, NodeKind::port, told::port_of(guest));
    REQUIRE(tap.parent == NodeId{NodeKind::guest, "guest1"});
    REQUIRE(tap.attribute("mac") == "52:54:00:00:00:01");
    REQUIRE(tap.owner == Owner::ours("nic 52:54:00:00:00:01 of guest1"));
    for (const Node& node : graph.nodes) REQUIRE_FALSE(node.problem);
}

TEST_CASE("a filtering bridge realises each of its networks, with its tag", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks",
                   {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "vlan-aware"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}},
                    {"db", {{"nic", "eth0"}, {"vlan", 200}, {"switch", "vlan-aware"}}},
                    {"plain", {{"nic", "eth0"}, {"switch", "vlan-aware"}}}}}});
    const auto one = told::nic("guest1", "db", 1), two = told::nic("guest2", "plain", 2);
    auto trunk = told::nic("guest3", "web", 3);
    trunk.trunk = VlanSet::parse("100,200").operator*();
    house.plug(one);
    house.plug(two);
    house.plug(trunk);
    const auto port = [](const intent::GuestNic& nic) { return "port:" + told::port_of(nic); };
    Texts expected = {"nic:eth0 enslaved bridge:vb-eth0",
                      "bridge:vb-eth0 stacked vlan:web 100",
                      "bridge:vb-eth0 realises network:db 200",
                      "bridge:vb-eth0 realises network:plain",
                      "bridge:vb-eth0 realises network:web 100",
                      "vlan:web realises network:web",
                      "network:db plugged " + port(one),
                      "network:db plugged " + port(trunk) + " 200",
                      "network:plain plugged " + port(two),
                      "network:web plugged " + port(trunk) + " 100,200",
                      port(one) + " plugged guest:guest1",
                      port(two) + " plugged guest:guest2",
                      port(trunk) + " plugged guest:guest3"};
    auto edges = edges_of(graph_of(house));
    std::sort(expected.begin(), expected.end());
    std::sort(edges.begin(), edges.end());
    REQUIRE(edges == expected);
}

TEST_CASE("an OVS network is its foot in the host; the bridge's own device is no thing of its own", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}},
                                {"plain", {{"nic", "eth0"}, {"switch", "ovs"}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    house.kernel.plug_in("ovs-system");
    house.look();
    const Graph graph = graph_of(house);
    const auto port = "port:" + told::port_of(guest);
    REQUIRE(nodes_of(graph) == Texts{"nic:eth0", "ovs-bridge:ovs-eth0", "network:plain", "network:web", port, "guest:guest1"});
    REQUIRE(edges_of(graph) == Texts{"nic:eth0 enslaved ovs-bridge:ovs-eth0", "ovs-bridge:ovs-eth0 realises network:plain",
                                     "ovs-bridge:ovs-eth0 realises network:web 100", "network:web plugged " + port, port + " plugged guest:guest1"});
    REQUIRE(at(graph, NodeKind::network, "web").attribute("addresses") == "192.0.2.10/24");
    const Wiring wiring(graph);
    REQUIRE(population(graph, wiring, plugged_into(wiring, {NodeKind::network, "plain"})) == Population{0, 0});
}

TEST_CASE("what a definition wants and is not there is missing, in its place", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    house.kernel.pull_out("eth0");
    const auto port = told::port_of(guest);
    house.lose(port);
    house.lose("web");
    const Graph graph = graph_of(house);
    REQUIRE(nodes_of(graph) == Texts{"nic:eth0 missing", "vlan:eth0.100 missing", "bridge:web missing", "network:web missing", "port:" + port + " missing", "guest:guest1"});
    REQUIRE(edges_of(graph) == Texts{"nic:eth0 stacked vlan:eth0.100 100", "vlan:eth0.100 enslaved bridge:web", "bridge:web realises network:web",
                                     "network:web plugged port:" + port, "port:" + port + " plugged guest:guest1"});
    REQUIRE(at(graph, NodeKind::bridge, "web").problem == "is missing");
    REQUIRE(at(graph, NodeKind::bridge, "web").owner == Owner::ours("network web"));
    REQUIRE(at(graph, NodeKind::nic, "eth0").owner == Owner::foreign());
}

TEST_CASE("drift is told in words, on the device and on the network", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"mtu", 9000}}}}}});
    bridges::Link small{told::name("eth0.100")};
    small.mtu = Mtu();
    house.meddle(small);
    const Graph graph = graph_of(house);
    REQUIRE(at(graph, NodeKind::vlan, "eth0.100").problem == "mtu is 1500, wanted 9000");
    const auto problem = at(graph, NodeKind::network, "web").problem;
    REQUIRE(problem);
    REQUIRE(problem->find("eth0.100: mtu is 1500, wanted 9000") != problem->npos);
    REQUIRE_FALSE(at(graph, NodeKind::nic, "eth0").problem);
}

TEST_CASE("a NIC without a cable is shown as such, and one that is switched off as down", "[build_graph]") {
    House house{"eth0", "eth1"};
    bridges::Link cut = house.link("eth0"), off = house.link("eth1");
    cut.up = true;
    cut.facts.carrier = false;
    off.up = false;
    house.now.observed.kernel.links.put(cut);
    house.now.observed.kernel.links.put(off);
    REQUIRE(nodes_of(graph_of(house)) == Texts{"nic:eth0 no-carrier", "nic:eth1 down"});
}

TEST_CASE("a network without a wire has no carrier, whatever its guests hold up; one inside the host needs none", "[build_graph]") {
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        House house{"eth0", "eth1"};
        house.define({{"networks", {{"web", {{"nic", "eth0"}, {"switch", kind}}}, {"db", {{"nic", "eth1"}, {"switch", kind}}}, {"lab", {{"switch", kind}}}}}});
        const auto state_of = [&house](const char* network) { return at(graph_of(house), NodeKind::network, network).state; };
        const NodeState lab = state_of("lab");
        REQUIRE(state_of("web") == NodeState::up);
        bridges::Link cut = house.link("eth0");
        cut.facts.carrier = false;
        house.now.observed.kernel.links.put(cut);
        REQUIRE(state_of("web") == NodeState::no_carrier);
        house.now.observed.kernel.links.erase(told::name("eth0"));
        REQUIRE(state_of("web") == NodeState::no_carrier);
        REQUIRE(state_of("db") == NodeState::up);
        REQUIRE(state_of("lab") == lab);
    }
}

TEST_CASE("an uplink of Open vSwitch that is gone is a missing NIC, and no guest", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"switch", "ovs"}}}}}});
    house.now.observed.kernel.links.erase(told::name("eth0"));
    REQUIRE(house.now.observed.ovs.ports.contains(told::name("eth0")));
    const Graph graph = graph_of(house);
    REQUIRE(nodes_of(graph) == Texts{"nic:eth0 missing", "ovs-bridge:ovs-eth0", "network:web no-carrier"});
    REQUIRE(edges_of(graph) == Texts{"nic:eth0 enslaved ovs-bridge:ovs-eth0", "ovs-bridge:ovs-eth0 realises network:web"});
}

TEST_CASE("what others made is there too, and foreign", "[build_graph]") {
    House house{"eth0"};
    auto& links = house.now.observed.kernel.links;
    const auto foreign = [&](const char* device, bridges::Kind kind, const char* master = nullptr) {
        bridges::Link link{told::name(device)};
        link.kind = std::move(kind);
        link.owner = Owner::foreign();
        link.up = true;
        link.facts.carrier = true;
        link.facts.index = static_cast<int>(100 + links.size());
        if (master) link.master = bridges::Master{told::name(master)};
        links.put(link);
        return link;
    };
    foreign("docker0", bridges::Bridge{});
    foreign("eth0.7", bridges::Vlan{told::name("eth0"), *VlanId::from(7)});
    auto inside = foreign("veth1", bridges::Veth{}, "docker0"), peer = foreign("veth2", bridges::Veth{});
    inside.facts.peer_index = peer.facts.index;
    peer.facts.peer_index = inside.facts.index;
    links.put(inside);
    links.put(peer);
    auto vxlan = foreign("vx0", bridges::Device{}, "docker0");
    vxlan.facts.kind = "vxlan";
    links.put(vxlan);
    const Graph graph = graph_of(house);
    REQUIRE(nodes_of(graph) == Texts{"nic:eth0 down", "nic:veth2", "nic:vx0", "vlan:eth0.7", "bridge:docker0", "port:veth1"});
    REQUIRE(edges_of(graph) == Texts{"nic:eth0 stacked vlan:eth0.7 7", "nic:veth2 peer port:veth1", "nic:vx0 enslaved bridge:docker0",
                                     "bridge:docker0 enslaved port:veth1"});
    for (const Node& node : graph.nodes) REQUIRE(node.owner == Owner::foreign());
    REQUIRE(at(graph, NodeKind::nic, "vx0").attribute("kind") == "vxlan");
}

TEST_CASE("a tap that libvirt plugged into one of our bridges is in its network", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}}}});
    house.meddle(told::foreign_tap("vnet0", "web"));
    const Graph graph = graph_of(house);
    REQUIRE(graph.edges.contains({{NodeKind::network, "web"}, {NodeKind::port, "vnet0"}, EdgeKind::plugged}));
    REQUIRE(at(graph, NodeKind::port, "vnet0").owner == Owner::foreign());
}

TEST_CASE("a port tells its tag where it is its own, not where every port of the bridge has it", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    auto bridge = house.link("web"), port = house.link(told::port_of(guest));
    bridge.kind = bridges::Bridge{{{"vlan_filtering", "1"}, {"vlan_default_pvid", "1"}}};
    house.now.observed.kernel.links.put(bridge);
    const auto tag_told = [&](int tag) {
        port.vlans = bridges::PortVlans{.untagged = *VlanId::from(tag)};
        house.now.observed.kernel.links.put(port);
        return at(graph_of(house), NodeKind::port, told::port_of(guest)).attribute("vlan");
    };
    REQUIRE(tag_told(1) == "");
    REQUIRE(tag_told(7) == "7");
}

TEST_CASE("a guest in a namespace is a namespace", "[build_graph]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}}}});
    auto nic = told::nic("box", "web");
    nic.kind = intent::GuestKind::netns;
    house.now.running.put(nic);
    const Graph graph = graph_of(house);
    REQUIRE(graph.nodes.contains({NodeKind::namespace_, "box"}));
    REQUIRE(graph.edges.contains({{NodeKind::port, told::port_of(nic)}, {NodeKind::namespace_, "box"}, EdgeKind::plugged}));
    CHECK(at(graph, NodeKind::namespace_, "box").state == NodeState::up);
    house.now.has_namespace = [](const std::string& name, const auto&) { return name != "box"; };
    CHECK(at(graph_of(house), NodeKind::namespace_, "box").state == NodeState::missing);
}

TEST_CASE("on the wire a node has every member, null where it has nothing", "[build_graph]") {
    Node nic{.id = {NodeKind::nic, "eth0"}, .attributes = {{"mtu", "1500"}}};
    Node port{.id = {NodeKind::port, "nic-1"}, .label = "web1", .parent = NodeId{NodeKind::guest, "web1"}, .state = NodeState::missing,
              .owner = Owner::ours("nic 1"), .counters = Counters{1, 2, 3, 4}, .problem = "is missing"};
    const Graph graph{{nic, port}, {{EdgeKind::plugged, nic.id, port.id, "100"}}};
    using nlohmann::json;
    const json expected = {
        {"revision", 7},
        {"nodes",
         {{{"id", "nic:eth0"}, {"kind", "nic"}, {"label", "eth0"}, {"state", "up"}, {"owner", "foreign"}, {"attributes", {{"mtu", "1500"}}},
           {"counters", nullptr}, {"problem", nullptr}, {"parent", nullptr}},
          {{"id", "port:nic-1"}, {"kind", "port"}, {"label", "web1"}, {"state", "missing"}, {"owner", "netd: nic 1"}, {"attributes", json::object()},
           {"counters", {{"rx_bytes", 1}, {"tx_bytes", 2}, {"rx_packets", 3}, {"tx_packets", 4}}}, {"problem", "is missing"}, {"parent", "guest:web1"}}}},
        {"edges", {{{"kind", "plugged"}, {"from", "nic:eth0"}, {"to", "port:nic-1"}, {"label", "100"}}}}};
    REQUIRE(wire::write_graph(graph, 7) == expected);
}

TEST_CASE("a part of the picture is asked for by network, guest and view", "[build_graph]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}, {"lab", nlohmann::json::object()}}}});
    for (int number = 1; number < 12; ++number) house.plug(told::nic("guest" + std::to_string(number), "lab", number));
    const Graph whole = graph_of(house);
    const auto asked = [&](const nlohmann::json& params) { return wire::view_of(whole, params); };
    REQUIRE(*asked(nlohmann::json::object()) == whole);
    REQUIRE(*asked({{"view", "whole"}, {"network", ""}, {"guest", nullptr}}) == whole);
    REQUIRE(nodes_of(*asked({{"network", "web"}})) == Texts{"nic:eth0", "vlan:eth0.100", "bridge:web", "network:web"});
    REQUIRE(asked({{"guest", "guest3"}})->nodes.contains({NodeKind::guest, "guest3"}));
    REQUIRE_FALSE(asked({{"guest", "guest3"}})->nodes.contains({NodeKind::guest, "guest4"}));
    REQUIRE(nodes_of(*asked({{"view", "folded"}, {"network", "lab"}})) == Texts{"bridge:lab", "network:lab", "port:lab/*"});
    REQUIRE(asked({{"view", "problems"}})->nodes.empty());
    REQUIRE(asked({{"view", "upside-down"}}).error().fault == Fault::invalid);
    REQUIRE(asked({{"network", 7}}).error().fault == Fault::invalid);
    REQUIRE(asked({{"network", "nobody"}}).error().fault == Fault::not_found);
}

TEST_CASE("drift on the wire names subject, attribute, wanted and found", "[build_graph]") {
    observe::Drift drift;
    drift.networks["web"] = {{"eth0.100", "mtu", "9000", "1500"}};
    using nlohmann::json;
    REQUIRE(wire::write_drift(drift) ==
            json{{"networks", {{"web", {{{"subject", "eth0.100"}, {"attribute", "mtu"}, {"wanted", "9000"}, {"found", "1500"}}}}}},
                 {"bondings", json::object()}, {"guests", json::object()}});
}

}  // namespace build_graph_test
