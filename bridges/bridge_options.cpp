// The table of a bridge's options. Times are hundredths of a second, as in sysfs.
#include "bridges/bridge_options.hpp"

#include "bridges/bridge_options_wire.hpp"

#include <fmt/format.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

constexpr std::uint64_t any16 = 0xffff, any32 = 0xffffffff, any64 = any32;   // beyond that the kernel's own arithmetic overflows
constexpr NamedNumber protocols[] = {{"0x8100", 0x8100}, {"0x88a8", 0x88a8}};

constexpr OptionRow bridge_rows[] = {
    {"forward_delay", IFLA_BR_FORWARD_DELAY, Form::u32, 0, 3000, "1500"},  // 2 s at least, but only under STP
    {"hello_time", IFLA_BR_HELLO_TIME, Form::u32, 100, 1000, "200"},
    {"max_age", IFLA_BR_MAX_AGE, Form::u32, 600, 4000, "2000"},
    {"ageing_time", IFLA_BR_AGEING_TIME, Form::u32, 0, any32, "30000"},
    {"stp_state", IFLA_BR_STP_STATE, Form::u32, 0, 1, "0"},
    {"priority", IFLA_BR_PRIORITY, Form::u16, 0, any16, "32768"},
    {"vlan_filtering", IFLA_BR_VLAN_FILTERING, Form::u8, 0, 1, "0"},
    {"vlan_protocol", IFLA_BR_VLAN_PROTOCOL, Form::be16, 0, 0, "0x8100", protocols},
    {"vlan_default_pvid", IFLA_BR_VLAN_DEFAULT_PVID, Form::u16, 0, 4094, "1"},
    {"vlan_stats_enabled", IFLA_BR_VLAN_STATS_ENABLED, Form::u8, 0, 1, "0"},
    {"vlan_stats_per_port", IFLA_BR_VLAN_STATS_PER_PORT, Form::u8, 0, 1, "0"},
    {"group_fwd_mask", IFLA_BR_GROUP_FWD_MASK, Form::u16, 0, any16, "0", {}, true},
    {"group_addr", IFLA_BR_GROUP_ADDR, Form::mac, 0, 0, "01:80:c2:00:00:00"},
    {"multicast_router", IFLA_BR_MCAST_ROUTER, Form::u8, 0, 2, "1"},
    {"multicast_snooping", IFLA_BR_MCAST_SNOOPING, Form::u8, 0, 1, "1"},
    {"multicast_query_use_ifaddr", IFLA_BR_MCAST_QUERY_USE_IFADDR, Form::u8, 0, 1, "0"},
    {"multicast_querier", IFLA_BR_MCAST_QUERIER, Form::u8, 0, 1, "0"},
    {"hash_elasticity", IFLA_BR_MCAST_HASH_ELASTICITY, Form::u32, 16, 16, "16"},
    {"hash_max", IFLA_BR_MCAST_HASH_MAX, Form::u32, 1, any32, "4096"},
    {"multicast_last_member_count", IFLA_BR_MCAST_LAST_MEMBER_CNT, Form::u32, 0, any32, "2"},
    {"multicast_startup_query_count", IFLA_BR_MCAST_STARTUP_QUERY_CNT, Form::u32, 0, any32, "2"},
    {"multicast_last_member_interval", IFLA_BR_MCAST_LAST_MEMBER_INTVL, Form::u64, 0, any64, "100"},
    {"multicast_membership_interval", IFLA_BR_MCAST_MEMBERSHIP_INTVL, Form::u64, 0, any64, "26000"},
    {"multicast_querier_interval", IFLA_BR_MCAST_QUERIER_INTVL, Form::u64, 0, any64, "25500"},
    {"multicast_query_interval", IFLA_BR_MCAST_QUERY_INTVL, Form::u64, 100, any64, "12500"},
    {"multicast_query_response_interval", IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, Form::u64, 0, any64, "1000"},
    {"multicast_startup_query_interval", IFLA_BR_MCAST_STARTUP_QUERY_INTVL, Form::u64, 100, any64, "3124"},
    {"multicast_stats_enabled", IFLA_BR_MCAST_STATS_ENABLED, Form::u8, 0, 1, "0"},
    {"multicast_igmp_version", IFLA_BR_MCAST_IGMP_VERSION, Form::u8, 2, 3, "2"},
    {"multicast_mld_version", IFLA_BR_MCAST_MLD_VERSION, Form::u8, 1, 2, "1"},
    {"nf_call_iptables", IFLA_BR_NF_CALL_IPTABLES, Form::u8, 0, 1, "0"},
    {"nf_call_ip6tables", IFLA_BR_NF_CALL_IP6TABLES, Form::u8, 0, 1, "0"},
    {"nf_call_arptables", IFLA_BR_NF_CALL_ARPTABLES, Form::u8, 0, 1, "0"},
    {"no_linklocal_learn", IFLA_BR_MULTI_BOOLOPT, Form::bit, BR_BOOLOPT_NO_LL_LEARN, 0, "0"},
    {"mcast_vlan_snooping", IFLA_BR_MULTI_BOOLOPT, Form::bit, BR_BOOLOPT_MCAST_VLAN_SNOOPING, 0, "0"},
};

const OptionRow* bridge_row_of(std::string_view key) {
    for (const OptionRow& row : bridge_rows) {
        if (row.name == key) return &row;
    }
    return nullptr;
}

bool is_time(const OptionRow& row) {
    return row.name.ends_with("_interval") || row.name.ends_with("_time") || row.name == "forward_delay" || row.name == "max_age";
}

// Kernels of 250 Hz, Debian's among them, count in 0.4 hundredths of a second, and tell an odd number as the even one below it.
std::string even(const std::string& hundredths) { return std::to_string(std::stoull(hundredths) & ~1ull); }

}  // namespace

Result<Options> parse_bridge_options(std::string_view text) {
    const auto words = split_options(text);
    if (!words) return words.error();
    Options options;
    for (const auto& [key, value] : *words) {
        const OptionRow* row = bridge_row_of(key);
        if (!row) return Error{Fault::invalid, key, fmt::format("a bridge has no option \"{}\"", key)};
        auto canon = canonical(*row, value);
        if (!canon) return canon.error();
        options[key] = is_time(*row) ? even(*canon) : *canon;
    }
    const auto delay = options.find("forward_delay"), stp = options.find("stp_state");
    if (delay != options.end() && stp != options.end() && stp->second == "1" && std::stoul(delay->second) < 200) {
        return Error{Fault::invalid, "forward_delay", "forward_delay must be 200 to 3000 where STP is on"};
    }
    const auto group = options.find("group_addr");
    const bool is_reserved = group != options.end() && (!group->second.starts_with("01:80:c2:00:00:0") || std::string_view("123").find(group->second.back()) != std::string_view::npos);
    if (is_reserved) return Error{Fault::invalid, "group_addr", "group_addr is 01:80:c2:00:00:0X, and X not 1, 2 or 3 (IEEE 802.1D)"};
    return options;
}

std::optional<std::string> bridge_option_default(std::string_view key) {
    const OptionRow* row = bridge_row_of(key);
    if (!row) return std::nullopt;
    return std::string(row->standard);
}

void put_bridge_options(Message& message, const Options& options) {
    br_boolopt_multi bits = {};
    for (const OptionRow& row : bridge_rows) {
        const auto option = options.find(std::string(row.name));
        if (option == options.end()) continue;
        if (row.form == Form::bit) {
            bits.optmask |= 1u << row.low;
            if (option->second == "1") bits.optval |= 1u << row.low;
        } else {
            put_option(message, row, option->second, {});
        }
    }
    if (bits.optmask) message.number(IFLA_BR_MULTI_BOOLOPT, bits);
}

Options read_bridge_options(const Attributes& data) {
    Options::Map options;
    for (const OptionRow& row : bridge_rows) {
        if (auto text = read_option(data, row, {})) options.emplace(row.name, std::move(*text));
    }
    return Options(std::move(options));
}

}  // namespace bridges
