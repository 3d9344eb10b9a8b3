// A NIC in libvirt's words, and back.
#include "netd/guests/domain_xml.hpp"

#include <catch2/catch.hpp>

namespace domain_xml_test {

using namespace guests;

namespace {

const Mac mac = *Mac::parse("52:54:00:00:00:01");

Nic whole() {
    Nic nic{"web", mac};
    nic.device = IfName::observed("nic-0011aabb");
    nic.alias = "ua-nic";
    nic.model = "virtio";
    nic.queues = 1;
    nic.link = true;
    return nic;
}

std::string in_domain(const std::string& devices) { return "<domain id='1'><name>web</name><devices><disk type='file'/>" + devices + "</devices></domain>"; }

}  // namespace

TEST_CASE("a NIC is plugged in on a tap that libvirt leaves alone") {
    REQUIRE(write_interface(whole()) ==
            "<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='nic-0011aabb' managed='no'/><model type='virtio'/>"
            "<alias name='ua-nic'/></interface>");
}

TEST_CASE("what is written is read back, whatever is said of the NIC") {
    Nic nic = whole();
    const auto turned = GENERATE(0, 1, 2, 3, 4);
    if (turned == 1) nic.link = false;
    if (turned == 2) nic.queues = 4;
    if (turned == 3) nic.offloads = false;
    if (turned == 4) nic.mtu = Mtu::observed(9000);
    const auto read = read_interfaces(in_domain(write_interface(nic)), "web");
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    Nic expected = nic;
    expected.offloads = nic.offloads.value_or(true);
    expected.facts.ours = true;
    REQUIRE(read->front() == expected);
}

TEST_CASE("a NIC that libvirt plugged in itself is nobody's of ours") {
    const auto read = read_interfaces(in_domain("<interface type='network'><mac address='52:54:00:00:00:01'/>"
                                                "<source network='web' portid='x' bridge='vb-eno1'/><target dev='vnet0'/><model type='e1000e'/>"
                                                "<vlan trunk='yes'><tag id='30'/><tag id='20'/></vlan><alias name='net0'/></interface>"), "web");
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    const Nic& nic = read->front();
    CHECK_FALSE(nic.facts.ours);
    CHECK(nic.facts.bridge == "vb-eno1");
    CHECK(nic.facts.network == "web");
    CHECK(nic.facts.tags == std::vector<std::uint16_t>{30, 20});
    CHECK(nic.device->text() == "vnet0");
    CHECK(nic.model == "e1000e");
}

TEST_CASE("of several NICs with one MAC netd's own counts, else the first, and the devices of the others are told with it") {
    const auto made_by_libvirt = [](const std::string& device) {
        return "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='web'/><target dev='" + device + "'/><alias name='net-" + device + "'/></interface>";
    };
    const std::set twins{IfName::observed("vnet0"), IfName::observed("vnet1")};
    for (const std::string& devices : {made_by_libvirt("vnet0") + write_interface(whole()) + made_by_libvirt("vnet1"),
                                       write_interface(whole()) + made_by_libvirt("vnet0") + made_by_libvirt("vnet1"),
                                       made_by_libvirt("vnet0") + made_by_libvirt("vnet1") + write_interface(whole())}) {
        const auto read = read_interfaces(in_domain(devices), "web");
        REQUIRE(read);
        REQUIRE(read->size() == 1);
        CHECK(read->front().facts.ours);
        CHECK(read->front().device == whole().device);
        CHECK(read->front().facts.twins == twins);
    }
    const auto read = read_interfaces(in_domain(made_by_libvirt("vnet0") + made_by_libvirt("vnet1")), "web");
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    CHECK(read->front().device == IfName::observed("vnet0"));
    CHECK(read->front().facts.twins == std::set{IfName::observed("vnet1")});
}

TEST_CASE("an unmanaged tap of somebody else's is not ours") {
    const auto read = read_interfaces(in_domain("<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='mytap' managed='no'/>"
                                                "<alias name='net0'/></interface>"), "web");
    REQUIRE(read);
    REQUIRE_FALSE(read->front().facts.ours);
}

TEST_CASE("what has no device yet, or no lawful MAC, is left out; what is no domain is an error") {
    const auto read = read_interfaces(in_domain("<interface type='bridge'><mac address='rubbish'/><target dev='vnet0'/></interface>"
                                                "<interface type='bridge'><mac address='52:54:00:00:00:01'/></interface>"), "web");
    REQUIRE(read);
    CHECK(read->empty());
    for (const char* text : {"", "<", "<network/>", "<domain>", "<!DOCTYPE d [<!ENTITY a 'b'>]><network>&a;</network>"}) {
        CAPTURE(text);
        CHECK_FALSE(read_interfaces(text, "web"));
    }
}

TEST_CASE("what comes from outside can't break out of its attribute") {
    Nic nic = whole();
    nic.alias = "ua-'/><evil a=\"&<";
    const std::string xml = write_interface(nic);
    CHECK(xml.find("<evil") == std::string::npos);
    const auto read = read_interfaces(in_domain(xml), "web");
    REQUIRE(read);
    CHECK(read->front().alias == nic.alias);
}

TEST_CASE("a network is offered under its name, with a UUID that says whose it is") {
    const std::string xml = write_network({"we<b", "ovs-eno1", true, 30});
    CHECK(xml.find("<name>we&lt;b</name>") != std::string::npos);
    CHECK(xml.find("<bridge name='ovs-eno1'/><virtualport type='openvswitch'/><vlan><tag id='30'/></vlan>") != std::string::npos);
    CHECK(is_uuid_of_offer(uuid_of_offer("web")));
    CHECK(uuid_of_offer("web") != uuid_of_offer("db"));
    CHECK(uuid_of_offer("web").size() == 36);
    CHECK_FALSE(is_uuid_of_offer("d4e1ac07-0000-4000-8000-000000000000"));
}

}  // namespace domain_xml_test
