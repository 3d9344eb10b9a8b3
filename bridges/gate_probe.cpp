// See gate_probe.hpp.
#include "bridges/gate_probe.hpp"

#include "bridges/nl_handles.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <netinet/in.h>  // before the kernel's own, which gives way to it
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <array>
#include <initializer_list>
#include <memory>

namespace bridges {
namespace {

using Socket = std::unique_ptr<mnl_socket, ReleasedBy<mnl_socket_close>>;
using Table = std::unique_ptr<nftnl_table, ReleasedBy<nftnl_table_free>>;
using NftChain = std::unique_ptr<nftnl_chain, ReleasedBy<nftnl_chain_free>>;
using NftRule = std::unique_ptr<nftnl_rule, ReleasedBy<nftnl_rule_free>>;

constexpr const char *table_name = "netd-probe", *chain_name = "probe";

NftRule rule_that_reads(std::initializer_list<nft_meta_keys> keys) {
    NftRule rule(nftnl_rule_alloc());
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table_name);
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, chain_name);
    for (const auto key : keys) {
        nftnl_expr* meta = nftnl_expr_alloc("meta");  // the rule's from when it is added
        nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, static_cast<std::uint32_t>(key));
        nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
        nftnl_rule_add_expr(rule.get(), meta);
    }
    return rule;
}

bool can_have_rule(std::uint8_t family, std::initializer_list<nft_meta_keys> keys) {
    const Table table(nftnl_table_alloc());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, table_name);
    const NftChain chain(nftnl_chain_alloc());
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table_name);
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, chain_name);
    const NftRule rule = rule_that_reads(keys);

    std::array<char, 4096> buffer;
    char* end = buffer.data();
    std::uint32_t sequence = 0;
    const auto header = [&](std::uint16_t type, std::uint16_t flags) { return nftnl_nlmsg_build_hdr(end, type, family, flags, ++sequence); };
    const auto add = [&end](const nlmsghdr* message) { end += NLMSG_ALIGN(message->nlmsg_len); };
    add(nftnl_batch_begin(end, ++sequence));
    nlmsghdr* message = header(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    nftnl_table_nlmsg_build_payload(message, table.get());
    add(message);
    message = header(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nftnl_chain_nlmsg_build_payload(message, chain.get());
    add(message);
    message = header(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    nftnl_rule_nlmsg_build_payload(message, rule.get());
    add(message);
    message = header(NFT_MSG_DELTABLE, NLM_F_ACK);
    nftnl_table_nlmsg_build_payload(message, table.get());
    add(message);
    add(nftnl_batch_end(end, ++sequence));

    const Socket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return false;
    if (mnl_socket_sendto(socket.get(), buffer.data(), static_cast<std::size_t>(end - buffer.data())) < 0) return false;
    // The kernel has answered by when it has taken it: with its refusals, or with the one acknowledgement.
    const auto got = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    return got > 0 && mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), 0, 0, nullptr, nullptr) >= 0;
}

}  // namespace

// What kind of device a frame comes by, and by which bridge.
bool can_have_gates() { return can_have_rule(NFPROTO_BRIDGE, {NFT_META_IIFKIND, NFT_META_BRI_IIFNAME}); }

bool can_have_tables(std::uint8_t family) { return can_have_rule(family, {NFT_META_IIFNAME}); }

}  // namespace bridges
