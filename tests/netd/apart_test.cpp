// What keeps networks apart is told from everything else that changes.
#include "netd/observe/apart.hpp"

#include <catch2/catch.hpp>

namespace apart_test {

using observe::is_kept_apart_otherwise;
using observe::Snapshot;
using topology::IfName;

namespace {

Snapshot with(const bridges::Link& link) {
    Snapshot snapshot;
    snapshot.observed.kernel.links.put(link);
    return snapshot;
}

Snapshot with(const ovs::Port& port) {
    Snapshot snapshot;
    snapshot.observed.ovs.ports.put(port);
    return snapshot;
}

bridges::Link port_of_web() {
    bridges::Link link{IfName::observed("nic-1")};
    link.kind = bridges::Tap{};
    link.up = true;
    link.master = bridges::Master{IfName::observed("web")};
    link.vlans = bridges::PortVlans{{}, *topology::VlanId::parse("7")};
    link.isolated = true;
    return link;
}

}  // namespace

TEST_CASE("a port that leaves its bridge for another, its VLAN or its isolation keeps networks apart otherwise", "[apart]") {
    const auto before = port_of_web();
    auto elsewhere = before, untagged = before, open = before;
    elsewhere.master = bridges::Master{IfName::observed("db")};
    untagged.vlans = bridges::PortVlans{};
    open.isolated = false;
    for (const auto& after : {elsewhere, untagged, open}) CHECK(is_kept_apart_otherwise(with(before), with(after)));
}

TEST_CASE("a port that is on no bridge any more can wait, as its bridge may be gone; not so where it comes to another one from there", "[apart]") {
    const auto before = port_of_web();
    auto free = before;
    free.master = bridges::Master{};
    free.vlans = bridges::PortVlans{};
    free.isolated.reset();
    auto elsewhere = free;
    elsewhere.master = bridges::Master{IfName::observed("db")};
    CHECK_FALSE(is_kept_apart_otherwise(with(before), with(free)));
    CHECK(is_kept_apart_otherwise(with(free), with(elsewhere)));
}

TEST_CASE("so does a bridge that forgets about tags", "[apart]") {
    bridges::Link before{IfName::observed("vmbr")};
    before.kind = bridges::Bridge{{{"vlan_filtering", "1"}}};
    auto after = before;
    after.kind = bridges::Bridge{{{"vlan_filtering", "0"}}};
    REQUIRE(is_kept_apart_otherwise(with(before), with(after)));
}

TEST_CASE("so does a port of Open vSwitch with another tag, bridge or isolation", "[apart]") {
    ovs::Port before{IfName::observed("nic-1")};
    before.bridge = IfName::observed("ovs-1");
    before.isolated = true;
    auto moved = before, open = before, tagged = before;
    moved.bridge = IfName::observed("ovs-2");
    open.isolated = false;
    tagged.tagging = ovs::Nowhere{};
    for (const auto& after : {moved, open, tagged}) CHECK(is_kept_apart_otherwise(with(before), with(after)));
}

TEST_CASE("what comes, goes, or differs in something else does not", "[apart]") {
    const auto before = port_of_web();
    auto other = before;
    other.mtu = *topology::Mtu::parse("1400");
    other.up = false;
    CHECK_FALSE(is_kept_apart_otherwise(with(before), with(other)));
    CHECK_FALSE(is_kept_apart_otherwise(with(before), Snapshot()));
    CHECK_FALSE(is_kept_apart_otherwise(Snapshot(), with(before)));
    CHECK_FALSE(is_kept_apart_otherwise(with(before), with(before)));
}

}  // namespace apart_test
