// What is asked for of speed and copies becomes traffic control on the right devices, or is refused by name.
#include "netd/intent/rules_guest.hpp"
#include "netd/intent/validate.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/write_capabilities.hpp"

#include "tests/netd/host_house.hpp"

namespace shaping_test {

using bridges::Curve;
using bridges::Limit;
using bridges::Share;
using bridges::Traffic;
using nlohmann::json;
using told::House;

namespace {

json qos(int share) { return {{"out", {{"ls", {{"m2", share}}}}}}; }

std::string refusals(const json& params, const intent::Intent& running, const intent::Facts& facts) {
    intent::Complaints complaints;
    const auto request = wire::read_setup(params, complaints);
    const auto more = intent::validate(request, running, facts).complaints;
    complaints.add(more);
    std::string text;
    for (const auto& complaint : complaints) text += complaint.path + " " + std::to_string(complaint.code) + " " + complaint.what + "\n";
    return text;
}

// Everything that is said against a network with this hostQos.
std::string refusals(const json& host_qos, bridges::Abilities able = fakes::FakeKernel{"eth0"}.able) {
    fakes::FakeKernel kernel{"eth0"};
    const intent::Intent running = {};
    return refusals({{"networks", {{"web", {{"nic", "eth0"}, {"hostQos", host_qos}}}}}}, running,
                    {.kernel = kernel.state(), .abilities = able, .ovs_connected = true, .ovs_datapath = "netdev"});
}

// Two networks with tags, and a bond that they are on.
json on_bond(const json& nics, const char* kind, const json& web, const json& db) {
    const auto network = [&](int tag, const json& given) {
        json one = {{"bonding", "bond0"}, {"vlan", tag}, {"switch", kind}};
        if (!given.is_null()) one["hostQos"] = given;
        return one;
    };
    return {{"networks", {{"web", network(100, web)}, {"db", network(200, db)}}}, {"bondings", {{"bond0", {{"nics", nics}, {"switch", kind}}}}}};
}

// Somebody else takes the root of what leaves by it.
void shape_by_others(House& house, const std::string& device) {
    bridges::Link link = house.link(device);
    link.traffic = Traffic{};
    link.facts.rare.edit().foreign_qdisc = "htb 1:";
    house.now.observed.kernel.links.put(link);
}

std::string refused_nic(intent::GuestNic nic, const bridges::Abilities& able, const char* datapath = "system") {
    const bridges::State kernel = {};
    const intent::Intent running = {};
    std::string text;
    const auto refuse = [&](std::string_view attribute, topology::Fault, const std::string& what) { text += std::string(attribute) + ": " + what + "\n"; };
    const intent::Facts facts{.kernel = kernel, .abilities = able, .ovs_connected = true, .ovs_datapath = datapath};
    check_limits(nic, running, facts, refuse);
    check_mirroring(nic, running, facts, refuse);
    return text;
}

}  // namespace

TEST_CASE("what is promised is never more than what is allowed", "[shaping]") {
    const auto is_refused = [](const json& ul, const json& rt) { return refusals({{"out", {{"ls", {{"m2", 10}}}, {"ul", ul}, {"rt", rt}}}}).find("more than what is allowed") != std::string::npos; };
    CHECK_FALSE(is_refused({{"m2", 100'000}}, {{"m2", 100'000}}));
    CHECK(is_refused({{"m2", 100'000}}, {{"m2", 100'001}}));
    CHECK(is_refused({{"m2", 100'000}}, {{"m1", 200'000}, {"d", 1000}, {"m2", 1000}}));
    CHECK_FALSE(is_refused({{"m1", 300'000}, {"d", 1000}, {"m2", 100'000}}, {{"m1", 200'000}, {"d", 1000}, {"m2", 1000}}));
    CHECK(is_refused({{"m1", 300'000}, {"d", 1000}, {"m2", 100'000}}, {{"m1", 200'000}, {"d", 2000}, {"m2", 1000}}));
    CHECK_FALSE(is_refused({{"d", 1000}, {"m2", 100'000}}, {{"m2", 1000}}));
}

TEST_CASE("rates are told apart as far as the kernel does, which counts in bytes", "[shaping]") {
    const Curve curve{1001, 10, 2001};
    CHECK(curve == Curve{1008, 10, 2008});
    CHECK_FALSE(curve == Curve{1000, 10, 2001});
    CHECK_FALSE(curve == Curve{1009, 10, 2001});
    CHECK_FALSE(curve == Curve{1001, 11, 2001});
    CHECK_FALSE(curve == Curve{1001, 10, 2000});
}

TEST_CASE("networks of a NIC get their shares of it, whatever has no tag one of its own", "[shaping]") {
    House house{"eth0"};
    json limited = qos(20);
    limited["out"]["ul"] = {{"m2", 8'000'000}};
    limited["out"]["rt"] = {{"m1", 4'000'000}, {"d", 10'000}, {"m2", 1'000'000}};
    limited["in"] = {{"ul", {{"m2", 2'000'000}}}};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"hostQos", qos(10)}}}, {"db", {{"nic", "eth0"}, {"vlan", 200}, {"hostQos", limited}}}}}});
    const Traffic expected{.shares = {Share{100, Curve{0, 0, 10'000'000}}, Share{200, Curve{0, 0, 20'000'000}, Curve{0, 0, 8'000'000}, Curve{4'000'000, 10'000, 1'000'000}},
                                      Share{Share::untagged, Curve{0, 0, 20'000'000}}},
                           .intakes = {{200, Limit{250'000, 0, 80'000}}}};
    REQUIRE(house.link("eth0").traffic == expected);
    REQUIRE(house.link("web").traffic == Traffic{});
}

TEST_CASE("networks of a bond have their shares where frames wait, on each of its ports, and their limits once", "[shaping]") {
    House house{"eth0", "eth1", "eth2"};
    json limited = qos(20);
    limited["out"]["ul"] = {{"m2", 8'000'000}};
    limited["out"]["rt"] = {{"m2", 1'000'000}};
    const Curve ten{0, 0, 10'000'000}, twenty{0, 0, 20'000'000}, ul{0, 0, 8'000'000}, rt{0, 0, 1'000'000};
    const Traffic of_bond{.shares = {Share{100, ten}, Share{200, twenty, ul, rt}, Share{Share::untagged, twenty}}};
    const Traffic of_port{.shares = {Share{100, ten}, Share{200, twenty, {}, rt}, Share{Share::untagged, twenty}}};
    const auto is_shared_by = [&](const std::set<std::string>& ports) {
        CHECK(house.link("bond0").traffic == of_bond);
        for (const char* nic : {"eth0", "eth1", "eth2"}) CHECK(house.link(nic).traffic == (ports.contains(nic) ? of_port : Traffic{}));
        CHECK(house.left().empty());
    };
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        house.define(on_bond({"eth0", "eth1"}, kind, qos(10), limited));
        is_shared_by({"eth0", "eth1"});
        house.define({{"bondings", {{"bond0", {{"nics", {"eth1", "eth2"}}, {"switch", kind}}}}}});
        is_shared_by({"eth1", "eth2"});
    }
    house.define(on_bond({"eth1", "eth2"}, "ovs", nullptr, nullptr));
    for (const char* device : {"bond0", "eth1", "eth2"}) CHECK(house.link(device).traffic == Traffic{});
}

TEST_CASE("shares that somebody takes from a bond's port are drift of the bond's networks", "[shaping]") {
    House house{"eth0", "eth1"};
    house.define(on_bond({"eth0", "eth1"}, "legacy", qos(10), qos(20)));
    REQUIRE(observe::find_drift(house.now) == observe::Drift{});
    bridges::Link bare{told::name("eth1")};
    bare.traffic = Traffic{};
    house.meddle(bare);
    const auto drift = observe::find_drift(house.now);
    for (const char* network : {"web", "db"}) {
        CAPTURE(network);
        REQUIRE(drift.networks.contains(network));
        REQUIRE(drift.networks.at(network).size() == 1);
        CHECK(drift.networks.at(network)[0].subject == "eth1");
    }
    REQUIRE(house.left().size() == 1);
}

TEST_CASE("a bond that is no network's any more leaves no shares on its ports", "[shaping]") {
    House house{"eth0", "eth1"};
    house.define(on_bond({"eth0", "eth1"}, "legacy", qos(10), qos(20)));
    const json gone = {{"remove", true}};
    house.define({{"networks", {{"web", gone}, {"db", gone}}}, {"bondings", {{"bond0", gone}}}});
    for (const char* nic : {"eth0", "eth1"}) CHECK(house.link(nic).traffic == Traffic{});
}

TEST_CASE("what somebody else shapes gets no shares, be it a NIC or a bond's port", "[shaping]") {
    House house{"eth0", "eth1", "eth2"};
    const auto asked = [&](const json& params) { return refusals(params, house.now.running, house.now.facts()); };
    const std::string words = "somebody else shapes what leaves by eth1 (qdisc htb 1:); take that away first: tc qdisc delete dev eth1 root\n";
    shape_by_others(house, "eth1");
    CHECK(asked({{"networks", {{"web", {{"nic", "eth1"}, {"hostQos", qos(10)}}}}}}) == "/networks/web/hostQos 29 " + words);
    CHECK(asked(on_bond({"eth0", "eth1"}, "legacy", nullptr, nullptr)).empty());
    CHECK(asked(on_bond({"eth0", "eth1"}, "legacy", qos(10), qos(20))) == "/bondings/bond0/nics 29 " + words);
    house.define(on_bond({"eth0", "eth1"}, "legacy", nullptr, nullptr));
    shape_by_others(house, "eth1");
    CHECK(asked({{"networks", on_bond({}, "legacy", qos(10), qos(20))["networks"]}}) == "/networks/db/hostQos 29 " + words);
    house.define(on_bond({"eth0", "eth2"}, "legacy", qos(10), qos(20)));
    shape_by_others(house, "eth1");
    CHECK(asked({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}}}}}}) == "/bondings/bond0/nics 29 " + words);
    // What took the place of netd's is drift.
    shape_by_others(house, "eth2");
    CHECK(asked(on_bond({"eth0", "eth2"}, "legacy", qos(30), qos(20))).empty());
}

TEST_CASE("shares are told on the network and on its NIC, and gone from both when they are dropped", "[shaping]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"hostQos", qos(10)}}}}}});
    json told = json::parse(wire::write_capabilities(house.now, false));
    REQUIRE(told["networks"]["web"]["hostQos"] == qos(10));
    REQUIRE(told["nics"]["eth0"]["qos"] == json::array({{{"hostQos", qos(10)}, {"vlan", -1}}}));
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}}}});
    told = json::parse(wire::write_capabilities(house.now, false));
    REQUIRE_FALSE(told["networks"]["web"].contains("hostQos"));
    REQUIRE_FALSE(told["nics"]["eth0"].contains("qos"));
    REQUIRE(house.link("eth0").traffic == Traffic{});
}

TEST_CASE("shares that make no sense, or that the kernel can't keep, are refused", "[shaping]") {
    CHECK(refusals(qos(10)).empty());
    CHECK(refusals(json::object()).empty());  // it says nothing
    CHECK(refusals({{"out", {{"ul", {{"m2", 1000}}}}}}).find("needs out.ls") != std::string::npos);
    CHECK(refusals(qos(0)).find("an m2 above 0") != std::string::npos);
    json curve = qos(10);
    curve["out"]["ls"]["m1"] = 5;
    CHECK(refusals(curve).find("first d") != std::string::npos);
    json promise = qos(10);
    promise["out"]["ul"] = {{"m2", 1000}}, promise["out"]["rt"] = {{"m2", 2000}};
    CHECK(refusals(promise).find("more than what is allowed") != std::string::npos);
    json in = qos(10);
    in["in"] = {{"ul", {{"m1", 5}, {"d", 5}, {"m2", 5}}}};
    CHECK(refusals(in).find("no curve") != std::string::npos);
    in["in"] = {{"ul", {{"m2", 1'000'000}}}};
    CHECK(refusals(in).empty());
    in["in"]["ul"]["m2"] = 1000;
    CHECK(refusals(in).find("no bucket slower than 2400 bit/s") != std::string::npos);
    in["in"]["ul"]["m2"] = 2400;
    CHECK(refusals(in).empty());
    bridges::Abilities poor;
    poor.release = "6.1-poor";
    CHECK(refusals(in, poor).find("/networks/web/hostQos 29 kernel 6.1-poor has no HFSC") != std::string::npos);
    CHECK(refusals(in, poor).find("no policing") != std::string::npos);
}

TEST_CASE("who replaced netd's qdisc has it replaced by the same definition again, and who was there before is let be", "[shaping]") {
    House house{"eth0"};
    const json shaped = {{"networks", {{"web", {{"nic", "eth0"}, {"hostQos", qos(10)}}}}}}, plain = {{"networks", {{"web", {{"nic", "eth0"}}}}}};
    const auto complaints_of_asking_for_shares = [&] {
        intent::Complaints complaints;
        const auto request = wire::read_setup(shaped, complaints);
        complaints.add(intent::validate(request, house.now.running, house.now.facts()).complaints);
        return complaints;
    };
    const auto put_another_there = [&] {
        bridges::Link taken = house.link("eth0");
        taken.traffic = Traffic{};
        taken.facts.rare.edit().foreign_qdisc = "htb 1:";
        house.now.observed.kernel.links.put(taken);
    };
    house.define(shaped);
    const auto shares = house.link("eth0").traffic;
    put_another_there();
    CHECK(complaints_of_asking_for_shares().empty());
    const auto healing = house.left();
    REQUIRE(healing.size() == 1);
    CHECK(std::get<topology::Update<bridges::Link>>(std::get<bridges::Op>(healing.front().op)).now.traffic == shares);

    house.look();
    house.define(plain);
    put_another_there();
    const auto refused = complaints_of_asking_for_shares();
    REQUIRE(refused.size() == 1);
    CHECK(refused.front().path == "/networks/web/hostQos");
    CHECK(refused.front().fault == topology::Fault::conflict);
}

TEST_CASE("all networks of a NIC have shares or none has", "[shaping]") {
    fakes::FakeKernel kernel{"eth0"};
    intent::Complaints complaints;
    const auto request = wire::read_setup({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 1}, {"hostQos", qos(1)}}}, {"db", {{"nic", "eth0"}, {"vlan", 2}}}}}}, complaints);
    const intent::Intent running = {};
    const auto verdict = intent::validate(request, running, {kernel.state(), kernel.abilities(), true, ""});
    REQUIRE(complaints.empty());
    REQUIRE(verdict.complaints.size() == 2);
    for (const auto& complaint : verdict.complaints) CHECK(complaint.what == "network 'web' has hostQos and 'db' has none; all networks of eth0 have it, or none has");
}

TEST_CASE("a guest's limits that nobody can keep are refused by name", "[shaping]") {
    intent::GuestNic nic{"vm", *topology::Mac::parse("52:54:00:00:00:01")};
    nic.spec_params = {.inbound = intent::Bandwidth{250, {}, {}}, .outbound = intent::Bandwidth{250, {}, {}}};
    bridges::Abilities able = fakes::FakeKernel{"eth0"}.able;
    CHECK(refused_nic(nic, able).empty());
    able.htb = able.police = false;
    CHECK(refused_nic(nic, able).find("no HTB") != std::string::npos);
    CHECK(refused_nic(nic, able).find("no policing") != std::string::npos);
    nic.spec_params = {.inbound = intent::Bandwidth{0, {}, {}}, .outbound = intent::Bandwidth{20, 10, {}}};
    CHECK(refused_nic(nic, fakes::FakeKernel{"eth0"}.able) ==
          "specParams: inbound needs an average above 0 (kB/s); null takes the limit away\nspecParams: outbound: peak is below average\n");
    nic.spec_params = {};
    nic.port_mirroring = {*intent::NetworkName::parse("nowhere")};
    CHECK(refused_nic(nic, able) == "portMirroring: there is no network 'nowhere' to mirror\n");
}

}  // namespace shaping_test
