// The table of a bond's options, after the kernel's bond_options.c. Times are milliseconds.
//
// There is no active_slave: which port carries the traffic is the kernel's own affair and changes with the cables
// (`primary` says which one is preferred).
#include "bridges/bond_options.hpp"

#include "bridges/bond_options_wire.hpp"

#include <fmt/format.h>
#include <linux/if_link.h>

#include <algorithm>
#include <set>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

enum : unsigned { rr = 1, backup = 2, hash = 4, broadcast = 8, lacp = 16, tlb = 32, alb = 64 };
constexpr unsigned any = 127, arp = rr | backup | hash | broadcast, one = backup | tlb | alb;
enum : unsigned { down = 1, empty = 2 };
constexpr std::uint64_t most = 0x7fffffff;

constexpr NamedNumber modes[] = {{"balance-rr", 0}, {"active-backup", 1}, {"balance-xor", 2}, {"broadcast", 3},
                                 {"802.3ad", 4},    {"balance-tlb", 5},   {"balance-alb", 6}};
constexpr NamedNumber validations[] = {{"none", 0},   {"active", 1},        {"backup", 2},       {"all", 3},
                                       {"filter", 4}, {"filter_active", 5}, {"filter_backup", 6}};
constexpr NamedNumber any_all[] = {{"any", 0}, {"all", 1}};
constexpr NamedNumber reselections[] = {{"always", 0}, {"better", 1}, {"failure", 2}};
constexpr NamedNumber mac_policies[] = {{"none", 0}, {"active", 1}, {"follow", 2}};
constexpr NamedNumber hashes[] = {{"layer2", 0},   {"layer3+4", 1}, {"layer2+3", 2},
                                  {"encap2+3", 3}, {"encap3+4", 4}, {"vlan+srcmac", 5}};
constexpr NamedNumber rates[] = {{"slow", 0}, {"fast", 1}};
constexpr NamedNumber off_on[] = {{"off", 0}, {"on", 1}};
constexpr NamedNumber selections[] = {{"stable", 0}, {"bandwidth", 1}, {"count", 2}};

struct BondRow {
    OptionRow option;
    unsigned modes = any;
    unsigned needs = 0;
};

constexpr BondRow bond_rows[] = {
    {{"mode", IFLA_BOND_MODE, Form::u8, 0, 6, "balance-rr", modes}, any, down | empty},
    {{"miimon", IFLA_BOND_MIIMON, Form::u32, 0, most, "0"}},  // 100 where the mode needs it, see default_bond_options
    {{"updelay", IFLA_BOND_UPDELAY, Form::u32, 0, most, "0"}},
    {{"downdelay", IFLA_BOND_DOWNDELAY, Form::u32, 0, most, "0"}},
    {{"peer_notif_delay", IFLA_BOND_PEER_NOTIF_DELAY, Form::u32, 0, 300000, "0"}},
    {{"use_carrier", IFLA_BOND_USE_CARRIER, Form::u8, 0, 1, "1", {}, false, off_on}},
    {{"arp_interval", IFLA_BOND_ARP_INTERVAL, Form::u32, 0, most, "0"}, arp},
    {{"arp_ip_target", IFLA_BOND_ARP_IP_TARGET, Form::v4_list, 0, 0, ""}, arp},
    {{"ns_ip6_target", IFLA_BOND_NS_IP6_TARGET, Form::v6_list, 0, 0, ""}, arp},
    {{"arp_validate", IFLA_BOND_ARP_VALIDATE, Form::u32, 0, 6, "none", validations}, arp},
    {{"arp_all_targets", IFLA_BOND_ARP_ALL_TARGETS, Form::u32, 0, 1, "any", any_all}, arp},
    {{"arp_missed_max", IFLA_BOND_MISSED_MAX, Form::u8, 1, 255, "2"}, arp},
    {{"primary", IFLA_BOND_PRIMARY, Form::link, 0, 0, ""}, one},
    {{"primary_reselect", IFLA_BOND_PRIMARY_RESELECT, Form::u8, 0, 2, "always", reselections}, one},
    {{"fail_over_mac", IFLA_BOND_FAIL_OVER_MAC, Form::u8, 0, 2, "none", mac_policies}, any, empty},
    {{"xmit_hash_policy", IFLA_BOND_XMIT_HASH_POLICY, Form::u8, 0, 5, "layer2", hashes}},
    {{"resend_igmp", IFLA_BOND_RESEND_IGMP, Form::u32, 0, 255, "1"}},
    {{"num_grat_arp", IFLA_BOND_NUM_PEER_NOTIF, Form::u8, 0, 255, "1"}},
    {{"all_slaves_active", IFLA_BOND_ALL_SLAVES_ACTIVE, Form::u8, 0, 1, "0", {}, false, off_on}},
    {{"min_links", IFLA_BOND_MIN_LINKS, Form::u32, 0, most, "0"}},
    {{"lp_interval", IFLA_BOND_LP_INTERVAL, Form::u32, 1, most, "1"}},
    {{"packets_per_slave", IFLA_BOND_PACKETS_PER_SLAVE, Form::u32, 0, 65535, "1"}, rr},
    {{"lacp_rate", IFLA_BOND_AD_LACP_RATE, Form::u8, 0, 1, "slow", rates}, lacp, down},
    {{"lacp_active", IFLA_BOND_AD_LACP_ACTIVE, Form::u8, 0, 1, "on", off_on}, lacp, down},
    {{"ad_select", IFLA_BOND_AD_SELECT, Form::u8, 0, 2, "stable", selections}, lacp, down},
    {{"ad_actor_sys_prio", IFLA_BOND_AD_ACTOR_SYS_PRIO, Form::u16, 1, 65535, "65535"}, lacp, down},
    {{"ad_user_port_key", IFLA_BOND_AD_USER_PORT_KEY, Form::u16, 0, 1023, "0"}, lacp, down},
    {{"ad_actor_system", IFLA_BOND_AD_ACTOR_SYSTEM, Form::mac, 0, 0, "00:00:00:00:00:00"}, lacp, down},
    {{"tlb_dynamic_lb", IFLA_BOND_TLB_DYNAMIC_LB, Form::u8, 0, 1, "1", {}, false, off_on}, tlb, down},
};

// The kernel has three names for one number.
std::string_view known_as(std::string_view key) {
    return key == "num_unsol_na" || key == "num_peer_notif" ? "num_grat_arp" : key;
}

const BondRow* bond_row_of(std::string_view key) {
    for (const BondRow& row : bond_rows) {
        if (row.option.name == key) return &row;
    }
    return nullptr;
}

unsigned bit_of(std::string_view mode) {
    for (const auto& [name, number] : modes) {
        if (name == mode) return 1u << number;
    }
    return rr;
}

unsigned long number_in(const Options& options, const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? 0 : std::stoul(found->second);
}

// The kernel's rules between options, told here before anything is touched.
Result<Options> agreed(Options options) {
    const auto given = [&](const char* key) { return options.contains(key); };
    if (number_in(options, "miimon") && number_in(options, "arp_interval")) {
        return Error{Fault::invalid, "miimon", "a bond watches its ports by miimon or by arp_interval, not by both"};
    }
    if (number_in(options, "arp_interval") && (!given("arp_ip_target") || options["arp_ip_target"].empty()) &&
        (!given("ns_ip6_target") || options["ns_ip6_target"].empty())) {
        return Error{Fault::invalid, "arp_interval", "arp_interval needs an arp_ip_target to ask"};
    }
    const auto defaults = default_bond_options(options["mode"]);
    const auto miimon = given("miimon") ? number_in(options, "miimon") : number_in(defaults, "miimon");
    for (const char* delay : {"updelay", "downdelay", "peer_notif_delay"}) {
        const auto wanted = number_in(options, delay);
        if (!wanted) continue;
        if (!miimon) return Error{Fault::invalid, delay, fmt::format("{} needs miimon", delay)};
        options[delay] = std::to_string(wanted / miimon * miimon);  // as the kernel rounds it
    }
    return options;
}

}  // namespace

Result<Options> parse_bond_options(std::string_view text) {
    const auto words = split_options(text);
    if (!words) return words.error();
    Options options{{"mode", "balance-rr"}};
    std::set<std::string> seen;
    for (const auto& [word, value] : *words) {
        const std::string key(known_as(word));
        const BondRow* row = bond_row_of(key);
        if (!row) return Error{Fault::invalid, key, fmt::format("a bond has no option \"{}\"", key)};
        auto canon = canonical(row->option, value);
        if (!canon) return canon.error();
        if (!seen.insert(key).second && options[key] != *canon) return Error{Fault::invalid, key, fmt::format("option \"{}\" is given twice, as {} and {}", key, options[key], *canon)};
        options[key] = *canon;
    }
    for (const auto& [key, value] : options) {
        if (bond_row_of(key)->modes & bit_of(options["mode"])) continue;
        return Error{Fault::invalid, key, fmt::format("a bond of mode {} has no option \"{}\"", options["mode"], key)};
    }
    return agreed(std::move(options));
}

Options bond_options_to_leave(const Options& have, std::string_view mode) {
    Options options;
    const auto mode_now = have.find("mode");
    for (const BondRow& row : bond_rows) {
        if (row.modes & bit_of(mode)) continue;
        const auto found = have.find(std::string(row.option.name));
        const bool is_set = found != have.end() && found->second != row.option.standard;
        // A port that is named the kernel remembers, also while there is none of that name.
        const bool may_be_kept = row.option.form == Form::link && mode_now != have.end() && row.modes & bit_of(mode_now->second);
        if (is_set || may_be_kept) options.edit().emplace(row.option.name, row.option.standard);
    }
    return options;
}

Options default_bond_options(std::string_view mode) {
    Options options;
    for (const BondRow& row : bond_rows) {
        if (row.modes & bit_of(mode)) options.edit().emplace(row.option.name, row.option.standard);
    }
    options["mode"] = mode;
    if (bit_of(mode) & (lacp | tlb | alb)) options["miimon"] = "100";  // bond_option_mode_set: these modes cannot ask by ARP
    return options;
}

bool bond_option_needs_down(std::string_view key) {
    const BondRow* row = bond_row_of(key);
    return row && row->needs & down;
}

bool bond_option_needs_empty(std::string_view key) {
    const BondRow* row = bond_row_of(key);
    return row && row->needs & empty;
}

void put_bond_options(Message& message, const Options& options, const IndexOf& index_of) {
    for (const BondRow& row : bond_rows) {
        const auto option = options.find(std::string(row.option.name));
        if (option != options.end()) put_option(message, row.option, option->second, index_of);
    }
}

Options read_bond_options(const Attributes& data, const NameOf& name_of) {
    const auto mode = read_option(data, bond_rows[0].option, name_of).value_or("balance-rr");
    Options options;
    for (const BondRow& row : bond_rows) {
        if (!(row.modes & bit_of(mode))) continue;
        if (auto text = read_option(data, row.option, name_of)) options.edit().emplace(row.option.name, std::move(*text));
    }
    return options;
}

bool has_mac_of_ports(const Link& link) {
    const auto* bond = link.as<Bond>();
    if (!bond) return false;
    const auto policy = bond->options.find("fail_over_mac");
    return policy != bond->options.end() && policy->second != "none";
}

}  // namespace bridges
