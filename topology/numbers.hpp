// Numbers and addresses of the field, legal because they were parsed.
#pragma once

#include "topology/result.hpp"
#include "topology/shared.hpp"

#include <array>
#include <bitset>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace topology {

// A whole number of decimal digits between low and high; the error says which range is due.
Result<std::int64_t> parse_number(std::string_view text, std::int64_t low, std::int64_t high);

// An 802.1Q tag, 0 to 4094; 0 is a tag of its own (priority tagged).
class VlanId {
public:
    static Result<VlanId> parse(std::string_view text);
    static Result<VlanId> from(std::int64_t number);
    std::uint16_t number() const { return number_; }
    auto operator<=>(const VlanId&) const = default;

private:
    explicit VlanId(std::uint16_t number) : number_(number) {}
    std::uint16_t number_;
};

// A set of tags, written as ranges: "1-10,100".
class VlanSet {
public:
    static Result<VlanSet> parse(std::string_view text);
    void insert(VlanId id) { bits_.edit().set(id.number()); }
    void erase(VlanId id) { bits_.edit().reset(id.number()); }
    bool contains(VlanId id) const { return bits_.get().test(id.number()); }
    bool empty() const { return bits_.get().none(); }
    std::size_t size() const { return bits_.get().count(); }
    std::vector<std::pair<VlanId, VlanId>> ranges() const;  // first and last of each run, ascending
    std::string text() const;
    VlanSet minus(const VlanSet& other) const { return VlanSet(bits_.get() & ~other.bits_.get()); }
    VlanSet operator|(const VlanSet& other) const { return VlanSet(bits_.get() | other.bits_.get()); }
    bool operator==(const VlanSet&) const = default;
    VlanSet() = default;

private:
    using Bits = std::bitset<4096>;
    explicit VlanSet(const Bits& bits) : bits_(bits.any() ? Shared<Bits>(bits) : Shared<Bits>()) {}
    Shared<Bits> bits_;
};

// What one frame may carry, in bytes: 68 to 65521 where we choose it.
class Mtu {
public:
    static constexpr std::uint32_t standard = 1500;
    static Result<Mtu> parse(std::string_view text);
    static Result<Mtu> from(std::int64_t number);
    static Mtu observed(std::uint32_t number) { return Mtu(number); }  // the kernel's own word, whatever it is
    std::uint32_t number() const { return number_; }
    auto operator<=>(const Mtu&) const = default;
    Mtu() = default;

private:
    explicit Mtu(std::uint32_t number) : number_(number) {}
    std::uint32_t number_ = standard;
};

// A 48-bit Ethernet address, written "52:54:00:12:34:56".
class Mac {
public:
    using Bytes = std::array<std::uint8_t, 6>;
    static Result<Mac> parse(std::string_view text);
    static Mac of(const Bytes& bytes) { return Mac(bytes); }
    const Bytes& bytes() const { return bytes_; }
    bool is_multicast() const { return bytes_[0] & 1; }
    std::string text() const;
    auto operator<=>(const Mac&) const = default;

private:
    explicit Mac(const Bytes& bytes) : bytes_(bytes) {}
    Bytes bytes_;
};

// An IPv4 or IPv6 address; text() is canonical (IPv6 compressed).
class IpAddress {
public:
    static Result<IpAddress> parse(std::string_view text);
    static IpAddress v4(const std::array<std::uint8_t, 4>& bytes);
    static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
    bool is_v6() const { return v6_; }
    bool is_link_local() const;
    bool is_unspecified() const;
    const std::uint8_t* data() const { return bytes_.data(); }  // size() bytes, network order
    std::size_t size() const { return v6_ ? 16 : 4; }
    std::string text() const;
    auto operator<=>(const IpAddress&) const = default;

private:
    bool v6_ = false;
    std::array<std::uint8_t, 16> bytes_ = {};
};

// An address with the length of its prefix: "192.0.2.10/24". Host bits are kept; network() clears them.
class Subnet {
public:
    static Result<Subnet> parse(std::string_view text);
    static Result<Subnet> from(const IpAddress& address, std::int64_t length);
    const IpAddress& address() const { return address_; }
    std::uint8_t length() const { return length_; }
    bool is_v6() const { return address_.is_v6(); }
    Subnet network() const;
    bool contains(const IpAddress& other) const;
    std::string text() const;
    auto operator<=>(const Subnet&) const = default;

private:
    Subnet(const IpAddress& address, std::uint8_t length) : address_(address), length_(length) {}
    IpAddress address_;
    std::uint8_t length_;
};

// The prefix length that a dotted netmask means: "255.255.255.0" is 24. Holes in the mask are refused.
Result<std::uint8_t> parse_netmask(std::string_view text);

}  // namespace topology
