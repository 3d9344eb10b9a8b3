// How many frames the filters of guests and the rules of the host dropped, and which connections the latter saw leave by a device that is not
// their network's; read from the kernel at the moment of the question. Waits for nobody.
#pragma once

#include "topology/block_reasons.hpp"
#include "topology/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bridges {

using topology::Blocked;
using topology::Strays;

class BlockedReader {
public:
    // Where the kernel has no nftables, nothing is ever blocked.
    BlockedReader();
    ~BlockedReader();

    // Counts begin anew when a table of netd's is put up anew. Empty where there is none.
    topology::Result<Blocked> read();
    topology::Result<Strays> read_strays();

private:
    topology::Result<> count(std::uint8_t family, const char* table, const std::string& set, const char* called, Blocked& counted);

    struct Held;
    std::unique_ptr<Held> held_;
};

class NftSocket;
struct NftChange;

// Adds what takes a port that goes out of those of these sets of a table that have counted of it. Each is asked by the name: a list of what is in
// one costs a walk over the room that it has.
topology::Result<> forget_counts(NftSocket& socket, std::uint8_t family, const char* table, std::span<const std::string> sets, const topology::IfName& port, std::vector<NftChange>& changes);

}  // namespace bridges
