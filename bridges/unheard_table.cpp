// See unheard_table.hpp. Why the host has to be deaf: docs/decisions/0019.
#include "bridges/unheard_table.hpp"

#include "bridges/filter_rules.hpp"
#include "bridges/gate_probe.hpp"
#include "bridges/nft_program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>  // before the kernel's own, which gives way to it
#include <linux/netfilter.h>
#include <linux/if.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

namespace bridges {
namespace {

constexpr const char* unheard_tables = "netd-unheard";
constexpr const char* unheard_guests = "guests";
constexpr std::chrono::seconds between_repairs{2};

std::vector<std::byte> key_of_unheard(const std::pair<IfName, topology::Mac>& one) {
    auto key = key_of(one.first);
    for (const std::uint8_t byte : one.second.bytes()) key.push_back(static_cast<std::byte>(byte));
    key.resize((key.size() + 3) / 4 * 4);  // as nftables pads what is in a key
    return key;
}

std::pair<IfName, topology::Mac> read_key(const std::vector<std::byte>& key) {
    topology::Mac::Bytes mac = {};
    if (key.size() >= IFNAMSIZ + mac.size()) std::memcpy(mac.data(), key.data() + IFNAMSIZ, mac.size());
    return {port_of(key), topology::Mac::of(mac)};
}

Unheard without(const Unheard& all, const Unheard& these) {
    Unheard left;
    std::ranges::set_difference(all, these, std::inserter(left, left.end()));
    return left;
}

}  // namespace

std::string write_unheard_tables(const Unheard& unheard) {
    std::vector<std::string> elements;
    for (const auto& [device, mac] : unheard) elements.push_back(fmt::format("\"{}\" . {}", device.text(), mac.text()));
    std::string text;
    for (const char* family : {"inet", "arp"}) {
        text += fmt::format("table {0} {1}\ndelete table {0} {1}\ntable {0} {1} {{\n set {2} {{ type ifname . ether_addr; }}\n", family, unheard_tables, unheard_guests);
        text += fmt::format(" chain input {{\n  type filter hook input priority -20;\n  iifname . ether saddr @{} counter drop\n }}\n}}\n", unheard_guests);
        if (!elements.empty()) text += fmt::format("add element {} {} {} {{ {} }}\n", family, unheard_tables, unheard_guests, fmt::join(elements, ", "));
    }
    return text;
}

UnheardTable UnheardTable::open() {
    UnheardTable opened;
    auto socket = NftSocket::open();
    const auto can_have = [&](std::uint8_t family) { return socket->comment(family, unheard_tables) || can_have_tables(family); };
    if (!socket || !has_nft_program() || !can_have(NFPROTO_INET) || !can_have(NFPROTO_ARP)) return opened;
    const auto visit = [&](const NftElement& one) { opened.stands_.insert(read_key(one.key)); };
    (void)socket->each_element(NFPROTO_INET, unheard_tables, unheard_guests, visit);  // or there is none
    opened.socket_ = std::move(*socket);
    return opened;
}

// Whether something was heard beside that many changes of netd's own.
bool UnheardTable::is_disturbed(std::size_t own_changes) {
    std::set<std::uint32_t> none;
    const auto news = socket_->hear(AF_UNSPEC, unheard_tables, none);
    return news == NftSocket::News::lost || socket_->told() > own_changes;
}

Result<> UnheardTable::put_up(const Unheard& unheard) {
    if (auto done = run_nft(write_unheard_tables(unheard)); !done) return done;
    is_own_ = true;
    is_known_ = !is_disturbed(1);
    if (std::exchange(is_missed_, false)) note_restored(unheard, {});
    stands_ = unheard;
    return {};
}

Result<> UnheardTable::change(const Unheard& coming, const Unheard& going) {
    std::vector<NftChange> changes;
    for (const auto& one : going) changes.push_back({false, unheard_guests, key_of_unheard(one)});
    for (const auto& one : coming) changes.push_back({true, unheard_guests, key_of_unheard(one)});
    for (const auto family : {NFPROTO_INET, NFPROTO_ARP})
        if (auto done = socket_->change(family, unheard_tables, changes); !done) return done;
    is_known_ = !is_disturbed(2);
    for (const auto& one : going) stands_.erase(one);
    stands_.insert(coming.begin(), coming.end());
    return {};
}

Result<> UnheardTable::put(const Unheard& unheard) {
    if (!socket_) return {};
    hear();
    if (is_known_ && unheard == stands_) return {};
    if (is_known_ && change(without(unheard, stands_), without(stands_, unheard))) return {};
    // What a netd before has left is found by its table only.
    if (unheard.empty() && stands_.empty() && !socket_->comment(NFPROTO_INET, unheard_tables)) return {};
    return put_up(unheard);
}

Result<> UnheardTable::add(const Unheard& more) {
    if (!socket_) return {};
    hear();
    const Unheard coming = without(more, stands_);
    if (is_known_ && (coming.empty() || change(coming, {}))) return {};
    Unheard all = stands_;
    all.insert(coming.begin(), coming.end());
    return all.empty() ? Result<>() : put_up(all);
}

void UnheardTable::hear() {
    if (!socket_) return;
    const bool stood = is_known_;
    if (is_disturbed(0)) is_known_ = false;  // asked in any case: whoever waits for the descriptor waits for what is left unread
    const auto now = std::chrono::steady_clock::now();
    if (!is_own_ || is_known_ || stands_.empty() || (!stood && now < next_try_)) return;
    next_try_ = now + between_repairs;
    const Unheard lost = stands_;
    const auto done = put_up(lost);
    if (stood || done) note_restored(lost, done ? std::string() : done.error().what);
    is_missed_ = is_missed_ || !done;
}

void UnheardTable::note_restored(const Unheard& lost, std::string why) {
    for (const auto& [device, mac] : lost) restored_.insert(device);
    why_ = std::move(why);
}

}  // namespace bridges
