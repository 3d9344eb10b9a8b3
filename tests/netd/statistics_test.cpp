// The kernel's numbers, unchanged: of 64 bits, and without those that it adds up.
#include "netd/observe/statistics.hpp"

#include "netd/wire/write_statistics.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace statistics_test {

using observe::LinkStatistics;
using observe::parse_counters;
using observe::Statistics;

namespace {

const std::string heading = "Inter-|   Receive                                                |  Transmit\n"
                            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

std::uint64_t nothing_missed(const std::string&, std::uint64_t most) { return most; }

LinkStatistics counted(std::uint64_t rx, std::uint64_t tx) {
    LinkStatistics statistics;
    statistics.rx = rx;
    statistics.tx = tx;
    return statistics;
}

}  // namespace

TEST_CASE("a line of the kernel's list is an interface", "[statistics]") {
    const auto read = parse_counters(heading + "  eth0: 18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                                               "a-long-name-15b:0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n", nothing_missed);
    REQUIRE(read);
    LinkStatistics eth0 = counted(18446744073709551615u, 9);
    eth0.rx_packets = 2;
    eth0.rx_errors = 3;
    eth0.rx_dropped = 4;
    eth0.multicast = 8;
    eth0.tx_packets = 10;
    eth0.tx_errors = 11;
    eth0.tx_dropped = 12;
    REQUIRE(*read == Statistics{{"eth0", eth0}, {"a-long-name-15b", counted(0, 1)}});
}

TEST_CASE("only where frames were dropped is the link asked how many of them it missed", "[statistics]") {
    const auto read = parse_counters(heading + "  eth0: 0 0 0 7 0 0 0 0 0 0 0 0 0 0 0 0\n  eth1: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                                     [](const std::string& link, std::uint64_t most) -> std::uint64_t {
                                         REQUIRE(link == "eth0");
                                         REQUIRE(most == 7);
                                         return 5;
                                     });
    REQUIRE(read);
    REQUIRE(read->at("eth0").rx_dropped == 5);
    REQUIRE(read->at("eth1").rx_dropped == 0);
}

TEST_CASE("a list that is not the kernel's is refused", "[statistics]") {
    for (const char* line : {"  eth0 1 2 3\n", "  eth0: 1 2\n", "  eth0: 1 2 3 4 5 6 7 8 9 10 11 x\n", "  eth0: 18446744073709551616 2 3 4 5 6 7 8 9 10 11 12\n"}) {
        CAPTURE(line);
        REQUIRE_FALSE(parse_counters(heading + line, nothing_missed));
    }
    REQUIRE(parse_counters(heading, nothing_missed)->empty());
}

TEST_CASE("the loopback's counters are those of its own files", "[statistics]") {
    const auto read = observe::read_counters();
    REQUIRE(read);
    REQUIRE(read->contains("lo"));
    std::uint64_t before = read->at("lo").rx, now = 0;
    std::ifstream("/sys/class/net/lo/statistics/rx_bytes") >> now;
    const auto after = observe::read_counters();
    REQUIRE(after);
    REQUIRE(before <= now);
    REQUIRE(now <= after->at("lo").rx);
}

TEST_CASE("statistics are of the links of the snapshot, with their state", "[statistics]") {
    observe::Snapshot snapshot;
    bridges::Link lo{topology::IfName::observed("lo")};
    lo.kind = bridges::Device{};
    lo.up = true;
    lo.facts.carrier = true;
    bridges::Link gone{topology::IfName::observed("nobody-has-this")};
    snapshot.observed.kernel.links = {lo, gone};
    const auto read = observe::read_statistics(snapshot);
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    REQUIRE(read->at("lo").state == "up");
    REQUIRE(read->at("lo").speed == 0);
    snapshot.paces.put({lo.name, 25000, "full"});
    REQUIRE(observe::read_statistics(snapshot)->at("lo").speed == 25000);
    REQUIRE(observe::read_statistics(snapshot)->at("lo").duplex == "full");
    snapshot.observed.kernel.links.put([&] { lo.facts.carrier = false; return lo; }());
    REQUIRE(observe::read_statistics(snapshot)->at("lo").state == "down");
    const auto base = topology::IfName::observed("eth0");
    lo.kind = bridges::Vlan{base, *topology::VlanId::from(5)};  // as fast as its base
    snapshot.observed.kernel.links.put(lo);
    snapshot.paces.put({base, 10000, "full"});
    REQUIRE(observe::read_statistics(snapshot)->at("lo").speed == 10000);
}

TEST_CASE("a bond is asked for its pace when it takes a port for up, and so is what stands on it", "[statistics]") {
    const auto name = [](const char* text) { return topology::IfName::observed(text); };
    const auto link = [&](const char* text, bridges::Kind kind, const char* master = nullptr) {
        bridges::Link made{name(text)};
        made.kind = std::move(kind);
        made.master = bridges::Master{};
        if (master) made.master->of = name(master);
        return made;
    };
    bridges::Link port = link("eth0", bridges::Device{}, "bond0"), alone = link("eth2", bridges::Device{});
    port.facts.carrier = true;
    port.facts.rare.edit().is_taken_for_down = true;
    const topology::Keyed<bridges::Link> was{port, link("eth1", bridges::Device{}, "bond0"), alone, link("bond0", bridges::Bond{{{"mode", "balance-rr"}}}, "plain"),
                                             link("bond0.5", bridges::Vlan{name("bond0"), *topology::VlanId::from(5)}, "tagged"),
                                             link("eth2.5", bridges::Vlan{name("eth2"), *topology::VlanId::from(5)}, "other"), link("plain", bridges::Bridge{}), link("tagged", bridges::Bridge{}),
                                             link("other", bridges::Bridge{})};
    auto now = was;
    REQUIRE(observe::paced_anew(was, now).empty());
    port.facts.rare.edit().is_taken_for_down = false;
    now.put(port);
    REQUIRE(observe::paced_anew(was, now) == std::set{name("eth0"), name("bond0")});
    REQUIRE(observe::bridges_above({name("bond0")}, now) == std::set{name("plain"), name("tagged")});
    now = was;
    alone.facts.carrier = true;
    now.put(alone);
    REQUIRE(observe::paced_anew(was, now) == std::set{name("eth2")});
    now = was;
    now.erase(name("eth1"));
    REQUIRE(observe::paced_anew(was, now) == std::set{name("eth1"), name("bond0")});
}

TEST_CASE("nodes get the counters of their devices, networks those of their own", "[statistics]") {
    using namespace topology;
    Node network{.id = {NodeKind::network, "web"}};
    network.attributes[attribute::device] = "web-abc";
    const Node nic{.id = {NodeKind::nic, "eth0"}}, guest{.id = {NodeKind::guest, "eth0"}}, silent{.id = {NodeKind::port, "patch0"}};
    const Graph graph{{network, nic, guest, silent}};
    auto counted_network = network, counted_nic = nic;
    counted_network.counters = Counters{3, 4, 0, 0};
    counted_nic.counters = Counters{1, 2, 0, 0};
    REQUIRE(observe::with_counters(graph, {{"eth0", counted(1, 2)}, {"web-abc", counted(3, 4)}}) ==
            Graph{{counted_network, counted_nic, guest, silent}});
}

TEST_CASE("engines read every counter by its name", "[statistics]") {
    LinkStatistics one = counted(1, 2);
    one.rx_packets = 3;
    one.tx_packets = 4;
    one.rx_errors = 5;
    one.tx_errors = 6;
    one.rx_dropped = 7;
    one.tx_dropped = 8;
    one.multicast = 9;
    one.speed = 10000;
    one.duplex = "full";
    one.state = "up";
    one.index = 11;
    LinkStatistics guarded = one;
    guarded.blocked = {{"mac", 2}, {"vlan", 3}};
    LinkStatistics quiet = one;
    quiet.blocked.emplace();
    nlohmann::json told = {{"name", "eth0"}, {"ifindex", 11}, {"rx", 1}, {"tx", 2}, {"rxPackets", 3}, {"txPackets", 4}, {"rxErrors", 5}, {"txErrors", 6},
                           {"rxDropped", 7}, {"txDropped", 8}, {"multicast", 9}, {"speed", 10000}, {"duplex", "full"}, {"state", "up"}, {"sampleTime", 1.5}};
    nlohmann::json expected;
    expected["network"]["eth0"] = told;
    told["blocked"] = 5, told["blockedBy"] = {{"mac", 2}, {"vlan", 3}}, told["name"] = "say \"hi\"";
    expected["network"]["say \"hi\""] = told;
    told["blocked"] = 0, told["blockedBy"] = nlohmann::json::object(), told["name"] = "tap0";
    expected["network"]["tap0"] = told;
    const observe::Statistics all{{"eth0", one}, {"say \"hi\"", guarded}, {"tap0", quiet}};
    REQUIRE(nlohmann::json::parse(wire::write_statistics(all, std::chrono::milliseconds(1500))) == expected);
    REQUIRE(nlohmann::json::parse(wire::write_statistics({}, std::chrono::milliseconds(1500))) == nlohmann::json{{"network", nlohmann::json::object()}});
}

}  // namespace statistics_test
