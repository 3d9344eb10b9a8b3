// Who gets copies of which traffic, on Linux bridges.
#include "netd/wire/write_capabilities.hpp"
#include "tests/netd/host_house.hpp"

namespace mirror_test {

using bridges::Traffic;
using nlohmann::json;
using told::House;

TEST_CASE("who mirrors a network gets what passes its device, and what its guests send, each once", "[mirror]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}, {"db", json::object()}}}});
    intent::GuestNic speaker{"vm", *topology::Mac::parse("52:54:00:00:00:01")}, ear{"vm", *topology::Mac::parse("52:54:00:00:00:02")};
    speaker.kind = ear.kind = intent::GuestKind::tap;
    speaker.network = ear.network = "web";
    ear.port_mirroring = {*intent::NetworkName::parse("web")};
    const std::string from = lower::port_of(speaker.key()).text(), to = lower::port_of(ear.key()).text();
    const std::set copies{told::name(to)};
    house.plug(speaker);
    house.plug(ear);
    REQUIRE(house.link("web").traffic == Traffic{.copies = copies});
    REQUIRE(house.link("web").promiscuous == true);
    REQUIRE(house.link(from).traffic == Traffic{.copies_in = copies});
    REQUIRE(house.link(to).traffic == Traffic{});
    REQUIRE(house.link("db").traffic == Traffic{});
    // What a trusted one sends reaches the network's device.
    speaker.filter = topology::FilterLevel::trusted;
    house.plug(speaker);
    REQUIRE(house.link(from).traffic == Traffic{});
    speaker.filter = {};
    house.plug(speaker);
    ear.port_mirroring = {*intent::NetworkName::parse("db")};
    house.plug(ear);
    REQUIRE(house.link("db").traffic == Traffic{.copies = copies});
    for (const std::string& link : {std::string("web"), from, to}) REQUIRE(house.link(link).traffic == Traffic{});
    REQUIRE(house.link("web").promiscuous == false);
}

TEST_CASE("what a guest with a tag of its own sends is of the network that has the tag, and copied to who mirrors that", "[mirror]") {
    House house{"eth0"};
    const auto define = [&](int tag_of_db) {
        const auto network = [](int tag) { return json{{"nic", "eth0"}, {"vlan", tag}, {"switch", "vlan-aware"}}; };
        house.define({{"networks", {{"web", network(100)}, {"db", network(tag_of_db)}}}});
    };
    define(200);
    intent::GuestNic speaker{"vm", *topology::Mac::parse("52:54:00:00:00:01")}, ear{"vm", *topology::Mac::parse("52:54:00:00:00:02")};
    speaker.network = "web";
    speaker.vlan = *intent::VlanId::from(200);
    const std::string from = lower::port_of(speaker.key()).text(), to = lower::port_of(ear.key()).text();
    const Traffic copied{.copies_in = {told::name(to)}};
    house.plug(speaker);
    ear.port_mirroring = {*intent::NetworkName::parse("db")};
    house.plug(ear);
    CHECK(house.link(from).traffic == copied);
    // The network goes to another tag, and back.
    define(300);
    CHECK(house.link(from).traffic == Traffic{});
    define(200);
    CHECK(house.link(from).traffic == copied);
    ear.port_mirroring = {*intent::NetworkName::parse("web")};
    house.plug(ear);
    CHECK(house.link(from).traffic == Traffic{});
    speaker.vlan.reset();
    house.plug(speaker);
    CHECK(house.link(from).traffic == copied);
    ear.port_mirroring = {*intent::NetworkName::parse("db")};
    house.plug(ear);
    CHECK(house.link(from).traffic == Traffic{});
}

TEST_CASE("a network that the host is not in is told with the device that copies want of it, and with its bridge while nobody hears them", "[mirror]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "vlan-aware"}}}}}});
    intent::GuestNic ear{"vm", *topology::Mac::parse("52:54:00:00:00:02")};
    ear.port_mirroring = {*intent::NetworkName::parse("web")};
    for (const bool hears : {true, false, true}) {
        ear.link_active = hears;
        house.plug(ear);
        CHECK(json::parse(wire::write_capabilities(house.now, false))["networks"]["web"]["iface"] == (hears ? "web" : "vb-eth0"));
    }
}

}  // namespace mirror_test
