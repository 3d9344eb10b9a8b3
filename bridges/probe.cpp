// See probe.hpp. Each request is refused before a device is made; the reason tells how far the kernel came with it.
//
// Asking for a kind makes the kernel load its module, as a true creation would.
#include "bridges/probe.hpp"

#include "bridges/tap.hpp"

#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/utsname.h>

#include <cerrno>
#include <thread>
#include <tuple>

namespace bridges {

namespace {

constexpr const char* never = "netd-probe";

// Too short a MAC: every kind that is known refuses it, an unknown kind is refused before.
Message ask_for_kind(const char* kind) {
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
    message.text(IFLA_IFNAME, never);
    message.bytes(IFLA_ADDRESS, "\2\0\0", 3);
    message.nest(IFLA_LINKINFO, [&] { message.text(IFLA_INFO_KIND, kind); });
    return message;
}

// A change of a bridge that is not there, with a protocol that only a kernel with VLAN filtering looks at.
Message ask_for_filtering() {
    Message message(RTM_NEWLINK, 0, ifinfomsg{});
    message.text(IFLA_IFNAME, never);
    message.nest(IFLA_LINKINFO, [&] {
        message.text(IFLA_INFO_KIND, "bridge");
        message.nest(IFLA_INFO_DATA, [&] { message.number<std::uint16_t>(IFLA_BR_VLAN_PROTOCOL, 0x3412); });
    });
    return message;
}

// At the root of lo, without the options that each kind insists on.
Message ask_for_qdisc(const char* kind) {
    tcmsg header = {};
    header.tcm_ifindex = 1;
    header.tcm_parent = TC_H_ROOT;
    Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, header);
    message.text(TCA_KIND, kind);
    return message;
}
Message ask_for_action(const char* kind) {
    Message message(RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL, tcamsg{});
    message.nest(TCA_ACT_TAB, [&] { message.nest(1, [&] { message.text(TCA_ACT_KIND, kind); }); });
    return message;
}

// A filter is asked for at a qdisc that is there: in a namespace that a thread makes and takes with it, so that nobody here hears of it.
struct Classifiers {
    bool flower = true, bpf = true;
};
Classifiers classifiers() {
    Classifiers has;  // who may not make a namespace learns it when a filter is made
    std::thread traveller([&] {
        if (unshare(CLONE_NEWNET) != 0) return;
        auto socket = RequestSocket::open();
        if (!socket) return;
        std::vector<Message> questions;
        for (const auto& [type, parent, handle, kind] : {std::tuple{RTM_NEWQDISC, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), "clsact"},
                                                         std::tuple{RTM_NEWTFILTER, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), 0u, "flower"},
                                                         std::tuple{RTM_NEWTFILTER, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), 0u, "bpf"}}) {
            tcmsg header = {};
            header.tcm_ifindex = 1;
            header.tcm_parent = parent;
            header.tcm_handle = handle;
            header.tcm_info = type == RTM_NEWTFILTER ? TC_H_MAKE(1u << 16, htons(ETH_P_ALL)) : 0;
            Message& question = questions.emplace_back(type, NLM_F_CREATE | NLM_F_EXCL, header);
            question.text(TCA_KIND, kind);
        }
        const auto answers = socket->exchange(questions);
        if (!answers) return;
        has.flower = answers->front().code == 0 && (*answers)[1].code == EINVAL;  // it misses its options
        has.bpf = answers->front().code == 0 && answers->back().code == EINVAL;
    });
    traveller.join();
    return has;
}

}  // namespace

Result<Abilities> probe(RequestSocket& socket) {
    std::vector<Message> questions;
    questions.push_back(ask_for_kind("vlan"));
    questions.push_back(ask_for_kind("bond"));
    questions.push_back(ask_for_kind("bridge"));
    questions.push_back(ask_for_filtering());
    questions.push_back(ask_for_qdisc("hfsc"));
    questions.push_back(ask_for_qdisc("htb"));
    questions.push_back(ask_for_action("police"));
    questions.push_back(ask_for_action("mirred"));
    const auto answers = socket.exchange(questions);
    if (!answers) return answers.error();
    Abilities abilities;
    abilities.vlan = (*answers)[0].code == EINVAL;
    abilities.bond = (*answers)[1].code == EINVAL;
    abilities.vlan_filtering = (*answers)[2].code == EINVAL && (*answers)[3].code == EPROTONOSUPPORT;
    const auto [flower, bpf] = classifiers();
    abilities.checksums = bpf;  // as far as filters go
    abilities.hfsc = flower && (*answers)[4].code == EINVAL;
    abilities.htb = (*answers)[5].code == EINVAL;
    abilities.police = flower && (*answers)[6].code == EINVAL;
    abilities.mirred = flower && (*answers)[7].code == EINVAL;
    abilities.tap = can_make_taps();
    utsname system;
    if (uname(&system) == 0) abilities.release = system.release;
    return abilities;
}

}  // namespace bridges
