// What every ovs::Switch promises of changes, said of a real Open vSwitch with the userspace datapath and of the fake.
#include "tests/contract/switch_worlds.hpp"

#include <catch2/catch.hpp>

#include <utility>

namespace switch_test {

using namespace switch_worlds;

TEMPLATE_TEST_CASE("a bridge, tagged ports and an uplink come in one transaction and are there as they were wanted", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    State want = blue();
    Port guest = port("b4", "blue", Access{vlan(0)});
    guest.mac = *Mac::parse("52:54:00:00:00:04");
    guest.mtu = *Mtu::from(1400);
    guest.isolated = true;
    guest.cvlans = vlans("7-8"), guest.priority_tags = "always";
    guest.stp = false;
    guest.attached_mac = "52:54:00:00:00:99", guest.iface_id = "if-4", guest.vm_id = "vm-4";
    guest.filter = *topology::Filter::parse("strict 52:54:00:00:00:99 192.0.2.7");
    want.ports.put(guest);
    Bridge switched = bridge("blue");
    switched.mac = *Mac::parse("02:00:00:00:00:01");
    switched.stp = true;
    switched.protocols = "OpenFlow13,OpenFlow14";
    switched.fail_mode = "secure";
    switched.flood_vlans = vlans("5,9");
    switched.controllers = "punix:one,punix:two";
    want.bridges.put(switched);

    const Progress progress = bring_about(host.ovs, want);

    REQUIRE(refusal(progress) == "");
    REQUIRE(progress.done == 6);
    REQUIRE(without_facts(host.ovs.state()) == want);
    for (const Port& port : host.ovs.state().ports) {
        CAPTURE(port.name.text());
        REQUIRE(port.facts.ofport > 0);
        REQUIRE(port.facts.error.empty());
    }
}

TEMPLATE_TEST_CASE("asked for again, nothing is planned and nothing is written", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    REQUIRE(plan(blue(), host.ovs.state()).empty());
    const Port& b1 = *host.ovs.state().ports.find(name("b1"));
    // ovs-vswitchd may still write what it has found out of the new ports: it has a round or two for that.
    bool has_written = true;
    for (int round = 0; round < 5 && has_written; ++round) {
        const auto size = host.written();
        const Progress progress = apply(host.ovs, {Update<Port>{b1, b1}, Update<Bridge>{bridge("blue"), bridge("blue")},
                                                    Remove<Port>{port("gone", "blue", Trunk{})}});
        REQUIRE(refusal(progress) == "");
        REQUIRE(progress.done == 3);
        has_written = host.written() != size;
    }
    REQUIRE_FALSE(has_written);
}

TEMPLATE_TEST_CASE("each way of tagging leads to each other", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    const Tagging ways[] = {Access{vlan(10)}, Access{vlan(0)}, Trunk{}, Trunk{.tags = vlans("0,5")},
                            Trunk{.tags = vlans("7"), .native = vlan(7)}, Nowhere{}};
    for (const Tagging& from : ways) {
        for (const Tagging& to : ways) {
            State want = blue();
            want.ports.put(port("b1", "blue", from));
            REQUIRE(refusal(bring_about(host.ovs, want)) == "");
            want.ports.put(port("b1", "blue", to));
            REQUIRE(refusal(bring_about(host.ovs, want)) == "");
            REQUIRE(without_facts(host.ovs.state()) == want);
        }
    }
}

TEMPLATE_TEST_CASE("a port moves to another bridge in one transaction, and out of a bridge that goes", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    State want = blue();
    want.bridges.put(bridge("green"));
    REQUIRE(refusal(bring_about(host.ovs, want)) == "");

    want.ports.put(port("b1", "green", Access{vlan(30)}));
    REQUIRE(refusal(bring_about(host.ovs, want)) == "");
    REQUIRE(without_facts(host.ovs.state()) == want);
    REQUIRE(host.ovs.state().ports.find(name("b1"))->facts.ofport > 0);

    const State last{.bridges = {bridge("red")}, .ports = {port("up0", "red", Trunk{}, false)}};
    REQUIRE(refusal(bring_about(host.ovs, last)) == "");
    REQUIRE(without_facts(host.ovs.state()) == last);
}

TEST_CASE("what no other way makes is seen too: a bond of Open vSwitch, a dead port") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    REQUIRE(refusal(bring_about(*host.ovs, blue())) == "");
    host.machine.vsctl({"add-bond", "blue", "pair", "e1", "e2", "--", "set", "interface", "e1", "type=internal", "--",
                        "set", "interface", "e2", "type=internal"});
    host.machine.vsctl({"add-port", "blue", "dead", "tag=4095", "vlan_mode=trunk", "trunks=4095", "--", "set",
                        "interface", "dead", "type=internal", "external_ids:iface-id=x"});

    State expected = blue();
    Port dead = port("dead", "blue", Trunk{});
    dead.owner = Owner::foreign(), dead.tagging = {}, dead.iface_id = "x";
    for (const Port& port : {dead, Port{.name = name("pair"), .bridge = name("blue"), .owner = Owner::foreign()}}) expected.ports.put(port);
    REQUIRE(until(*host.ovs, [&] { return without_facts(host.ovs->state()) == expected; }));
}

TEST_CASE("a port of netd's that has an interface beside its own is known as such, and is made anew") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    State want = blue();
    Port guest = *want.ports.find(name("b1"));
    guest.filter = *topology::Filter::parse("strict 52:54:00:00:00:99 192.0.2.7");
    want.ports.put(guest);
    REQUIRE(refusal(bring_about(*host.ovs, want)) == "");
    host.machine.vsctl({"--id=@i", "create", "interface", "name=beside", "type=internal", "--", "add", "port", "b1", "interfaces", "@i"});

    State expected = want;
    guest.others = "beside";
    expected.ports.put(guest);
    REQUIRE(until(*host.ovs, [&] { return without_facts(host.ovs->state()) == expected; }));

    for (const Phase phase : {Phase::release, Phase::build}) {
        std::vector<Op> ops;
        for (const Step& step : plan(want, host.ovs->state()))
            if (step.phase == phase) ops.push_back(step.op);
        REQUIRE(refusal(apply(*host.ovs, ops)) == "");
    }
    REQUIRE(without_facts(host.ovs->state()) == want);
    REQUIRE(host.ovs->state().ports.find(name("b1"))->facts.ofport > 0);
}

TEMPLATE_TEST_CASE("settings of netd's own rows that others made are taken away", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    Port tagged{.name = name("b1"), .cvlans = vlans("7"), .priority_tags = "always"};
    const Bridge flooded{.name = name("blue"), .flood_vlans = vlans("5")};
    host.meddle({Update<Port>{*host.ovs.state().ports.find(name("b1")), tagged}, Update<Bridge>{bridge("blue"), flooded}});
    REQUIRE(until(host.ovs, [&] { return !plan(blue(), host.ovs.state()).empty(); }));
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    REQUIRE(without_facts(host.ovs.state()) == blue());
}

TEST_CASE("what others plugged in moves with all that it has, dead or alive, and a bond and a mirror as well") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    REQUIRE(refusal(bring_about(*host.ovs, blue())) == "");
    host.machine.vsctl({"add-bond", "blue", "pair", "e1", "e2", "--", "set", "interface", "e1", "type=internal", "--", "set", "interface", "e2", "type=internal"});
    host.machine.vsctl({"--no-wait", "add-port", "blue", "dead", "tag=7", "cvlans=9", "--", "--id=@p", "get", "port", "pair", "--",
                        "--id=@m", "create", "mirror", "name=theirs", "select_src_port=@p", "--", "add", "bridge", "blue", "mirrors", "@m"});
    REQUIRE(until(*host.ovs, [&] { return host.ovs->state().mirrors.contains(name("theirs")) && host.ovs->state().ports.contains(name("dead")); }));
    const State before = without_facts(host.ovs->state());

    State want{.bridges = {bridge("red")}};
    for (Port port : before.ports) {
        port.bridge = name("red");
        want.ports.put(port.owner->is_ours() ? port : Port{.name = port.name, .bridge = port.bridge});
    }
    want.mirrors.put(PortMirror{.name = name("theirs"), .bridge = name("red")});
    REQUIRE(refusal(bring_about(*host.ovs, want)) == "");

    State expected{.bridges = {bridge("red")}};
    for (Port port : before.ports) {
        port.bridge = name("red");
        expected.ports.put(port);
    }
    REQUIRE(without_facts(host.ovs->state()) == expected);
    PortMirror mirror = *host.ovs->state().mirrors.find(name("theirs"));
    REQUIRE(mirror.bridge == name("red"));
    REQUIRE(host.machine.vsctl({"wait-until", "mirror", "theirs", "select_all=false"}) == 0);
}

TEMPLATE_TEST_CASE("what others made is seen, listed as foreign and survives what happens to ours", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    Port theirs = port("theirs", "blue", Access{vlan(4)});
    theirs.owner = Owner::foreign();
    host.meddle({Create<Port>{theirs}});

    State expected = blue();
    expected.ports.put(theirs);
    REQUIRE(until(host.ovs, [&] { return without_facts(host.ovs.state()) == expected; }));

    const Progress progress = apply(host.ovs, {Remove<Port>{port("b2", "blue", Trunk{})}, Create<Port>{port("b5", "blue", Access{vlan(5)})}});
    REQUIRE(refusal(progress) == "");
    expected.ports.erase(name("b2"));
    expected.ports.put(port("b5", "blue", Access{vlan(5)}));
    REQUIRE(without_facts(host.ovs.state()) == expected);

    Port tagged{name("b1")};
    tagged.tagging = Access{vlan(77)};
    host.meddle({Remove<Port>{theirs}, Update<Port>{port("b1", "blue", Access{vlan(10)}), tagged}});
    expected.ports.erase(name("theirs"));
    expected.ports.put(port("b1", "blue", Access{vlan(77)}));
    REQUIRE(until(host.ovs, [&] { return without_facts(host.ovs.state()) == expected; }));
}

TEMPLATE_TEST_CASE("what was not set before is taken away again by the plan that leads back", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    const State before = host.ovs.state();
    State want = blue();
    Port changed = port("b1", "blue", Access{vlan(10)});
    changed.mac = *Mac::parse("52:54:00:00:00:04"), changed.mtu = *Mtu::from(1400), changed.isolated = true, changed.stp = false;
    changed.attached_mac = "52:54:00:00:00:99", changed.iface_id = "if-4", changed.vm_id = "vm-4";
    want.ports.put(changed);
    Bridge told = bridge("blue");
    told.mac = *Mac::parse("02:00:00:00:00:01");
    want.bridges.put(told);
    REQUIRE(refusal(bring_about(host.ovs, want)) == "");
    REQUIRE(without_facts(host.ovs.state()) == want);

    REQUIRE(refusal(bring_about(host.ovs, before)) == "");
    REQUIRE(without_facts(host.ovs.state()) == blue());
    REQUIRE(plan(before, host.ovs.state()).empty());
}

TEMPLATE_TEST_CASE("a port without a device is an error in ovs-vswitchd's words, and what else was asked is there", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    State want = blue();
    want.ports.put(port("nosuch", "blue", Access{vlan(9)}, false));

    const Progress progress = bring_about(host.ovs, want);

    REQUIRE(progress.stopped);
    REQUIRE(progress.stopped->fault == Fault::backend);
    REQUIRE(progress.stopped->subject == "nosuch");
    REQUIRE(progress.stopped->what.find("No such device") != std::string::npos);
    REQUIRE(progress.done == 5);
    REQUIRE(host.ovs.state().ports.find(name("nosuch"))->facts.ofport == -1);

    REQUIRE(refusal(bring_about(host.ovs, {})) == "");
    REQUIRE(host.ovs.state() == State{});
}

TEMPLATE_TEST_CASE("a bridge whose datapath can't be had is an error", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    Bridge want = bridge("blue");
    want.datapath = "nonsense";
    const Progress progress = apply(host.ovs, {Create<Bridge>{want}});
    REQUIRE(progress.stopped);
    REQUIRE(progress.stopped->subject == "blue");
    REQUIRE(progress.done == 0);
}

TEMPLATE_TEST_CASE("what can't be written is refused before anything is", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    const State before = host.ovs.state();
    const Op good = Create<Port>{port("b9", "blue", Trunk{})};

    const std::pair<Op, Fault> refused[] = {
        {Create<Bridge>{bridge("blue")}, Fault::conflict},
        {Create<Port>{port("b1", "blue", Trunk{})}, Fault::conflict},
        {Create<Port>{port("b8", "nowhere", Trunk{})}, Fault::not_found},
        {Update<Port>{port("b8", "blue", Trunk{}), port("b8", "blue", Trunk{})}, Fault::conflict},
        {Update<Bridge>{bridge("nowhere"), bridge("nowhere")}, Fault::conflict}};
    for (const auto& [op, fault] : refused) {
        const Progress progress = apply(host.ovs, {good, op});
        REQUIRE(progress.done == 0);
        REQUIRE(progress.stopped);
        REQUIRE(progress.stopped->fault == fault);
        REQUIRE(host.ovs.state() == before);
    }
}

TEMPLATE_TEST_CASE("a port is replugged by Remove, applied, and Create", "[switch]", BOTH_SWITCHES) {
    A_HOST(host);
    REQUIRE(refusal(bring_about(host.ovs, blue())) == "");
    const auto dead = *host.ovs.state().ports.find(name("up0"));
    host.replace("up0");

    REQUIRE(refusal(apply(host.ovs, {Remove<Port>{dead}})) == "");
    REQUIRE(refusal(apply(host.ovs, {Create<Port>{port("up0", "blue", Trunk{}, false)}})) == "");

    REQUIRE(without_facts(host.ovs.state()) == blue());
    REQUIRE(until(host.ovs, [&] {
        const auto index = host.ovs.state().ports.find(name("up0"))->facts.ifindex;
        return index > 0 && index != dead.facts.ifindex;
    }));
}

}  // namespace switch_test
