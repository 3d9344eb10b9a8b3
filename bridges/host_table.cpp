// See host_table.hpp.
#include "bridges/host_table.hpp"

#include "bridges/filter_rules.hpp"
#include "bridges/nft_program.hpp"

#include <linux/netfilter.h>

namespace bridges {
namespace {

constexpr const char* table = host_table_name;

// Whether this kernel knows all that the rules need is seen by putting them up: it costs a process, which the first change would
// wait for otherwise. Where there is no network they touch no packet.
bool is_there(NftSocket& socket, const Services& services) {
    return has_nft_program() && (socket.comment(NFPROTO_INET, table) || run_nft(write_host_table(services)));
}

}  // namespace

HostTable HostTable::open(Services services) {
    HostTable opened;
    opened.services_ = std::move(services);
    auto socket = NftSocket::open();
    if (socket && is_there(*socket, opened.services_)) opened.socket_ = std::move(*socket);
    return opened;
}

Result<> HostTable::look() {
    is_whole_ = false;
    if (!socket_) return {};
    (void)socket_->hear(NFPROTO_INET, table, own_);  // older than what is about to be seen
    const auto mark = socket_->comment(NFPROTO_INET, table);
    if (!mark) return mark.error().fault == Fault::not_found ? Result<>() : mark.error();
    if (*mark != host_table_mark(services_)) return {};
    const auto rules = socket_->count_rules(NFPROTO_INET, table);
    if (!rules) return rules.error();
    is_whole_ = *rules == host_rule_count(services_);
    return {};
}

Result<bool> HostTable::hear() {
    if (!socket_) return false;
    const auto news = socket_->hear(NFPROTO_INET, table, own_);
    if (news == NftSocket::News::none) return false;
    const bool stood = is_whole_;
    if (auto looked = look(); !looked) return looked.error();
    // Other rules, as many as there were: nobody reads them, they are put up anew. Elements are frames' own counters.
    if (news == NftSocket::News::rules) is_whole_ = false;
    return stood != is_whole_;
}

Result<> HostTable::forget(const std::set<IfName>& gone) {
    if (!socket_ || !is_whole_ || gone.empty()) return {};
    std::vector<NftChange> changes;
    for (const topology::BlockReason& reason : topology::host_block_reasons) {
        const auto set = counting_set(reason);
        const auto visit = [&](const NftElement& element) {
            if (gone.contains(port_of(element.key))) changes.push_back({false, set, element.key});
        };
        if (auto read = socket_->each_element(NFPROTO_INET, table, set.c_str(), visit); !read) return read;
    }
    return changes.empty() ? Result<>() : socket_->change(NFPROTO_INET, table, changes);
}

Result<> HostTable::put() {
    if (stands()) return {};
    const auto before = socket_->generation();
    if (auto done = run_nft(write_host_table(services_)); !done) return done;
    const auto after = socket_->generation();
    // Somebody else said something in between: what it is now is looked at.
    if (!before || !after || *after != *before + 1) return look();
    own_.insert(*after);
    is_whole_ = true;
    return {};
}

}  // namespace bridges
