// libnftnl over libmnl.
#include "bridges/nft_socket.hpp"

#include "bridges/nl_handles.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bridges {
namespace {

using Socket = std::unique_ptr<mnl_socket, ReleasedBy<mnl_socket_close>>;
using Table = std::unique_ptr<nftnl_table, ReleasedBy<nftnl_table_free>>;
using NftRule = std::unique_ptr<nftnl_rule, ReleasedBy<nftnl_rule_free>>;
using Set = std::unique_ptr<nftnl_set, ReleasedBy<nftnl_set_free>>;
using Elements = std::unique_ptr<nftnl_set_elems_iter, ReleasedBy<nftnl_set_elems_iter_destroy>>;
using Visit = std::function<int(const nlmsghdr*)>;

constexpr std::size_t room = 65536;
constexpr std::size_t room_of_change = 512;  // a message about one element, with all names as long as they may be

Error no_answer(int code) {
    if (code == ENOENT) return {Fault::not_found, "nftables", "there is no such table, set or element"};
    if (code == EINTR) return {Fault::busy, "nftables", "somebody changed it while it was read"};
    return {Fault::backend, "nftables", std::strerror(code)};
}

int call(const nlmsghdr* message, void* visit) { return (*static_cast<const Visit*>(visit))(message); }

// mnl_attr_for_each, for a language in which a void pointer is no other.
const nlattr* first_attribute(const nlmsghdr* message) { return static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg))); }
bool is_attribute(const nlattr* at, const nlmsghdr* message) {
    return mnl_attr_ok(at, static_cast<int>(static_cast<const char*>(mnl_nlmsg_get_payload_tail(message)) - reinterpret_cast<const char*>(at)));
}

bool is_in_table(const nlmsghdr* message, std::uint8_t family, const char* table) {
    const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
    if (family != AF_UNSPEC && header->nfgen_family != family) return false;
    // The first attribute of every object is its table's name (NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, …).
    for (const nlattr* at = first_attribute(message); is_attribute(at, message); at = mnl_attr_next(at))
        if (mnl_attr_get_type(at) == 1) return std::strcmp(mnl_attr_get_str(at), table) == 0;
    return false;
}

std::uint32_t read_generation(const nlmsghdr* message) {
    for (const nlattr* at = first_attribute(message); is_attribute(at, message); at = mnl_attr_next(at))
        if (mnl_attr_get_type(at) == NFTA_GEN_ID) return ntohl(mnl_attr_get_u32(at));
    return 0;
}

Set set_with(const char* table, const NftChange& one) {
    Set set(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table);
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, one.set.c_str());
    nftnl_set_elem* element = nftnl_set_elem_alloc();  // the set's from when it is added
    nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, one.key.data(), static_cast<std::uint32_t>(one.key.size()));
    if (!one.chain.empty()) {
        nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT, static_cast<std::uint32_t>(NFT_GOTO));
        nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, one.chain.c_str());
    }
    nftnl_set_elem_add(set.get(), element);
    return set;
}

NftElement read_element(nftnl_set_elem* element) {
    NftElement read;
    std::uint32_t size = 0;
    const auto* key = static_cast<const std::byte*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size));
    if (key) read.key.assign(key, key + size);
    if (const char* chain = nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN)) read.chain = chain;
    const auto* counter = static_cast<const nftnl_expr*>(nftnl_set_elem_get(element, NFTNL_SET_ELEM_EXPR, &size));
    if (counter && std::strcmp(nftnl_expr_get_str(counter, NFTNL_EXPR_NAME), "counter") == 0) {
        read.packets = nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_PACKETS);
        read.bytes = nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_BYTES);
    }
    return read;
}

}  // namespace

struct NftSocket::Held {
    Socket requests, notifications;
    std::vector<char> heard = std::vector<char>(room);
    std::size_t told = 0;          // changes that the last hear() was news of
    News heard_last = News::none;  // of a transaction whose end is still to come
    std::vector<char> buffer = std::vector<char>(room);
    std::uint32_t sequence = 1;

    // Of a list that a change interrupted and nobody heard out: its parts would be taken for the answer.
    void discard_rest() {
        std::array<char, 8192> part;
        while (::recv(mnl_socket_get_fd(requests.get()), part.data(), part.size(), MSG_DONTWAIT) > 0) {}
    }
    // Sends the message in the buffer and visits what comes back, until its end.
    Result<> ask(nlmsghdr* message, const Visit& visit) {
        discard_rest();
        if (mnl_socket_sendto(requests.get(), message, message->nlmsg_len) < 0) return no_answer(errno);
        const auto port = mnl_socket_get_portid(requests.get());
        for (;;) {
            const auto got = mnl_socket_recvfrom(requests.get(), buffer.data(), buffer.size());
            if (got < 0) return no_answer(errno);
            const int left = mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), sequence, port, call, const_cast<Visit*>(&visit));
            if (left < 0) return no_answer(errno);
            if (left == MNL_CB_STOP) return {};
        }
    }
    // What came of a transaction: the kernel has said all of it by when it has taken it. Every refusal has a message of its own.
    Result<> verdict(std::uint32_t last) {
        int refused = 0;
        bool is_done = false;
        for (;;) {
            const auto got = ::recv(mnl_socket_get_fd(requests.get()), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno == ENOBUFS) refused = refused ? refused : ENOBUFS;
            else if (got < 0) break;
            int left = static_cast<int>(std::max<ssize_t>(got, 0));
            for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                if (message->nlmsg_type != NLMSG_ERROR) continue;
                const auto* said = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                if (said->error && !refused) refused = -said->error;
                is_done = is_done || (said->error == 0 && message->nlmsg_seq == last);
            }
        }
        if (refused || !is_done) return no_answer(refused ? refused : EPROTO);
        return {};
    }
    nlmsghdr* question(std::uint16_t type, std::uint8_t family, std::uint16_t flags) {
        return nftnl_nlmsg_build_hdr(buffer.data(), type, family, flags, ++sequence);
    }
};

NftSocket::NftSocket(std::unique_ptr<Held> held) : held_(std::move(held)) {}
NftSocket::NftSocket(NftSocket&&) noexcept = default;
NftSocket& NftSocket::operator=(NftSocket&&) noexcept = default;
NftSocket::~NftSocket() = default;

Result<NftSocket> NftSocket::open(bool hears) {
    auto held = std::make_unique<Held>();
    const int size = 4 << 20;  // with less, a large batch is refused, and news is lost sooner; both are noticed
    held->requests.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!held->requests || mnl_socket_bind(held->requests.get(), 0, MNL_SOCKET_AUTOPID) < 0) return no_answer(errno);
    (void)setsockopt(mnl_socket_get_fd(held->requests.get()), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    if (!hears) return NftSocket(std::move(held));
    held->notifications.reset(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK));
    int group = NFNLGRP_NFTABLES;
    if (!held->notifications || mnl_socket_bind(held->notifications.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_setsockopt(held->notifications.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
        return no_answer(errno);
    (void)setsockopt(mnl_socket_get_fd(held->notifications.get()), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return NftSocket(std::move(held));
}

Result<std::string> NftSocket::comment(std::uint8_t family, const char* name) {
    const Table asked(nftnl_table_alloc());
    nftnl_table_set_str(asked.get(), NFTNL_TABLE_NAME, name);
    nlmsghdr* message = held_->question(NFT_MSG_GETTABLE, family, NLM_F_ACK);
    nftnl_table_nlmsg_build_payload(message, asked.get());
    std::string text;
    const auto read = [&](const nlmsghdr* answer) {
        const Table table(nftnl_table_alloc());
        std::uint32_t size = 0;
        if (nftnl_table_nlmsg_parse(answer, table.get()) < 0) return MNL_CB_OK;
        const auto* data = static_cast<const char*>(nftnl_table_get_data(table.get(), NFTNL_TABLE_USERDATA, &size));
        if (data && size > 2 && data[0] == NFTNL_UDATA_TABLE_COMMENT) text.assign(data + 2, strnlen(data + 2, size - 2));
        return MNL_CB_OK;
    };
    if (auto asked_for = held_->ask(message, read); !asked_for) return asked_for.error();
    return text;
}

Result<std::size_t> NftSocket::count_rules(std::uint8_t family, const char* table) {
    const NftRule asked(nftnl_rule_alloc());
    nftnl_rule_set_str(asked.get(), NFTNL_RULE_TABLE, table);
    nlmsghdr* message = held_->question(NFT_MSG_GETRULE, family, NLM_F_DUMP);
    nftnl_rule_nlmsg_build_payload(message, asked.get());
    std::size_t count = 0;
    const auto read = [&](const nlmsghdr* answer) {
        if (is_in_table(answer, family, table)) ++count;
        return MNL_CB_OK;
    };
    if (auto asked_for = held_->ask(message, read); !asked_for) return asked_for.error();
    return count;
}

Result<> NftSocket::each_element(std::uint8_t family, const char* table, const char* set, const std::function<void(const NftElement&)>& visit) {
    const Set asked(nftnl_set_alloc());
    nftnl_set_set_str(asked.get(), NFTNL_SET_TABLE, table);
    nftnl_set_set_str(asked.get(), NFTNL_SET_NAME, set);
    nlmsghdr* message = held_->question(NFT_MSG_GETSETELEM, family, NLM_F_DUMP);
    nftnl_set_elems_nlmsg_build_payload(message, asked.get());
    return held_->ask(message, [&](const nlmsghdr* answer) {
        const Set part(nftnl_set_alloc());
        if (nftnl_set_elems_nlmsg_parse(answer, part.get()) < 0) return MNL_CB_OK;
        const Elements elements(nftnl_set_elems_iter_create(part.get()));
        while (nftnl_set_elem* element = nftnl_set_elems_iter_next(elements.get())) visit(read_element(element));
        return MNL_CB_OK;
    });
}

Result<bool> NftSocket::has_element(std::uint8_t family, const char* table, const char* set, const std::vector<std::byte>& key) {
    const Set asked = set_with(table, {.set = set, .key = key});
    nlmsghdr* message = held_->question(NFT_MSG_GETSETELEM, family, NLM_F_ACK);
    nftnl_set_elems_nlmsg_build_payload(message, asked.get());
    const auto found = held_->ask(message, [](const nlmsghdr*) { return MNL_CB_OK; });
    if (!found && found.error().fault != Fault::not_found) return found.error();
    return bool(found);
}

Result<std::uint32_t> NftSocket::generation() {
    nlmsghdr* message = held_->question(NFT_MSG_GETGEN, AF_UNSPEC, NLM_F_ACK);
    std::uint32_t number = 0;
    const auto read = [&](const nlmsghdr* answer) {
        number = read_generation(answer);
        return MNL_CB_OK;
    };
    if (auto asked = held_->ask(message, read); !asked) return asked.error();
    return number;
}

Result<> NftSocket::change(std::uint8_t family, const char* table, std::span<const NftChange> changes) {
    std::vector<char> batch((changes.size() + 2) * room_of_change);
    char* end = batch.data();
    const auto add = [&end](const nlmsghdr* message) { end += NLMSG_ALIGN(message->nlmsg_len); };
    add(nftnl_batch_begin(end, ++held_->sequence));
    for (const NftChange& one : changes) {
        const Set set = set_with(table, one);
        const auto flags = static_cast<std::uint16_t>((one.comes ? NLM_F_CREATE : 0) | (&one == &changes.back() ? NLM_F_ACK : 0));
        nlmsghdr* message = nftnl_nlmsg_build_hdr(end, one.comes ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, family, flags, ++held_->sequence);
        nftnl_set_elems_nlmsg_build_payload(message, set.get());
        add(message);
    }
    const std::uint32_t last = held_->sequence;
    add(nftnl_batch_end(end, ++held_->sequence));
    if (mnl_socket_sendto(held_->requests.get(), batch.data(), static_cast<std::size_t>(end - batch.data())) < 0) return no_answer(errno);
    return held_->verdict(last);
}

// The kernel ends what it tells of a transaction with the generation that came of it.
NftSocket::News NftSocket::hear(std::uint8_t family, const char* table, std::set<std::uint32_t>& own) {
    News news = News::none, of_one = std::exchange(held_->heard_last, News::none);
    held_->told = 0;
    const Visit read = [&](const nlmsghdr* message) {
        const int type = message->nlmsg_type & 0xff;
        if (type == NFT_MSG_NEWGEN) {
            const News told = std::exchange(of_one, News::none);
            if (own.erase(read_generation(message)) != 0 || told == News::none) return MNL_CB_OK;
            news = std::max(news, told);
            ++held_->told;
        } else if (is_in_table(message, family, table)) {
            const bool is_element = type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM;
            of_one = std::max(of_one, is_element ? News::elements : News::rules);
        }
        return MNL_CB_OK;
    };
    for (;;) {
        auto& buffer = held_->heard;
        const auto got = ::recv(descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == ENOBUFS) {
            news = std::max(news, News::lost);
            continue;
        }
        if (got <= 0) break;
        (void)mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), 0, 0, call, const_cast<Visit*>(&read));
    }
    held_->heard_last = of_one;
    return news;
}

std::size_t NftSocket::told() const { return held_->told; }

int NftSocket::descriptor() const { return mnl_socket_get_fd(held_->notifications.get()); }

Result<> read_in_peace(const std::function<Result<>()>& read) {
    constexpr int most_attempts = 10;
    auto done = read();
    for (int attempt = 0; !done && done.error().fault == Fault::busy && attempt < most_attempts; ++attempt) done = read();
    return done;
}

}  // namespace bridges
