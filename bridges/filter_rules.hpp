// netd's table of filters in nftables' words: one set of chains for all ports, maps that say which port has which, and the gates of bridges.
#pragma once

#include "bridges/resources.hpp"
#include "topology/block_reasons.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace bridges {

using Filters = std::map<IfName, Filter>;  // by port

// By a tap that has no filter and is not admitted, nothing comes into these bridges.
struct Gates {
    std::set<IfName> bridges = {}, admitted = {};
    bool operator==(const Gates&) const = default;
};

// All that netd puts into the table.
struct FilterContent {
    Filters filters = {};
    std::optional<Gates> gates = {};  // none: this kernel has no rule for them
    bool empty() const { return filters.empty() && (!gates || *gates == Gates()); }
    bool operator==(const FilterContent&) const = default;
};

inline constexpr const char* filter_table_name = "netd";  // of family bridge

// The whole table with these in it, in place of whatever is there under its name.
std::string write_filter_table(const FilterContent& content);

// What a filter or a gate is in the table: one of these in each of its sets and maps that are about devices.
struct FilterElement {
    std::string set;
    std::vector<std::byte> key;   // as the kernel has it
    std::string chain = {};       // of a verdict map
    std::string text = {};        // the same in nftables' words
    friend auto operator<=>(const FilterElement& a, const FilterElement& b) { return std::tie(a.set, a.key, a.chain) <=> std::tie(b.set, b.key, b.chain); }
    friend bool operator==(const FilterElement& a, const FilterElement& b) { return (a <=> b) == 0; }
};
using FilterElements = std::set<FilterElement>;
FilterElements elements_of(const IfName& port, const Filter& filter);
FilterElements elements_of(const FilterContent& content);

// The sets that have them.
inline constexpr std::array<const char*, 9> filter_sets = {"ports", "macs", "closed", "trusted", "addresses4", "addresses6", "targets6", "gates", "admitted"};
inline constexpr const char* unknown_counter = "blocked_unknown";  // of what came by taps that are neither filtered nor admitted

// For each reason a set that counts, by the device's name, and a chain drop_REASON that ends a frame in it; of any table of netd's.
std::string write_drops(std::span<const topology::BlockReason> reasons);
constexpr std::size_t rules_of_drops(std::span<const topology::BlockReason> reasons) { return 2 * reasons.size(); }
std::string counting_set(const topology::BlockReason& reason);

// The sets to which frames add elements of the port's name alone: the counters and what limits storms.
std::vector<std::string> counting_sets();
std::vector<std::byte> key_of(const IfName& port);
IfName port_of(const std::vector<std::byte>& key);

// What tells a table written by this program from every other: in the table's comment. With the rules of gates, or without.
std::string filter_table_mark(bool has_gates);
// How many rules the table has.
std::size_t filter_rule_count(bool has_gates);

// Into which chain the port's frames go, and back: "strict_trunk".
std::string chain_of(const Filter& filter);
bool read_chain(const std::string& chain, Filter& filter);

}  // namespace bridges
