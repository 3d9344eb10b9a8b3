// netd's table about the host's own stack in the kernel: looked at once, followed by what is heard of it, put up whole.
#pragma once

#include "bridges/host_rules.hpp"
#include "bridges/nft_socket.hpp"
#include "bridges/resources.hpp"
#include "topology/keyed.hpp"
#include "topology/names.hpp"

#include <optional>
#include <set>
#include <utility>

namespace bridges {

using topology::IfName;

class HostTable {
public:
    // Puts up a table where there is none. No error where the kernel has no nftables for inet, its fib or its conntrack, or the
    // host no nft: then works() is false.
    static HostTable open(Services services);

    bool works() const { return socket_.has_value(); }
    // As netd made it. What does not work is not missed.
    bool stands() const { return !works() || is_whole_; }

    // Looks at the table itself.
    Result<> look();
    // True if it stands no longer, or again.
    Result<bool> hear();
    // Puts it up unless it stands; everything at once, or nothing. `links`: those that are there.
    Result<> put(const topology::Keyed<Link>& links = {});

    // Those of networks that had been without it when put() put it up; each is told once.
    std::set<IfName> take_restored() { return std::exchange(restored_, {}); }
    bool has_restored() const { return !restored_.empty(); }

    // What was counted of these devices goes with them.
    Result<> forget(const std::set<IfName>& gone);

    int descriptor() const { return socket_ ? socket_->descriptor() : -1; }

private:
    Result<> look_once();
    void listen();

    std::optional<NftSocket> socket_;
    Services services_;
    bool is_whole_ = false;
    std::set<IfName> restored_;
    NftSocket::News heard_ = NftSocket::News::none;  // of others' changes since the last look that succeeded
    std::optional<bool> stood_ = {};                 // before those
    std::set<std::uint32_t> own_;  // generations that netd's own changes made, until they are heard of
};

}  // namespace bridges
