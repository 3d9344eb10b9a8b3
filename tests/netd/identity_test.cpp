// A NIC is the one that it was, whatever it is called.
#include "netd/intent/identity.hpp"
#include "tests/netd/host_house.hpp"

namespace identity_test {

using intent::Identities;
using intent::Renames;
using told::name;

namespace {

bridges::Link nic(const std::string& called, int last_byte) {
    bridges::Link link{name(called)};
    link.kind = bridges::Device{};
    link.mac = topology::Mac::of({0x52, 0x54, 0, 0, 0, static_cast<std::uint8_t>(last_byte)});
    return link;
}

bridges::State host(std::vector<bridges::Link> links) {
    bridges::State state;
    for (auto& link : links) state.links.put(std::move(link));
    return state;
}

intent::Intent two_networks() {
    intent::Intent intent;
    for (const char* device : {"eno1", "eno2"}) {
        intent::Network network{*intent::NetworkName::parse(std::string("on-") + device)};
        network.nic = name(device);
        intent.put(network);
    }
    return intent;
}

std::string no_bus(const topology::IfName&) { return ""; }
// The slot is written in the name of these.
std::string slot(const topology::IfName& device) { return device.text().size() > 4 ? device.text().substr(4) : ""; }
std::string first_slot(const topology::IfName& device) { return device == name("eno1") ? "s1" : ""; }

const Identities met = intent::identities_of(two_networks(), host({nic("eno1", 1), nic("eno2", 2)}), {}, no_bus);

}  // namespace

TEST_CASE("where nothing was renamed nothing is found", "[identity]") {
    REQUIRE(met.size() == 2);
    CHECK(intent::renames(two_networks(), met, host({nic("eno1", 1), nic("eno2", 2)}), no_bus).empty());
    CHECK(intent::renames(two_networks(), {}, host({nic("enp1s0", 1), nic("eno2", 2)}), no_bus).empty());
}

TEST_CASE("a NIC is found by its MAC, also where two have swapped their names", "[identity]") {
    CHECK(intent::renames(two_networks(), met, host({nic("enp1s0", 1), nic("eno2", 2)}), no_bus) == Renames{{name("eno1"), name("enp1s0")}});
    const auto swapped = intent::renames(two_networks(), met, host({nic("eno1", 2), nic("eno2", 1)}), no_bus);
    CHECK(swapped == Renames{{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}});
    const auto now = intent::renamed(two_networks(), swapped);
    CHECK(now.network("on-eno1")->nic == name("eno2"));
    CHECK(now.bases().find(name("eno1"))->riders.begin()->network.text() == "on-eno2");
}

TEST_CASE("one that is not to be told from another, or that netd made, is not taken for it", "[identity]") {
    CHECK(intent::renames(two_networks(), met, host({nic("enp1s0", 1), nic("enp1s1", 1), nic("eno2", 2)}), no_bus).empty());
    auto bridge = nic("on-eno1", 1);
    bridge.kind = bridges::Bridge{};
    auto ours = nic("nic-1", 1);
    ours.owner = topology::Owner::ours("nic of a guest");
    CHECK(intent::renames(two_networks(), met, host({bridge, ours, nic("eno2", 2)}), no_bus).empty());
}

TEST_CASE("a card that was replaced is known by its slot, and by its name first", "[identity]") {
    const Identities known{{name("eno1"), {topology::Mac::of({2, 0, 0, 0, 0, 1}), "s0"}}};
    CHECK(intent::renames(two_networks(), known, host({nic("enp1s0", 9), nic("enp1s1", 8)}), slot) == Renames{{name("eno1"), name("enp1s0")}});
    CHECK(intent::renames(two_networks(), known, host({nic("eno1", 9)}), slot).empty());
}

TEST_CASE("where a NIC is away and another has its name, that one is not taken for it", "[identity]") {
    const auto late = intent::renames(two_networks(), met, host({nic("eno1", 2)}), no_bus);
    const auto away = name("enx525400000001");
    CHECK(late == Renames{{name("eno1"), away}, {name("eno2"), name("eno1")}});
    const auto waiting = intent::renamed(two_networks(), late);
    CHECK(waiting.network("on-eno1")->nic == away);
    CHECK(waiting.network("on-eno2")->nic == name("eno1"));

    // Whatever it is called when it comes; and until then nothing is renamed once more.
    const Identities known{{away, met.at(name("eno1"))}, {name("eno1"), met.at(name("eno2"))}};
    CHECK(intent::renames(waiting, known, host({nic("eno1", 2)}), no_bus).empty());
    CHECK(intent::renames(waiting, known, host({nic("eno1", 2), nic("eno2", 1)}), no_bus) == Renames{{away, name("eno2")}});
    CHECK(intent::renames(waiting, known, host({nic("eno1", 1), nic("eno2", 2)}), no_bus) == Renames{{away, name("eno1")}, {name("eno1"), name("eno2")}});
}

TEST_CASE("a NIC of another MAC is taken by its name unless it is certainly another", "[identity]") {
    CHECK(intent::renames(two_networks(), met, host({nic("eno1", 9)}), no_bus).empty());
    CHECK(intent::renames(two_networks(), met, host({nic("eno1", 9), nic("eno2", 2)}), no_bus).empty());
    CHECK(intent::renames(two_networks(), met, host({nic("eno1", 2), nic("eno2", 2)}), no_bus).empty());  // two have that MAC
    // It was put in the slot of the one that went.
    Identities known = met;
    known[name("eno1")].bus = "s1";
    CHECK(intent::renames(two_networks(), known, host({nic("eno1", 2)}), first_slot).empty());
}

TEST_CASE("a NIC does not go where another stays", "[identity]") {
    // The first card has the name of one of which nothing is known, so that its network stays where it is; and the second has the first one's.
    intent::Intent three = two_networks();
    intent::Network third{*intent::NetworkName::parse("on-eno3")};
    third.nic = name("eno3");
    three.put(third);
    CHECK(intent::renames(three, met, host({nic("eno1", 2), nic("eno3", 1)}), no_bus).empty());
}

TEST_CASE("what is known of a NIC that is away stays known while another has its name", "[identity]") {
    const auto late = host({nic("eno1", 2)});
    Identities known = met;
    intent::learn(known, intent::difference({}, two_networks()), late, no_bus);
    CHECK(known == met);
    CHECK(intent::identities_of(two_networks(), late, met, no_bus) == met);
    intent::learn(known, intent::difference({}, two_networks()), host({nic("eno1", 9)}), no_bus);
    CHECK(known.at(name("eno1")).mac == nic("eno1", 9).mac);
}

TEST_CASE("a name that stood in definitions means what its NIC is called at last", "[identity]") {
    const auto away = name("enx525400000001");
    const Renames late{{name("eno1"), away}, {name("eno2"), name("eno1")}};
    CHECK(intent::chained({}, late) == late);
    CHECK(intent::chained(late, {{away, name("eno2")}}) == Renames{{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}, {away, name("eno2")}});
    CHECK(intent::chained(late, {{away, name("eno1")}, {name("eno1"), name("eno2")}}) == Renames{{away, name("eno1")}});
    // The other one has its own name again, and the late one is away still.
    CHECK(intent::chained(late, {{name("eno1"), name("eno2")}}) == Renames{{name("eno1"), away}});
    // What was called so since.
    CHECK(intent::chained({{name("eno1"), name("eno2")}}, {{name("eno1"), name("ens4")}}) == Renames{{name("eno1"), name("ens4")}});
    // Two have swapped their names, and one goes on to a third.
    const Renames swapped{{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}};
    CHECK(intent::chained(swapped, {{name("eno1"), name("ens4")}}) == Renames{{name("eno1"), name("eno2")}, {name("eno2"), name("ens4")}});
}

TEST_CASE("bonds follow their ports, and a request that still has the old name means the new one", "[identity]") {
    intent::Intent intent;
    intent::Bond bond{name("bond0")};
    bond.nics = {name("eno1"), name("eno2")};
    intent.put(bond);
    const Renames renames{{name("eno1"), name("enp1s0")}};
    CHECK(intent::renamed(intent, renames).bonds().begin()->nics == std::set{name("enp1s0"), name("eno2")});
    intent::Request request{.bonds = {bond}};
    intent::rename(request, renames, intent, host({nic("eno1", 7), nic("enp1s0", 1)}));
    CHECK(request.bonds.front().nics == bond.nics);
    intent::rename(request, renames, intent, host({nic("enp1s0", 1)}));
    CHECK(request.bonds.front().nics.contains(name("enp1s0")));
}

TEST_CASE("the MAC of a bond with ports is known, until the bond is no longer defined", "[identity]") {
    intent::Intent intent;
    intent::Bond bond{name("bond0")};
    bond.nics = {name("eno1"), name("eno2")};
    intent.put(bond);
    const auto there = [](const char* fail_over_mac, bool has_port) {
        bridges::Link made{name("bond0")};
        made.kind = bridges::Bond{{{"mode", "active-backup"}, {"fail_over_mac", fail_over_mac}}};
        made.mac = topology::Mac::of({0x52, 0x54, 0, 0, 0, 1});
        bridges::Link port = nic("eno2", 1);
        port.facts.permanent_mac = nic("eno2", 2).mac;
        if (has_port) port.master = bridges::Master{name("bond0")};
        return host({made, port});
    };
    const auto known = [&](const bridges::State& kernel, const Identities& before = {}) {
        const Identities all = intent::identities_of(intent, kernel, before, no_bus);
        const auto found = all.find(name("bond0"));
        return found == all.end() ? std::nullopt : found->second.mac;
    };
    CHECK(known(there("none", true)) == nic("eno1", 1).mac);
    CHECK_FALSE(known(there("active", true)));  // that of the port that is active
    CHECK_FALSE(known(there("none", false)));   // that the kernel made up
    const Identities before{{name("bond0"), {nic("eno1", 7).mac}}};
    CHECK(known(there("none", false), before) == nic("eno1", 7).mac);
    CHECK(known(host({}), before) == nic("eno1", 7).mac);
    CHECK(intent::identities_of({}, host({}), before, no_bus).empty());
}

TEST_CASE("what waits for a NIC is not moved to the card that has its name by a request of before", "[identity]") {
    const auto away = name("enx525400000001");
    const Renames late{{name("eno1"), away}, {name("eno2"), name("eno1")}};
    const auto now = host({nic("eno1", 2)});
    const intent::Intent both = two_networks(), running = intent::renamed(both, late);
    intent::Request again;
    for (const auto& network : both.networks()) again.networks.push_back(network);
    intent::Bond bond{name("bond0")};
    bond.nics = {name("eno1"), name("eno2")};
    again.bonds = {bond};
    intent::rename(again, late, running, now);
    CHECK(again.networks[0].nic == away);
    CHECK(again.networks[1].nic == name("eno1"));
    CHECK(again.bonds[0].nics == bond.nics);  // and there is no eno2
    // A new one means what there is.
    intent::Network fresh{*intent::NetworkName::parse("fresh")};
    fresh.nic = name("eno1");
    intent::Request another{.networks = {fresh}};
    intent::rename(another, late, running, now);
    CHECK(another.networks[0].nic == name("eno1"));
}

TEST_CASE("a card that others alone know is not taken for one that is away", "[identity]") {
    intent::Intent first;
    first.put(*two_networks().networks().begin());
    const Identities its{*met.begin()};
    CHECK(intent::renames(first, its, host({nic("eno1", 2)}), no_bus).empty());
    CHECK(intent::renames(first, intent::beside(its, met), host({nic("eno1", 2)}), no_bus) == Renames{{name("eno1"), name("enx525400000001")}});
    const Identities replaced{{name("eno1"), {nic("eno1", 9).mac, ""}}};
    CHECK(intent::renames(first, intent::beside(its, replaced), host({nic("eno1", 9)}), no_bus).empty());
}

TEST_CASE("what is known of NICs goes with their names", "[identity]") {
    const auto swapped = intent::moved(met, {{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}});
    CHECK(swapped == Identities{{name("eno1"), met.at(name("eno2"))}, {name("eno2"), met.at(name("eno1"))}});
    CHECK(intent::moved(met, {{name("eno2"), name("eno1")}}) == Identities{{name("eno1"), met.at(name("eno2"))}});
}

TEST_CASE("a bond that is made anew has the MAC it had, as long as that is of a NIC of its own", "[identity]") {
    intent::Bond bond{name("bond0")};
    bond.nics = {name("eno1"), name("eno2")};
    bond.options = {{"mode", "active-backup"}};
    Identities known{{name("bond0"), {nic("eno1", 1).mac}}, {name("eno1"), {nic("eno1", 1).mac}}, {name("eno2"), {nic("eno2", 2).mac}}};
    const auto made = [&](std::vector<bridges::Link> beside) {
        beside.push_back(nic("eno2", 2));
        const bridges::State kernel = host(std::move(beside));
        intent::Bond there = bond;  // with what can be had of it
        std::erase_if(there.nics, [&](const auto& port) { return !kernel.links.contains(port); });
        intent::Intent intent;
        intent.put(there);
        lower::Host here{kernel};
        here.identities = &known;
        return lower::lower(intent, lower::everything(intent), here).kernel.links.find(name("bond0"))->mac;
    };
    CHECK(made({}) == nic("eno1", 1).mac);  // it is late

    CHECK(made({nic("eno3", 1)}) == nic("eno2", 2).mac);
    bridges::Link other{name("bond1")}, port = nic("eno3", 4);  // it wears that of its bond
    other.kind = bridges::Bond{{{"mode", "active-backup"}}};
    other.mac = port.mac;
    port.facts.permanent_mac = nic("eno1", 1).mac;
    port.master = bridges::Master{other.name};
    CHECK(made({other, port}) == nic("eno2", 2).mac);

    bridges::Link internal = nic("web", 1);  // what Open vSwitch has kept over the boot
    internal.facts.kind = "openvswitch";
    CHECK(made({internal}) == nic("eno1", 1).mac);

    // Another card is in its place: where the one of that MAC is now, nobody knows.
    bridges::Link replaced = nic("eno1", 7);
    replaced.facts.permanent_mac = replaced.mac;
    CHECK(made({replaced}) == replaced.mac);
    known[name("eno1")].mac = replaced.mac;
    CHECK(made({replaced}) == replaced.mac);
    CHECK(made({}) == nic("eno2", 2).mac);
}

}  // namespace identity_test
