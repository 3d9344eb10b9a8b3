// See probe.hpp. Each request is refused before a device is made; the reason tells how far the kernel came with it.
//
// Asking for a kind makes the kernel load its module, as a true creation would.
#include "bridges/probe.hpp"

#include "bridges/tap.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/utsname.h>

#include <cerrno>

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

}  // namespace

Result<Abilities> probe(RequestSocket& socket) {
    std::vector<Message> questions;
    questions.push_back(ask_for_kind("vlan"));
    questions.push_back(ask_for_kind("bond"));
    questions.push_back(ask_for_kind("bridge"));
    questions.push_back(ask_for_filtering());
    const auto answers = socket.exchange(questions);
    if (!answers) return answers.error();
    Abilities abilities;
    abilities.vlan = (*answers)[0].code == EINVAL;
    abilities.bond = (*answers)[1].code == EINVAL;
    abilities.vlan_filtering = (*answers)[2].code == EINVAL && (*answers)[3].code == EPROTONOSUPPORT;
    abilities.tap = can_make_taps();
    utsname system;
    if (uname(&system) == 0) abilities.release = system.release;
    return abilities;
}

}  // namespace bridges
