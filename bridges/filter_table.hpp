// netd's table of filters in the kernel: looked at once, followed by what is heard of it, changed whole or not at all.
#pragma once

#include "bridges/filter_rules.hpp"
#include "bridges/kernel.hpp"
#include "bridges/nft_socket.hpp"

#include <utility>

namespace bridges {

using FilterChanges = std::map<IfName, std::optional<Filter>>;  // by port; none takes the filter away
struct GateChanges {
    std::map<IfName, bool> bridges = {}, admitted = {};
};

class FilterTable {
public:
    // No error where the kernel has no nftables, or the host no nft: then works() is false and put() refuses.
    static FilterTable open();

    bool works() const { return socket_.has_value(); }
    // Whether bridges can have gates.
    bool has_gates() const { return content_.gates.has_value(); }

    // Looks at the table itself. Where it is not there, or not as netd made it, no port counts as filtered.
    Result<> look();

    // True if somebody else changed the table: then it was looked at.
    Result<bool> hear();

    const FilterContent& content() const { return is_whole_ ? content_ : none_; }
    const Filters& filters() const { return content().filters; }

    // Gives these ports these filters, or none, and opens and closes gates; everything at once, or nothing. A table that is not whole is
    // put up anew, with what the others had when it was.
    Result<> put(const FilterChanges& changes, const GateChanges& gates = {});

    // Takes away what is for devices that are not in `links`, and the filters of those that are released.
    Result<> forget_all_but(const topology::Keyed<Link>& links, const std::set<IfName>& released);
    bool knows(const IfName& device) const;

    // Whose filters and gates may be others than they were when this was last asked: all of them, or these devices'.
    struct News {
        bool of_all = false;
        std::set<IfName> devices = {};
    };
    News take_news() { return std::exchange(news_, News()); }

    // Those that a change put back, since the table was not as netd had made it.
    Kernel::Restored take_restored() { return std::exchange(restored_, {}); }
    bool has_restored() const { return !restored_.ports.empty() || !restored_.devices.empty(); }

    int descriptor() const { return socket_ ? socket_->descriptor() : -1; }

private:
    Result<> look_once();
    Result<FilterElements> read();
    Result<> put_up(const FilterChanges& filters, const GateChanges& gates);
    Result<> change(const FilterChanges& filters, const GateChanges& gates);
    Result<> forget_unknown(const topology::Keyed<Link>& links);
    void note_restored();
    Result<> conclude(const Result<std::uint32_t>& before);
    void listen();

    std::optional<NftSocket> socket_;
    FilterContent content_, none_;
    FilterContent wanted_;              // as netd last made it, or first found it
    bool is_whole_ = false;
    bool is_as_wanted_ = false;
    News news_;
    Kernel::Restored restored_;
    NftSocket::News heard_ = NftSocket::News::none;  // of others' changes since the last look that succeeded
    std::optional<FilterContent> stood_ = {};        // before those
    std::set<std::uint32_t> own_;       // generations that netd's own changes made, until they are heard of
};

}  // namespace bridges
