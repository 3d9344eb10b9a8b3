// See filter_table.hpp.
#include "bridges/filter_table.hpp"

#include "bridges/blocked.hpp"
#include "bridges/gate_probe.hpp"
#include "bridges/nft_program.hpp"

#include <netinet/in.h>  // before the kernel's own, which gives way to it
#include <linux/netfilter.h>
#include <linux/if.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bridges {
namespace {

template <std::size_t size>
std::array<std::uint8_t, size> rest_of(const std::vector<std::byte>& key) {
    std::array<std::uint8_t, size> rest = {};
    if (key.size() >= IFNAMSIZ + size) std::memcpy(rest.data(), key.data() + IFNAMSIZ, size);
    return rest;
}

// Names go into a text: one that would end the quotes, or stand for many, is no port's of ours.
bool is_plain(const IfName& port) {
    return std::ranges::all_of(port.text(), [](unsigned char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '*'; });
}

// Which filters these elements are; what fits in none of them is left out, so that writing them again shows it.
Filters filters_in(const FilterElements& elements) {
    Filters filters;
    for (const FilterElement& one : elements)
        if (one.set == "macs") filters.insert_or_assign(port_of(one.key), Filter{Mac::of(rest_of<6>(one.key))});
    for (const FilterElement& one : elements) {
        const auto found = filters.find(port_of(one.key));
        if (found == filters.end()) continue;
        if (one.set == "ports") (void)read_chain(one.chain, found->second);
        if (one.set == "addresses4") found->second.addresses.insert(IpAddress::v4(rest_of<4>(one.key)));
        if (one.set == "addresses6") found->second.addresses.insert(IpAddress::v6(rest_of<16>(one.key)));
    }
    for (auto& [port, filter] : filters) {
        // What every strict port may do is no part of what was asked for this one.
        const auto implied = Filter{filter.mac, filter.level}.all_addresses();
        std::erase_if(filter.addresses, [&](const IpAddress& one) { return implied.contains(one); });
    }
    return filters;
}

FilterContent content_in(const FilterElements& elements, bool has_gates) {
    FilterContent content{filters_in(elements)};
    if (has_gates) content.gates.emplace();
    for (const FilterElement& one : elements) {
        if (content.gates && one.set == "gates") content.gates->bridges.insert(port_of(one.key));
        if (content.gates && one.set == "admitted") content.gates->admitted.insert(port_of(one.key));
    }
    return content;
}

// Whether the kernel tells by which bridge a frame comes is seen by asking it for such a rule, or by the table that a netd before has put up.
bool takes_gates(NftSocket& socket) {
    const auto mark = socket.comment(NFPROTO_BRIDGE, filter_table_name);
    return (mark && *mark == filter_table_mark(true)) || can_have_gates();
}

}  // namespace

FilterTable FilterTable::open() {
    FilterTable opened;
    auto socket = NftSocket::open();
    if (!socket || !has_nft_program() || !socket->count_rules(NFPROTO_BRIDGE, filter_table_name)) return opened;
    if (takes_gates(*socket)) opened.content_.gates = opened.none_.gates = opened.wanted_.gates = Gates();
    opened.socket_ = std::move(*socket);
    return opened;
}

Result<FilterElements> FilterTable::read() {
    FilterElements elements;
    for (const char* set : filter_sets) {
        const auto visit = [&](const NftElement& one) { elements.insert({set, one.key, one.chain}); };
        if (auto done = socket_->each_element(NFPROTO_BRIDGE, filter_table_name, set, visit); !done) return done.error();
    }
    return elements;
}

Result<> FilterTable::look() {
    if (auto looked = read_in_peace([this] { return look_once(); }); !looked) return looked;
    // Other rules, as many as there were: nobody reads them, they are put up anew.
    if (std::exchange(heard_, NftSocket::News::none) == NftSocket::News::rules) is_whole_ = is_as_wanted_ = false;
    return {};
}

void FilterTable::listen() { heard_ = std::max(heard_, socket_->hear(NFPROTO_BRIDGE, filter_table_name, own_)); }

Result<> FilterTable::look_once() {
    is_whole_ = is_as_wanted_ = false;
    news_.of_all = true;
    content_ = none_;
    if (!socket_) return {};
    listen();  // older than what is about to be seen, but not all of it will be
    const auto missing = [](const Error& error) { return error.fault == Fault::not_found ? Result<>() : error; };
    const auto mark = socket_->comment(NFPROTO_BRIDGE, filter_table_name);
    if (!mark) return missing(mark.error());
    if (*mark != filter_table_mark(has_gates())) return {};
    const auto rules = socket_->count_rules(NFPROTO_BRIDGE, filter_table_name);
    if (!rules) return rules.error();
    const auto elements = read();
    if (!elements) return missing(elements.error());
    content_ = content_in(*elements, has_gates());
    is_whole_ = *rules == filter_rule_count(has_gates()) && *elements == elements_of(content_);
    if (is_whole_ && wanted_.empty()) wanted_ = content_;
    is_as_wanted_ = is_whole_ && content_ == wanted_;
    return {};
}

Result<bool> FilterTable::hear() {
    if (!socket_) return false;
    listen();
    if (heard_ == NftSocket::News::none && !stood_) return false;
    if (!stood_) stood_ = content();
    if (auto looked = look(); !looked) return looked.error();  // and is looked at again when one hears again
    return *std::exchange(stood_, std::nullopt) != content();
}

namespace {

void patch(std::set<IfName>& names, const std::map<IfName, bool>& changes) {
    for (const auto& [name, is_in] : changes) {
        if (is_in) names.insert(name);
        else names.erase(name);
    }
}

void patch(FilterContent& content, const FilterChanges& changes, const GateChanges& gates) {
    for (const auto& [port, filter] : changes) {
        if (filter) content.filters.insert_or_assign(port, *filter);
        else content.filters.erase(port);
    }
    if (!content.gates) return;
    patch(content.gates->bridges, gates.bridges);
    patch(content.gates->admitted, gates.admitted);
}

void compare(const char* set, const std::set<IfName>& was, const std::map<IfName, bool>& wanted, std::vector<NftChange>& changes) {
    for (const auto& [name, comes] : wanted)
        if (was.contains(name) != comes) changes.push_back({comes, set, key_of(name)});
}

}  // namespace

// If nobody else said anything in between, the table is what we know it to be.
Result<> FilterTable::conclude(const Result<std::uint32_t>& before) {
    const auto generation = socket_->generation();
    if (!before || !generation || *generation != *before + 1) {
        const auto news = socket_->hear(NFPROTO_BRIDGE, filter_table_name, own_);
        if (socket_->told() > 1) heard_ = std::max(heard_, news);  // one of them is netd's own
        stood_ = wanted_;  // what else is found is told by the next hear()
        return look();
    }
    own_.insert(*generation);
    is_whole_ = is_as_wanted_ = true;
    return {};
}

void FilterTable::note_restored() {
    const FilterContent& now = content();
    for (const auto& [port, filter] : wanted_.filters)
        if (const auto found = now.filters.find(port); found == now.filters.end() || found->second != filter) restored_.ports.insert(port);
    if (!wanted_.gates) return;
    for (const IfName& bridge : wanted_.gates->bridges)
        if (!now.gates->bridges.contains(bridge)) restored_.devices.insert(bridge);
}

Result<> FilterTable::put_up(const FilterChanges& filters, const GateChanges& gates) {
    FilterContent wanted = wanted_;
    patch(wanted, filters, gates);
    const auto before = socket_->generation();
    if (!wanted.empty())
        if (auto done = run_nft(write_filter_table(wanted)); !done) return done;
    note_restored();
    wanted_ = std::move(wanted);
    if (wanted_.empty()) return {};
    content_ = wanted_;
    news_.of_all = true;
    return conclude(before);
}

Result<> FilterTable::change(const FilterChanges& filters, const GateChanges& gates) {
    std::vector<NftChange> changes;
    for (const auto& [port, filter] : filters) {
        const auto found = content_.filters.find(port);
        const auto was = found == content_.filters.end() ? FilterElements() : elements_of(port, found->second);
        const auto now = filter ? elements_of(port, *filter) : FilterElements();
        for (const FilterElement& one : was)
            if (!now.contains(one)) changes.push_back({false, one.set, one.key, one.chain});
        for (const FilterElement& one : now)
            if (!was.contains(one)) changes.push_back({true, one.set, one.key, one.chain});
        if (filter) continue;
        // So that nothing of it stays.
        if (auto counts = forget_counts(*socket_, NFPROTO_BRIDGE, filter_table_name, counting_sets(), port, changes); !counts) return counts;
    }
    if (has_gates()) {
        compare("gates", content_.gates->bridges, gates.bridges, changes);
        compare("admitted", content_.gates->admitted, gates.admitted, changes);
    }
    if (changes.empty()) return {};
    const auto before = socket_->generation();
    if (auto done = socket_->change(NFPROTO_BRIDGE, filter_table_name, changes); !done) return done;
    patch(content_, filters, gates);
    patch(wanted_, filters, gates);
    for (const auto& [port, filter] : filters) news_.devices.insert(port);
    for (const auto* moved : {&gates.bridges, &gates.admitted})
        for (const auto& [name, is_in] : *moved) news_.devices.insert(name);
    return conclude(before);
}

Result<> FilterTable::put(const FilterChanges& changes, const GateChanges& gates) {
    if (!socket_) return Error{Fault::backend, "nftables", "the kernel has no nftables for bridges (module nf_tables_bridge), or the host has no nft (package nftables), so no guest can be filtered"};
    if (auto heard = hear(); !heard) return heard.error();
    for (const auto& [port, filter] : changes)
        if (!is_plain(port)) return Error{Fault::invalid, port.text(), "nftables can't be told of a device of this name"};
    for (const auto* moved : {&gates.bridges, &gates.admitted})
        for (const auto& [name, is_in] : *moved)
            if (is_in && !is_plain(name)) return Error{Fault::invalid, name.text(), "nftables can't be told of a device of this name"};
    // A table that refuses a change is not what it was taken for.
    if (is_as_wanted_ && change(changes, gates)) return {};
    return put_up(changes, gates);
}

bool FilterTable::knows(const IfName& device) const {
    return wanted_.filters.contains(device) || (wanted_.gates && (wanted_.gates->bridges.contains(device) || wanted_.gates->admitted.contains(device)));
}

// What was counted of taps that nobody got to know.
Result<> FilterTable::forget_unknown(const topology::Keyed<Link>& links) {
    if (!has_gates() || !is_whole_) return {};
    std::vector<NftChange> changes;
    const auto visit = [&](const NftElement& element) {
        if (!links.contains(port_of(element.key))) changes.push_back({false, unknown_counter, element.key});
    };
    if (auto read = socket_->each_element(NFPROTO_BRIDGE, filter_table_name, unknown_counter, visit); !read || changes.empty()) return read;
    const auto before = socket_->generation();
    if (auto done = socket_->change(NFPROTO_BRIDGE, filter_table_name, changes); !done) return done;
    return conclude(before);
}

Result<> FilterTable::forget_all_but(const topology::Keyed<Link>& links, const std::set<IfName>& released) {
    FilterChanges changes;
    GateChanges gates;
    for (const auto& [port, filter] : wanted_.filters)
        if (!links.contains(port) || released.contains(port)) changes.emplace(port, std::nullopt);
    const Gates known = wanted_.gates.value_or(Gates());
    for (const IfName& name : known.bridges)
        if (!links.contains(name)) gates.bridges.emplace(name, false);
    for (const IfName& name : known.admitted)
        if (!links.contains(name)) gates.admitted.emplace(name, false);
    if (!changes.empty() || !gates.bridges.empty() || !gates.admitted.empty())
        if (auto done = put(changes, gates); !done) return done;
    return forget_unknown(links);
}

}  // namespace bridges
