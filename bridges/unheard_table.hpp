// What keeps the host deaf to guests on switches that have no such rule themselves: tables of nftables of their own, of families inet and arp.
#pragma once

#include "bridges/nft_socket.hpp"
#include "topology/filter.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace bridges {

using topology::IfName;
using topology::Unheard;

class UnheardTable {
public:
    // No error where the kernel has no nftables for inet or ARP, or the host no nft: then nothing is kept.
    static UnheardTable open();

    // From these alone the host takes nothing. Error: what was before holds, if it stood.
    Result<> put(const Unheard& unheard);
    // From these it takes nothing either. Costs what is new.
    Result<> add(const Unheard& more);
    // Puts back what somebody else changed.
    void hear();

    // The devices that had been without it until it was put back, or that are, if there is a reason why it could not be; each is told once.
    std::set<IfName> take_restored() { return std::exchange(restored_, {}); }
    std::string take_why() { return std::exchange(why_, {}); }
    bool has_restored() const { return !restored_.empty(); }

    int descriptor() const { return socket_ ? socket_->descriptor() : -1; }

private:
    Result<> put_up(const Unheard& unheard);
    Result<> change(const Unheard& coming, const Unheard& going);
    void note_restored(const Unheard& lost, std::string why);
    bool is_disturbed(std::size_t own_changes);

    std::optional<NftSocket> socket_;
    Unheard stands_;                            // at first what another netd left
    bool is_known_ = false;                     // that the kernel has just that
    bool is_own_ = false;                       // this netd has put it up
    bool is_missed_ = false;                    // and could not put it back, which is told
    std::chrono::steady_clock::time_point next_try_ = {};
    std::set<IfName> restored_;
    std::string why_;
};

// Both tables, in place of whatever is there under their names.
std::string write_unheard_tables(const Unheard& unheard);

}  // namespace bridges
