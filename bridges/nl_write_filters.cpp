// Filters of the clsact qdisc to the kernel's messages: what is dropped of what comes in, and what is copied.
#include "bridges/checksum_guard.hpp"
#include "bridges/nl_traffic_writer.hpp"

#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>

#include <array>
#include <cerrno>

namespace bridges {

namespace {

constexpr std::uint32_t ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

class FilterWriter : public TrafficWriter {
public:
    using TrafficWriter::TrafficWriter;

    // A limit that changes is replaced in one step by that of the same number: no frame passes between the two.
    void in(const std::optional<Limit>& now, const std::optional<Limit>& have) {
        if (now) put_police(tc::limit_priority, 1, ETH_P_ALL, *now);
        else if (have) drop_all(ingress, tc::limit_priority);
    }

    void intakes(const std::set<Intake>& now, const std::set<Intake>& have) {
        for (const Intake& intake : have)
            if (!now.contains(intake)) drop(intake);
        for (const Intake& intake : now)
            if (const auto there = have.find(intake); there == have.end() || *there != intake) put(intake);
    }

    // One filter with an action for each, which is replaced in one step: those that stay miss nothing.
    void copies(std::uint32_t side, const CopyTargets& targets) {
        if (!targets) return;
        if (targets->empty()) return drop_all(side, tc::copy_priority);
        put_filter(side, tc::copy_priority, 1, ETH_P_ALL, [&](Message& message) {
            int place = 0;
            for (const int target : *targets) {
                const bool is_last = target == *targets->rbegin();
                write_action(message, ++place, "mirred", [&] { write_copy(message, target, is_last ? TC_ACT_UNSPEC : TC_ACT_PIPE); });
            }
        });
    }

    void guard(bool wanted, int program) {
        if (!wanted) return drop_all(ingress, tc::guard_priority);
        auto message = about(RTM_NEWTFILTER, NLM_F_CREATE, 1, ingress, "bpf", info_of(tc::guard_priority, ETH_P_ALL));
        message.nest(TCA_OPTIONS, [&] {
            message.number(TCA_BPF_FD, static_cast<std::uint32_t>(program));
            message.text(TCA_BPF_NAME, ChecksumGuard::name);
            message.number<std::uint32_t>(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
        });
        into_.push_back({std::move(message)});
    }

    void clsact(bool wanted, bool had) {
        if (wanted && !had)
            into_.push_back({about(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, TC_H_MAKE(TC_H_CLSACT, 0), TC_H_CLSACT, "clsact"), {EEXIST}});
        if (!wanted && had) into_.push_back({about(RTM_DELQDISC, 0, TC_H_MAKE(TC_H_CLSACT, 0), TC_H_CLSACT, nullptr), {ENOENT, EINVAL}});
    }

private:
    static std::uint32_t number_of(int vlan) { return vlan == Share::untagged ? 1 : static_cast<std::uint32_t>(vlan + 1); }

    void drop_all(std::uint32_t side, std::uint16_t priority) {
        into_.push_back({about(RTM_DELTFILTER, 0, 0, side, nullptr, info_of(priority, 0)), {ENOENT, EINVAL}});
    }

    void drop(const Intake& intake) {
        if (intake.vlan != Share::untagged) {
            into_.push_back({about(RTM_DELTFILTER, 0, number_of(intake.vlan), ingress, "flower", info_of(tc::tagged_priority, ETH_P_8021Q)), {ENOENT, EINVAL}});
            return;
        }
        drop_all(ingress, tc::untagged_priority);
        drop_all(ingress, tc::pass_priority);
    }

    void put(const Intake& intake) {
        if (intake.vlan != Share::untagged) return put_police(tc::tagged_priority, number_of(intake.vlan), ETH_P_8021Q, intake.limit, intake.vlan);
        tc_gact settings = {};
        settings.action = TC_ACT_OK;
        put_filter(ingress, tc::pass_priority, 1, ETH_P_8021Q,
                   [&](Message& message) { write_action(message, 1, "gact", [&] { message.number(TCA_GACT_PARMS, settings); }); });
        put_police(tc::untagged_priority, number_of(intake.vlan), ETH_P_ALL, intake.limit);
    }

    template <class Options>
    static void write_action(Message& message, int place, const char* kind, Options&& options) {
        message.nest(place, [&] {
            message.text(TCA_ACT_KIND, kind);
            message.nest(TCA_ACT_OPTIONS, options);
        });
    }

    // A filter that every frame of the protocol meets, or of one VLAN. It replaces that of the same number.
    template <class Actions>
    void put_filter(std::uint32_t side, std::uint16_t priority, std::uint32_t number, std::uint16_t protocol, Actions&& actions, int vlan = Share::untagged) {
        auto message = about(RTM_NEWTFILTER, NLM_F_CREATE, number, side, "flower", info_of(priority, protocol));
        message.nest(TCA_OPTIONS, [&] {
            message.nest(TCA_FLOWER_ACT, [&] { actions(message); });
            if (vlan == Share::untagged) return;
            message.number(TCA_FLOWER_KEY_ETH_TYPE, htons(ETH_P_8021Q));
            message.number<std::uint16_t>(TCA_FLOWER_KEY_VLAN_ID, static_cast<std::uint16_t>(vlan));
        });
        into_.push_back({std::move(message)});
    }

    void put_police(std::uint16_t priority, std::uint32_t number, std::uint16_t protocol, const Limit& limit, int vlan = Share::untagged) {
        put_filter(ingress, priority, number, protocol, [&](Message& message) { write_action(message, 1, "police", [&] { write_police(message, limit); }); }, vlan);
    }

    static void write_police(Message& message, const Limit& limit) {
        tc_police settings = {};
        settings.action = TC_POLICE_SHOT;
        settings.rate.rate = narrow(limit.average);
        settings.rate.linklayer = ethernet;
        settings.rate.cell_log = 3;
        settings.burst = ticks_of(limit.burst, limit.average);
        settings.mtu = 1 << 20;  // a guest hands over up to 64 KiB at once for the host to cut
        const std::array<std::uint32_t, 256> table = {};  // must be there, and is not looked at
        message.number(TCA_POLICE_TBF, settings);
        message.number(TCA_POLICE_RATE, table);
        if (limit.average > most) message.number(TCA_POLICE_RATE64, limit.average);
        message.number<std::int32_t>(TCA_POLICE_RESULT, TC_ACT_UNSPEC);  // and on to the next filter
    }

    // `then`: to the next action, or to the next filter.
    static void write_copy(Message& message, int target, int then) {
        tc_mirred settings = {};
        settings.action = then;
        settings.eaction = TCA_EGRESS_MIRROR;
        settings.ifindex = static_cast<std::uint32_t>(target);
        message.number(TCA_MIRRED_PARMS, settings);
    }
};

bool needs_clsact(const Traffic& traffic) { return traffic.checksums || traffic.in || !traffic.copies.empty() || !traffic.copies_in.empty() || !traffic.intakes.empty(); }

}  // namespace

void write_filters(int link, const Traffic& now, const Traffic& have, const CopyTargets& into_link, const CopyTargets& out_of_it, int guard, bool shared,
                   std::vector<TrafficRequest>& into) {
    FilterWriter writer(link, into);
    const bool wanted = needs_clsact(now), had = needs_clsact(have);
    writer.clsact(true, !wanted || had);
    if (now.checksums != have.checksums) writer.guard(now.checksums, guard);
    if (now.in != have.in) writer.in(now.in, have.in);
    writer.intakes(now.intakes, have.intakes);
    writer.copies(ingress, into_link);
    writer.copies(egress, out_of_it);
    if (!shared) writer.clsact(wanted, had && !wanted);
}

}  // namespace bridges
