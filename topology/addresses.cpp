// IP addresses, subnets and netmasks: the second half of numbers.hpp.
#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace topology {
namespace {

Error refuse(std::string_view text, std::string what) {
    return {Fault::invalid, escaped(text.substr(0, 64)), std::move(what)};
}

// The bits of one byte that a prefix of that length covers, if the byte is the index-th of an address.
std::uint8_t mask_of_byte(std::size_t index, unsigned length) {
    const auto before = static_cast<unsigned>(index) * 8;
    const auto covered = length <= before ? 0u : std::min(length - before, 8u);
    return static_cast<std::uint8_t>(0xff00u >> covered);
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string closed(text);
    std::array<std::uint8_t, 4> four = {};
    std::array<std::uint8_t, 16> sixteen = {};
    // inet_pton() stops at a zero byte and would take "192.0.2.1\0…" for an address.
    if (text.find('\0') == std::string_view::npos) {
        if (inet_pton(AF_INET, closed.c_str(), four.data()) == 1) return v4(four);
        if (inet_pton(AF_INET6, closed.c_str(), sixteen.data()) == 1) return v6(sixteen);
    }
    return refuse(text, "an address is written as 192.0.2.10 or 2001:db8::10");
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) {
    IpAddress address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress address;
    address.v6_ = true;
    address.bytes_ = bytes;
    return address;
}

bool IpAddress::is_link_local() const {
    if (v6_) return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
    return bytes_[0] == 169 && bytes_[1] == 254;
}

bool IpAddress::is_unspecified() const {
    return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const {
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
    return text;
}

Result<Subnet> Subnet::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos)
        return refuse(text, "the length of the prefix is missing: write it as in 192.0.2.10/24");
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return address.error();
    const auto length = parse_number(text.substr(slash + 1), 0, address->is_v6() ? 128 : 32);
    if (!length)
        return refuse(text, fmt::format("the length of the prefix is a number from 0 to {}", address->is_v6() ? 128 : 32));
    return from(*address, *length);
}

Result<Subnet> Subnet::from(const IpAddress& address, std::int64_t length) {
    const auto longest = static_cast<std::int64_t>(address.size()) * 8;
    if (length < 0 || length > longest)
        return refuse(fmt::format("{}/{}", address.text(), length),
                      fmt::format("the length of the prefix is a number from 0 to {}", longest));
    return Subnet(address, static_cast<std::uint8_t>(length));
}

Subnet Subnet::network() const {
    std::array<std::uint8_t, 16> bytes = {};
    for (std::size_t i = 0; i < address_.size(); ++i) bytes[i] = address_.data()[i] & mask_of_byte(i, length_);
    if (is_v6()) return Subnet(IpAddress::v6(bytes), length_);
    return Subnet(IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), length_);
}

bool Subnet::contains(const IpAddress& other) const {
    if (other.is_v6() != is_v6()) return false;
    for (std::size_t i = 0; i < other.size(); ++i) {
        if ((other.data()[i] ^ address_.data()[i]) & mask_of_byte(i, length_)) return false;
    }
    return true;
}

std::string Subnet::text() const {
    return fmt::format("{}/{}", address_.text(), length_);
}

Result<std::uint8_t> parse_netmask(std::string_view text) {
    if (const auto length = parse_number(text, 0, 32)) return static_cast<std::uint8_t>(*length);
    const auto mask = IpAddress::parse(text);
    if (!mask || mask->is_v6()) return refuse(text, "a netmask is written as 255.255.255.0, or as the number 24");
    unsigned length = 0;
    for (std::size_t i = 0; i < 4; ++i) length += static_cast<unsigned>(std::popcount(mask->data()[i]));
    for (std::size_t i = 0; i < 4; ++i) {
        if (mask->data()[i] != mask_of_byte(i, length))
            return refuse(text, "a netmask has no holes: ones first, then zeros");
    }
    return static_cast<std::uint8_t>(length);
}

}  // namespace topology
