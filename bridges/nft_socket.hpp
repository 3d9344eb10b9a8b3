// nftables over netlink: looking, hearing, and changing what is in sets and maps.
#pragma once

#include "topology/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

// One element of a set or map, as the kernel keeps it.
struct NftElement {
    std::vector<std::byte> key;
    std::string chain = {};      // of a verdict map
    std::uint64_t packets = 0;   // where it has a counter
    std::uint64_t bytes = 0;
};

// An element of a set or map that comes or goes.
struct NftChange {
    bool comes = true;
    std::string set;
    std::vector<std::byte> key;
    std::string chain = {};      // of a verdict map: goto
};

class NftSocket {
public:
    static Result<NftSocket> open(bool hears = true);
    NftSocket(NftSocket&&) noexcept;
    NftSocket& operator=(NftSocket&&) noexcept;
    ~NftSocket();

    // All of them in their order as one transaction, or none. Error: the kernel's.
    Result<> change(std::uint8_t family, const char* table, std::span<const NftChange> changes);

    // Of a table of that family: its comment, or not_found.
    Result<std::string> comment(std::uint8_t family, const char* table);
    Result<std::size_t> count_rules(std::uint8_t family, const char* table);
    Result<> each_element(std::uint8_t family, const char* table, const char* set, const std::function<void(const NftElement&)>& visit);

    Result<bool> has_element(std::uint8_t family, const char* table, const char* set, const std::vector<std::byte>& key);

    // Counts every change of the namespace's rules, whoever makes it.
    Result<std::uint32_t> generation();

    // What was heard of that table: nothing, that elements came or went, that some of it was lost, or that something else in
    // it changed. What the changes of those generations did is no news; they are forgotten when they were heard. AF_UNSPEC: of
    // the tables of that name of every family.
    enum class News { none, elements, lost, rules };
    News hear(std::uint8_t family, const char* table, std::set<std::uint32_t>& own);
    // How many changes that was news of.
    std::size_t told() const;
    int descriptor() const;

private:
    struct Held;
    explicit NftSocket(std::unique_ptr<Held> held);
    std::unique_ptr<Held> held_;
};

// Who reads while another writes is told so (Fault::busy), and reads again, a few times.
Result<> read_in_peace(const std::function<Result<>()>& read);

}  // namespace bridges
