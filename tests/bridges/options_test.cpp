// What may be set on bridges and bonds, in which words, and what is refused.
#include "bridges/bond_options.hpp"
#include "bridges/bridge_options.hpp"

#include <catch2/catch.hpp>

namespace bridges_options_test {

using namespace bridges;
using topology::Fault;

namespace {

void refuses_bond(std::string_view text, std::string_view subject) {
    const auto options = parse_bond_options(text);
    CAPTURE(text);
    REQUIRE_FALSE(options);
    REQUIRE(options.error().fault == Fault::invalid);
    REQUIRE(options.error().subject == subject);
    REQUIRE(options.error().what.size() > 10);
}

void refuses_bridge(std::string_view text, std::string_view subject) {
    const auto options = parse_bridge_options(text);
    CAPTURE(text);
    REQUIRE_FALSE(options);
    REQUIRE(options.error().fault == Fault::invalid);
    REQUIRE(options.error().subject == subject);
}

}  // namespace

TEST_CASE("a bond's mode is a number or a name, anywhere in the text") {
    REQUIRE(*parse_bond_options("mode=4 miimon=100") == Options{{"mode", "802.3ad"}, {"miimon", "100"}});
    REQUIRE(*parse_bond_options("miimon=100  lacp_rate=1 mode=802.3ad") ==
            Options{{"mode", "802.3ad"}, {"miimon", "100"}, {"lacp_rate", "fast"}});
    REQUIRE(*parse_bond_options("") == Options{{"mode", "balance-rr"}});
    REQUIRE(*parse_bond_options("mode=1 primary=eth0") == Options{{"mode", "active-backup"}, {"primary", "eth0"}});
}

TEST_CASE("a bond's options are told in one way, however they were written") {
    REQUIRE(*parse_bond_options("mode=2 xmit_hash_policy=2") == *parse_bond_options("xmit_hash_policy=layer2+3 mode=balance-xor"));
    REQUIRE(*parse_bond_options("num_unsol_na=3") == *parse_bond_options("num_grat_arp=3"));
    REQUIRE(parse_bond_options("mode=1 arp_interval=100 arp_ip_target=192.0.2.1,192.0.2.2")->at("arp_ip_target") ==
            "192.0.2.1,192.0.2.2");
    REQUIRE(parse_bond_options("mode=1 miimon=100 updelay=250")->at("updelay") == "200");
}

TEST_CASE("where the kernel takes a word for a number, so do we, and tell the number as it does") {
    CHECK(*parse_bond_options("mode=balance-tlb use_carrier=off all_slaves_active=on tlb_dynamic_lb=off") ==
          Options{{"mode", "balance-tlb"}, {"use_carrier", "0"}, {"all_slaves_active", "1"}, {"tlb_dynamic_lb", "0"}});
    CHECK(*parse_bond_options("mode=5 use_carrier=on all_slaves_active=off tlb_dynamic_lb=on") == *parse_bond_options("mode=5 use_carrier=1 all_slaves_active=0 tlb_dynamic_lb=1"));
    CHECK(parse_bond_options("use_carrier=on use_carrier=1"));
}

TEST_CASE("a bond's option that cannot be is refused by name") {
    refuses_bond("mode=7", "mode");
    refuses_bond("mode=fast", "mode");
    refuses_bond("miimon", "miimon");
    refuses_bond("miimon=-1", "miimon");
    refuses_bond("miimon=1e2", "miimon");
    refuses_bond("colour=red", "colour");
    refuses_bond("mode=1 active_slave=eth0", "active_slave");
    refuses_bond("mode=1 lacp_rate=fast", "lacp_rate");
    refuses_bond("mode=4 primary=eth0", "primary");
    refuses_bond("mode=4 arp_interval=100 arp_ip_target=192.0.2.1", "arp_interval");
    refuses_bond("mode=1 miimon=100 arp_interval=100 arp_ip_target=192.0.2.1", "miimon");
    refuses_bond("mode=1 arp_interval=100", "arp_interval");
    refuses_bond("mode=1 arp_interval=100 arp_ip_target=2001:db8::1", "arp_ip_target");
    refuses_bond("mode=1 updelay=200", "updelay");
    refuses_bond("mode=4 ad_actor_system=nobody", "ad_actor_system");
    refuses_bond("use_carrier=2", "use_carrier");
    refuses_bond("use_carrier=yes", "use_carrier");
    refuses_bond("use_carrier=on use_carrier=0", "use_carrier");
    refuses_bond("miimon=on", "miimon");
}

TEST_CASE("each mode has defaults of its own") {
    REQUIRE(default_bond_options("802.3ad").at("miimon") == "100");
    REQUIRE(default_bond_options("802.3ad").at("lacp_rate") == "slow");
    REQUIRE_FALSE(default_bond_options("802.3ad").contains("primary"));
    REQUIRE(default_bond_options("active-backup").at("miimon") == "0");
    REQUIRE(default_bond_options("active-backup").at("primary").empty());
    REQUIRE_FALSE(default_bond_options("active-backup").contains("lacp_rate"));
    for (const char* mode : {"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}) {
        REQUIRE(default_bond_options(mode).at("mode") == mode);
    }
}

TEST_CASE("a default is a legal value in canonical text") {
    for (const char* mode : {"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}) {
        for (const auto& [key, value] : default_bond_options(mode)) {
            CAPTURE(mode, key);
            const auto parsed = parse_bond_options("mode=" + std::string(mode) + " " + key + "=" + value);
            REQUIRE(parsed);
            REQUIRE(parsed->at(key) == value);
        }
    }
}

TEST_CASE("some options want the bond down, some want it empty") {
    REQUIRE(bond_option_needs_down("mode"));
    REQUIRE(bond_option_needs_empty("mode"));
    REQUIRE(bond_option_needs_down("lacp_rate"));
    REQUIRE_FALSE(bond_option_needs_empty("lacp_rate"));
    REQUIRE_FALSE(bond_option_needs_down("miimon"));
    REQUIRE_FALSE(bond_option_needs_down("colour"));
}

TEST_CASE("a bridge's options are told as sysfs tells them") {
    REQUIRE(*parse_bridge_options("group_fwd_mask=8 multicast_snooping=0") ==
            Options{{"group_fwd_mask", "0x8"}, {"multicast_snooping", "0"}});
    REQUIRE(*parse_bridge_options("group_fwd_mask=0x8 vlan_protocol=33024") ==
            Options{{"group_fwd_mask", "0x8"}, {"vlan_protocol", "0x8100"}});
    REQUIRE(parse_bridge_options("")->empty());
    REQUIRE(bridge_option_default("ageing_time") == "30000");
    REQUIRE(parse_bridge_options("ageing_time=20001 multicast_query_interval=0x2711")->at("ageing_time") == "20000");
    REQUIRE_FALSE(bridge_option_default("colour"));
}

TEST_CASE("a bridge's option that cannot be is refused by name") {
    refuses_bridge("colour=red", "colour");
    refuses_bridge("stp_state=2", "stp_state");
    refuses_bridge("stp_state=", "stp_state");
    refuses_bridge("priority=65536", "priority");
    refuses_bridge("vlan_default_pvid=4095", "vlan_default_pvid");
    refuses_bridge("vlan_protocol=0x9100", "vlan_protocol");
    refuses_bridge("stp_state", "stp_state");
    refuses_bridge("stp_state=1 forward_delay=100", "forward_delay");
}

}  // namespace bridges_options_test
