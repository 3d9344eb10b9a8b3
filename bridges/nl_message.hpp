// Netlink's bytes, both ways: a Message is written attribute by attribute, Attributes are read without trust.
#pragma once

#include "bridges/nl_handles.hpp"

#include <netlink/attr.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bridges {

using Bytes = std::span<const std::byte>;

// A request in the making. What is put must fit into `room`; every text and list that is put has a bound of its own.
class Message {
public:
    template <class Header>
    Message(int type, int flags, const Header& header, std::size_t room = 1024)
        : held_(nlmsg_alloc_size(NLMSG_HDRLEN + sizeof(Header) + room)) {
        nlmsg_put(held_.get(), 0, 0, type, 0, flags | NLM_F_REQUEST);
        check(nlmsg_append(held_.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO));
    }

    void bytes(int attribute, const void* from, std::size_t size) {
        check(nla_put(held_.get(), attribute, static_cast<int>(size), from));
    }
    template <class Number>
    void number(int attribute, Number value) {
        bytes(attribute, &value, sizeof value);
    }
    void text(int attribute, const std::string& value) { bytes(attribute, value.c_str(), value.size() + 1); }
    template <class Fill>
    void nest(int attribute, Fill&& fill) {
        nlattr* start = nla_nest_start(held_.get(), attribute);
        assert(start);
        fill();
        nla_nest_end(held_.get(), start);
    }
    // A header inside an attribute, as VETH_INFO_PEER has it.
    template <class Header>
    void inner_header(const Header& header) {
        check(nlmsg_append(held_.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO));
    }

    nlmsghdr* raw() const { return nlmsg_hdr(held_.get()); }

private:
    static void check([[maybe_unused]] int result) { assert(result >= 0); }
    NlMessage held_;
};

// The attributes in a run of bytes, by number. What is cut short, too long or absent is simply not there.
class Attributes {
public:
    explicit Attributes(Bytes bytes) {
        each(bytes, [this](int type, const nlattr* attribute) {
            if (type < static_cast<int>(found_.size())) found_[type] = attribute;
        });
    }

    // Calls visit(type, attribute) for every attribute, in order.
    template <class Visit>
    static void each(Bytes bytes, Visit&& visit) {
        auto* at = reinterpret_cast<const nlattr*>(bytes.data());
        int rest = static_cast<int>(bytes.size());
        for (; nla_ok(at, rest); at = nla_next(at, &rest)) visit(nla_type(at), at);
    }

    static Bytes payload(const nlattr* attribute) {
        return {static_cast<const std::byte*>(nla_data(attribute)), static_cast<std::size_t>(nla_len(attribute))};
    }
    template <class Value>
    static std::optional<Value> value(const nlattr* attribute) {
        if (!attribute || nla_len(attribute) < static_cast<int>(sizeof(Value))) return std::nullopt;
        Value held;
        std::memcpy(&held, nla_data(attribute), sizeof held);
        return held;
    }

    bool has(int type) const { return at(type) != nullptr; }
    const nlattr* at(int type) const { return type < static_cast<int>(found_.size()) ? found_[type] : nullptr; }
    Bytes nest(int type) const { return at(type) ? payload(at(type)) : Bytes{}; }
    template <class Value>
    std::optional<Value> get(int type) const {
        return value<Value>(at(type));
    }
    std::string text(int type) const {
        const auto bytes = nest(type);
        if (bytes.empty()) return {};
        const auto* start = reinterpret_cast<const char*>(bytes.data());
        return {start, strnlen(start, bytes.size())};
    }

private:
    std::array<const nlattr*, 96> found_ = {};
};

// The fixed header that follows the message's own; none if the message is too short for it.
template <class Header>
std::optional<Header> header_of(const nlmsghdr& message) {
    if (message.nlmsg_len < NLMSG_HDRLEN + sizeof(Header)) return std::nullopt;
    Header header;
    std::memcpy(&header, reinterpret_cast<const std::byte*>(&message) + NLMSG_HDRLEN, sizeof header);
    return header;
}
template <class Header>
Bytes attributes_of(const nlmsghdr& message) {
    const std::size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Header));
    if (message.nlmsg_len <= skip) return {};
    return {reinterpret_cast<const std::byte*>(&message) + skip, message.nlmsg_len - skip};
}

// Calls visit(const nlmsghdr&) for every whole message in the bytes, which are aligned as netlink aligns them.
template <class Visit>
void each_message(Bytes bytes, Visit&& visit) {
    auto* at = reinterpret_cast<nlmsghdr*>(const_cast<std::byte*>(bytes.data()));
    int rest = static_cast<int>(bytes.size());
    for (; nlmsg_ok(at, rest); at = nlmsg_next(at, &rest)) visit(static_cast<const nlmsghdr&>(*at));
}

}  // namespace bridges
