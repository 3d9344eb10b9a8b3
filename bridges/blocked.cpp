// See blocked.hpp.
#include "bridges/blocked.hpp"

#include "bridges/filter_rules.hpp"
#include "bridges/host_rules.hpp"
#include "bridges/nft_socket.hpp"

#include <netinet/in.h>  // before the kernel's own, which gives way to it
#include <linux/netfilter.h>

#include <optional>
#include <span>

namespace bridges {

struct BlockedReader::Held {
    std::optional<NftSocket> socket;
};

BlockedReader::BlockedReader() : held_(std::make_unique<Held>()) {
    if (auto opened = NftSocket::open(false)) held_->socket = std::move(*opened);
}
BlockedReader::~BlockedReader() = default;

Result<> BlockedReader::count(std::uint8_t family, const char* table, const std::string& set, const char* called, Blocked& counted) {
    if (!held_->socket) return {};
    const auto take = [&](const NftElement& element) {
        if (element.packets) counted[port_of(element.key)][called] = element.packets;
    };
    auto read = held_->socket->each_element(family, table, set.c_str(), take);
    // A change cut it off, and what is left of it would be taken for all: it is read again.
    for (int attempt = 0; !read && read.error().fault == Fault::busy && attempt < 10; ++attempt)
        read = held_->socket->each_element(family, table, set.c_str(), take);
    if (!read && read.error().fault != Fault::not_found) return read;
    return {};
}

Result<Blocked> BlockedReader::read() {
    Blocked blocked;
    for (const topology::BlockReason& reason : topology::block_reasons)
        if (auto read = count(NFPROTO_BRIDGE, filter_table_name, counting_set(reason), reason.name, blocked); !read) return read.error();
    for (const topology::BlockReason& reason : topology::host_block_reasons)
        if (auto read = count(NFPROTO_INET, host_table_name, counting_set(reason), reason.name, blocked); !read) return read.error();
    return blocked;
}

Result<Strays> BlockedReader::read_strays() {
    Strays strays;
    for (const topology::Role role : topology::bound_roles)
        if (auto read = count(NFPROTO_INET, host_table_name, stray_set(role), name_of(role), strays); !read) return read.error();
    return strays;
}

Result<> forget_counts(NftSocket& socket, std::uint8_t family, const char* table, std::span<const std::string> sets, const topology::IfName& port, std::vector<NftChange>& changes) {
    for (const std::string& set : sets) {
        const auto found = socket.has_element(family, table, set.c_str(), key_of(port));
        if (!found) return found.error();
        if (*found) changes.push_back({false, set, key_of(port)});
    }
    return {};
}

}  // namespace bridges
