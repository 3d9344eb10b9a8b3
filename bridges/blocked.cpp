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

Result<Blocked> BlockedReader::read() {
    Blocked blocked;
    if (!held_->socket) return blocked;
    const auto read_all = [&](std::uint8_t family, const char* table, std::span<const topology::BlockReason> reasons) -> Result<> {
        for (const topology::BlockReason& reason : reasons) {
            const auto count = [&](const NftElement& element) {
                if (element.packets) blocked[port_of(element.key)][reason.name] = element.packets;
            };
            const auto set = counting_set(reason);
            auto read = held_->socket->each_element(family, table, set.c_str(), count);
            // A change cut it off, and what is left of it would be taken for all: it is read again.
            for (int attempt = 0; !read && read.error().fault == Fault::busy && attempt < 10; ++attempt)
                read = held_->socket->each_element(family, table, set.c_str(), count);
            if (!read && read.error().fault != Fault::not_found) return read;
        }
        return {};
    };
    if (auto read = read_all(NFPROTO_BRIDGE, filter_table_name, topology::block_reasons); !read) return read.error();
    if (auto read = read_all(NFPROTO_INET, host_table_name, topology::host_block_reasons); !read) return read.error();
    return blocked;
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
