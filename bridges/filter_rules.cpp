// Why each rule is as it is: docs/decisions/0018.
#include "bridges/filter_rules.hpp"

#include <fmt/format.h>
#include <linux/if.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

namespace bridges {

namespace {

// The chains of the three levels, by port with and without tags. In prerouting, before the bridge learns anything: a frame
// dropped later has moved its sender's address already. Each rule names its protocol by `meta protocol`: nft would ask the ethernet header,
// which has the tag's in a frame of a trunk.
constexpr std::string_view chains = R"(
 chain untagged { ether type { 8021q, 8021ad, 0x9100, 0x9200, 0x9300 } goto drop_tag; }
 chain one_tag {
  ether type { 8021ad, 0x9100, 0x9200, 0x9300 } goto drop_tag
  vlan type { 8021q, 8021ad, 0x9100, 0x9200, 0x9300 } goto drop_tag
 }
 chain control {
  ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 goto drop_control
  ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:20 goto drop_control
  ether daddr { 01:00:0c:cc:cc:cc, 01:00:0c:cc:cc:cd, 01:00:0c:cd:cd:cd } goto drop_control
  meta protocol { 0x8808, 0x8809, 0x888e, 0x88cc, 0x88e3, 0x8902, 0x8926, 0x893f } goto drop_control
  meta protocol < 0x600 goto drop_ethertype
 }
 chain readable {
  meta l4proto != 255 return
  meta protocol { ip, ip6 } goto drop_fragment
 }
 chain dhcp {
  meta protocol ip6 frag frag-off != 0 return
  udp sport { 67, 547 } goto drop_dhcp
  udp dport { 68, 546 } goto drop_dhcp
 }
 chain own {
  jump readable
  iifname . ether saddr != @macs goto drop_mac
  meta protocol arp arp htype != 1 goto drop_mac
  meta protocol arp iifname . arp saddr ether != @macs goto drop_mac
  jump dhcp
  meta protocol ip6 icmpv6 type { 134, 137 } goto drop_router
  meta protocol ip ip frag-off & 0x1fff == 0 icmp type { 5, 9 } goto drop_router
  meta protocol ip6 ip6 daddr ff00::/8 exthdr frag exists goto drop_fragment
  meta protocol ip6 frag nexthdr { 0, 43, 44, 51, 60 } goto drop_fragment
  meta l4proto pim goto drop_multicast
  meta l4proto igmp @th,0,8 { 0x11, 0x13, 0x30 } goto drop_multicast
  meta protocol ip6 icmpv6 type { 130, 151 } goto drop_multicast
 }
 chain addresses {
  meta protocol != { ip, ip6, arp, 0x8035 } goto drop_ethertype
  meta l4proto 112 goto drop_router
  meta protocol ip ip daddr 224.0.0.0/4 udp dport { 1985, 2029, 3222 } goto drop_router
  meta protocol ip6 ip6 daddr ff00::/8 udp dport { 1985, 2029, 3222 } goto drop_router
  meta pkttype { broadcast, multicast } meta l4proto tcp goto drop_storm
  meta pkttype { broadcast, multicast } update @storm { iifname limit rate over 100/second burst 50 packets } goto drop_storm
  meta pkttype { broadcast, multicast } update @storm_bytes { iifname limit rate over 200 kbytes/second burst 100 kbytes } goto drop_storm
  meta protocol arp iifname . arp saddr ip != @addresses4 goto drop_arp
  meta protocol arp arp saddr ip 0.0.0.0 iifname . arp daddr ip != @addresses4 goto drop_arp
  meta protocol ip iifname . ip saddr != @addresses4 goto drop_address
  meta protocol ip ip saddr 0.0.0.0 meta l4proto != udp goto drop_address
  meta protocol ip ip saddr 0.0.0.0 udp dport != 67 goto drop_address
  meta protocol ip6 iifname . ip6 saddr != @addresses6 goto drop_address
  meta protocol ip6 ip6 saddr :: meta l4proto != icmpv6 goto drop_address
  meta protocol ip6 ip6 saddr :: icmpv6 type != { 131, 133, 135, 143 } goto drop_address
  meta protocol ip6 icmpv6 type 136 iifname . @th,64,128 != @targets6 goto drop_neighbour
  meta protocol ip6 ip6 saddr :: icmpv6 type 135 iifname . @th,64,128 != @targets6 goto drop_neighbour
  meta protocol ip6 icmpv6 type { 135, 136 } exthdr frag exists goto drop_neighbour
 }
 chain trusted { jump untagged; jump control; }
 chain standard { jump untagged; jump control; jump own; }
 chain strict { jump untagged; jump control; jump own; jump addresses; }
 chain trusted_trunk { jump one_tag; jump control; }
 chain standard_trunk { jump one_tag; jump control; jump own; }
 chain strict_trunk { jump one_tag; jump control; jump own; jump addresses; }
)";

// What comes by a tap of which nobody has said yet whose it is. Where it goes on to the bridge's own host, too: link-local frames are
// in no other hook.
constexpr std::string_view gate = "meta iifkind \"tun\" meta ibrname @gates iifname != @admitted goto drop_unknown";

std::string hooks(bool has_gates) {
    return fmt::format(R"(
 chain prerouting {{
  type filter hook prerouting priority -300
  iifname vmap @ports
  {0}
 }}
 chain input {{
  type filter hook input priority -300
  iifname @closed meta pkttype host update @blocked_host {{ iifname counter }}
  iifname @closed drop
  {1}
  {0}
 }}
)", has_gates ? gate : "", has_gates ? "iifname @trusted accept" : "");
}

constexpr std::string_view sets = R"(
 map ports { type ifname : verdict; }
 set macs { type ifname . ether_addr; }
 set closed { type ifname; }
 set trusted { type ifname; }
 set gates { type ifname; }
 set admitted { type ifname; }
 set addresses4 { type ifname . ipv4_addr; }
 set addresses6 { type ifname . ipv6_addr; }
 set targets6 { typeof iifname . @th,64,128; }
 set storm { type ifname; size 65535; flags dynamic; }
 set storm_bytes { type ifname; size 65535; flags dynamic; }
)";

std::size_t count(std::string_view text, std::string_view word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
    return found;
}

std::string hex(const IpAddress& address) {
    std::string text = "0x";
    for (std::size_t i = 0; i < address.size(); ++i) text += fmt::format("{:02x}", address.data()[i]);
    return text;
}

void append(std::vector<std::byte>& key, const std::uint8_t* data, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) key.push_back(static_cast<std::byte>(data[i]));
    key.resize((key.size() + 3) / 4 * 4);  // what follows in a key begins at a multiple of four
}

}  // namespace

std::string counting_set(const topology::BlockReason& reason) { return std::string("blocked_") + reason.name; }

// Counting and dropping are two rules: a full set must not let the frame pass.
std::string write_drops(std::span<const topology::BlockReason> reasons) {
    std::string text;
    for (const topology::BlockReason& reason : reasons) {
        text += fmt::format(" set {} {{ type ifname; size 65535; flags dynamic; }}\n", counting_set(reason));
        text += fmt::format(" chain drop_{} {{ update @{} {{ iifname counter }}; drop; }}\n", reason.name, counting_set(reason));
    }
    return text;
}

std::string chain_of(const Filter& filter) { return filter.level.text() + (filter.trunk ? "_trunk" : ""); }

std::vector<std::byte> key_of(const IfName& port) {
    std::vector<std::byte> key;
    for (const char c : port.text()) key.push_back(static_cast<std::byte>(c));
    key.resize(IFNAMSIZ);
    return key;
}

IfName port_of(const std::vector<std::byte>& key) {
    char name[IFNAMSIZ + 1] = {};
    std::memcpy(name, key.data(), std::min<std::size_t>(IFNAMSIZ, key.size()));
    return IfName::observed(name);
}

FilterElements elements_of(const IfName& port, const Filter& filter) {
    const std::string name = "\"" + port.text() + "\"";
    FilterElements elements;
    const auto add = [&](const char* set, std::string text, const std::uint8_t* more = nullptr, std::size_t size = 0, std::string chain = {}) {
        FilterElement element{set, key_of(port), std::move(chain), std::move(text)};
        append(element.key, more, size);
        elements.insert(std::move(element));
    };
    add("ports", name + " : goto " + chain_of(filter), nullptr, 0, chain_of(filter));
    add("macs", name + " . " + filter.mac.text(), filter.mac.bytes().data(), filter.mac.bytes().size());
    add(filter.level.value() == topology::FilterLevel::trusted ? "trusted" : "closed", name);
    for (const IpAddress& address : filter.all_addresses()) {
        add(address.is_v6() ? "addresses6" : "addresses4", name + " . " + address.text(), address.data(), address.size());
        if (address.is_v6() && !address.is_unspecified()) add("targets6", name + " . " + hex(address), address.data(), address.size());
    }
    return elements;
}

FilterElements elements_of(const FilterContent& content) {
    FilterElements all;
    for (const auto& [port, filter] : content.filters) all.merge(elements_of(port, filter));
    const auto add = [&](const char* set, const std::set<IfName>& names) {
        for (const IfName& name : names) all.insert({set, key_of(name), {}, "\"" + name.text() + "\""});
    };
    if (content.gates) add("gates", content.gates->bridges);
    if (content.gates) add("admitted", content.gates->admitted);
    return all;
}

bool read_chain(const std::string& chain, Filter& filter) {
    filter.trunk = chain.ends_with("_trunk");
    const auto level = topology::FilterLevel::parse(chain.substr(0, chain.find('_')));
    if (level) filter.level = *level;
    return bool(level);
}

std::string filter_table_mark(bool has_gates) {
    return fmt::format("netd {:016x}", std::hash<std::string>{}(std::string(chains) + hooks(has_gates) + std::string(sets) + write_drops(topology::block_reasons)));
}

std::size_t filter_rule_count(bool has_gates) {
    // Each rule ends in one of these; what updates and counts, or looks up, has a line of its own.
    std::size_t rules = rules_of_drops(topology::block_reasons);
    for (const std::string& text : {std::string(chains), hooks(has_gates)})
        for (const char* one : {"goto ", "jump ", "vmap ", "@closed ", "@trusted ", " return"}) rules += count(text, one);
    return rules;
}

std::vector<std::string> counting_sets() {
    std::vector<std::string> sets{"storm", "storm_bytes"};
    for (const topology::BlockReason& reason : topology::block_reasons) sets.push_back(counting_set(reason));
    return sets;
}

std::string write_filter_table(const FilterContent& content) {
    const bool has_gates = content.gates.has_value();
    std::string text = "table bridge netd\ndelete table bridge netd\n";
    text += fmt::format("table bridge netd {{\n comment \"{}\"\n{}{}{}{}}}\n", filter_table_mark(has_gates), sets, write_drops(topology::block_reasons), chains, hooks(has_gates));
    for (const FilterElement& element : elements_of(content)) text += fmt::format("add element bridge netd {} {{ {} }}\n", element.set, element.text);
    return text;
}

}  // namespace bridges
