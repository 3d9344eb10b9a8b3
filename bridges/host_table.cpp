// See host_table.hpp.
#include "bridges/host_table.hpp"

#include "bridges/blocked.hpp"
#include "bridges/filter_rules.hpp"
#include "bridges/nft_program.hpp"

#include <netinet/in.h>  // before the kernel's own, which gives way to it
#include <linux/netfilter.h>

#include <algorithm>
#include <utility>

namespace bridges {
namespace {

// Whether this kernel knows all that the rules need is seen by putting them up: it costs a process, which the first change would
// wait for otherwise. Where there is no network they drop no packet.
bool is_there(NftSocket& socket, const Services& services) {
    return has_nft_program() && (socket.comment(NFPROTO_INET, host_table_name) || run_nft(write_host_table(services)));
}

}  // namespace

HostTable HostTable::open(Services services) {
    HostTable opened;
    opened.services_ = std::move(services);
    auto socket = NftSocket::open();
    if (!socket || !is_there(*socket, opened.services_)) return opened;
    (void)socket->hear(NFPROTO_INET, host_table_name, opened.own_);  // that netd itself has put it up
    opened.socket_ = std::move(*socket);
    return opened;
}

Result<> HostTable::look() {
    if (auto looked = read_in_peace([this] { return look_once(); }); !looked) return looked;
    // Other rules, as many as there were: nobody reads them, they are put up anew. Elements are frames' own counters.
    if (std::exchange(heard_, NftSocket::News::none) == NftSocket::News::rules) is_whole_ = false;
    return {};
}

void HostTable::listen() { heard_ = std::max(heard_, socket_->hear(NFPROTO_INET, host_table_name, own_)); }

Result<> HostTable::look_once() {
    is_whole_ = false;
    if (!socket_) return {};
    listen();  // older than what is about to be seen, but not all of it will be
    const auto mark = socket_->comment(NFPROTO_INET, host_table_name);
    if (!mark) return mark.error().fault == Fault::not_found ? Result<>() : mark.error();
    if (*mark != host_table_mark(services_)) return {};
    const auto rules = socket_->count_rules(NFPROTO_INET, host_table_name);
    if (!rules) return rules.error();
    is_whole_ = *rules == host_rule_count(services_);
    return {};
}

Result<bool> HostTable::hear() {
    if (!socket_) return false;
    listen();
    if (heard_ == NftSocket::News::none && !stood_) return false;
    if (!stood_) stood_ = is_whole_;
    if (auto looked = look(); !looked) return looked.error();  // and is looked at again when one hears again
    return *std::exchange(stood_, std::nullopt) != is_whole_;
}

Result<> HostTable::forget(const std::set<IfName>& gone) {
    if (!socket_ || !is_whole_) return {};
    std::vector<std::string> sets;
    for (const topology::BlockReason& reason : topology::host_block_reasons) sets.push_back(counting_set(reason));
    for (const topology::Role role : topology::bound_roles) sets.push_back(stray_set(role));
    std::vector<NftChange> changes;
    for (const IfName& name : gone)
        if (auto counts = forget_counts(*socket_, NFPROTO_INET, host_table_name, sets, name, changes); !counts) return counts;
    return changes.empty() ? Result<>() : socket_->change(NFPROTO_INET, host_table_name, changes);
}

Result<> HostTable::put(const topology::Keyed<Link>& links) {
    if (stands()) return {};
    const auto before = socket_->generation();
    if (auto done = run_nft(write_host_table(services_)); !done) return done;
    for (const Link& link : links)
        if (standing_of(link.facts.group).is_of_network()) restored_.insert(link.name);
    const auto after = socket_->generation();
    // Somebody else said something in between: what it is now is looked at.
    if (!before || !after || *after != *before + 1) {
        const auto news = socket_->hear(NFPROTO_INET, host_table_name, own_);
        if (socket_->told() > 1) heard_ = std::max(heard_, news);  // one of them is netd's own
        stood_ = true;  // what else is found is told by the next hear()
        return look();
    }
    own_.insert(*after);
    is_whole_ = true;
    return {};
}

}  // namespace bridges
