// A bond that looks healthy and is not: said in words, and nothing said where all is well.
#include "netd/observe/bond_health.hpp"
#include "netd/observe/build_graph.hpp"
#include "topology/view.hpp"

#include <catch2/catch.hpp>

namespace bond_health_test {

using bridges::Link;
using topology::IfName;

namespace {

Link bond(const char* mode, std::optional<std::uint16_t> aggregator = {}, const char* partner = nullptr) {
    Link link{IfName::observed("bond0")};
    link.kind = bridges::Bond{{{"mode", mode}}};
    link.up = true;
    link.facts.rare.edit().aggregator = aggregator;
    if (partner) link.facts.rare.edit().partner_mac = *topology::Mac::parse(partner);
    return link;
}

Link port(const char* name, std::optional<std::uint16_t> aggregator, bool carrier = true) {
    Link link{IfName::observed(name)};
    link.kind = bridges::Device{};
    link.master = bridges::Master{IfName::observed("bond0")};
    link.up = true;
    link.facts.carrier = carrier;
    link.facts.rare.edit().aggregator = aggregator;
    return link;
}

std::string verdict(const Link& bond, const Link& one, const Link& other) { return observe::bond_verdict(bond, {&one, &other}); }

}  // namespace

TEST_CASE("two ports in one aggregator are well", "[bonds]") {
    CHECK(verdict(bond("802.3ad", 1, "00:11:22:33:44:55"), port("eno1", 1), port("eno2", 1)).empty());
}

TEST_CASE("two ports in two aggregators are said, with the one that carries nothing", "[bonds]") {
    CHECK(verdict(bond("802.3ad", 1, "00:11:22:33:44:55"), port("eno1", 1), port("eno2", 2)) ==
          "the two ports are not in one aggregator (eno1 in 1, eno2 in 2), eno2 carries nothing: put all of them into one LAG at the other end");
}

TEST_CASE("a port without carrier is in no aggregator of use, and no reason to worry", "[bonds]") {
    CHECK(verdict(bond("802.3ad", 1, "00:11:22:33:44:55"), port("eno1", 1), port("eno2", 2, false)).empty());
}

TEST_CASE("where nobody answers LACP, the partner's address is all zero, and that is said", "[bonds]") {
    for (const char* partner : {"00:00:00:00:00:00", static_cast<const char*>(nullptr)})
        CHECK(verdict(bond("802.3ad", 1, partner), port("eno1", 1), port("eno2", 2)) ==
              "nobody answers LACP at the other end of eno1, eno2 (partner 00:00:00:00:00:00): set up a LAG there; until then one port carries all");
}

TEST_CASE("a bond with fewer ports than min_links carries nothing, and that is said", "[bonds]") {
    Link least = bond("802.3ad", 1, "00:11:22:33:44:55");
    least.kind = bridges::Bond{{{"mode", "802.3ad"}, {"min_links", "2"}}};
    const std::string lack = "it carries nothing with fewer than min_links=2 ports in one aggregator";
    CHECK(verdict(least, port("eno1", 1), port("eno2", 2, false)) == lack);
    CHECK(verdict(least, port("eno1", 1), port("eno2", 2)) ==
          "the two ports are not in one aggregator (eno1 in 1, eno2 in 2), " + lack + ": put all of them into one LAG at the other end");
    least.facts.carrier = true;
    CHECK(verdict(least, port("eno1", 1), port("eno2", 1)).empty());
    least.facts = bond("802.3ad", 1).facts;
    CHECK(verdict(least, port("eno1", 1), port("eno2", 2)).ends_with("until then " + lack));
}

TEST_CASE("other modes have no aggregators", "[bonds]") {
    CHECK(verdict(bond("active-backup"), port("eno1", {}), port("eno2", {})).empty());
    CHECK(verdict(bond("active-backup"), port("eno1", {}), port("eno2", {}, false)).empty());
}

TEST_CASE("a bond of dead ports is said in every mode, one that is down or empty in none", "[bonds]") {
    for (const char* mode : {"active-backup", "802.3ad"}) {
        CHECK(verdict(bond(mode), port("eno1", {}, false), port("eno2", {}, false)) == "none of its ports has a carrier: eno1, eno2");
        auto down = bond(mode);
        down.up = false;
        CHECK(verdict(down, port("eno1", {}, false), port("eno2", {}, false)).empty());
        CHECK(observe::bond_verdict(bond(mode), {}).empty());
    }
}

TEST_CASE("verdicts of a host are of its bonds that are not well", "[bonds]") {
    observe::Snapshot snapshot;
    snapshot.observed.kernel.links = {bond("802.3ad", 1, "00:11:22:33:44:55"), port("eno1", 1), port("eno2", 2)};
    CHECK(observe::bond_verdicts(snapshot).size() == 1);
    const auto graph = observe::build_graph(snapshot, {});
    CHECK(graph.nodes.find({topology::NodeKind::bond, "bond0"})->attribute(topology::attribute::verdict).starts_with("the two ports"));
    CHECK_FALSE(topology::problems_only(graph).nodes.empty());
    snapshot.observed.kernel.links.put(port("eno2", 1));
    CHECK(observe::bond_verdicts(snapshot).empty());
}

TEST_CASE("a port that is dead beside live ones is named, and bonds whose ports are all dead have their verdict", "[bonds]") {
    observe::Snapshot snapshot;
    snapshot.observed.kernel.links = {bond("active-backup"), port("eno1", {}), port("eno2", {}, false)};
    CHECK(observe::dead_ports(snapshot) == std::map<std::string, std::vector<std::string>>{{"bond0", {"eno2"}}});
    snapshot.observed.kernel.links.put(port("eno1", {}, false));
    CHECK(observe::dead_ports(snapshot).empty());
    CHECK(observe::bond_verdicts(snapshot).size() == 1);

    // A bond that is down carries nothing by intent.
    Link down = bond("active-backup");
    down.up = false;
    snapshot.observed.kernel.links = {down, port("eno1", {}), port("eno2", {}, false)};
    CHECK(observe::dead_ports(snapshot).empty());
}

}  // namespace bond_health_test
