// Qdiscs and classes at the root to the kernel's messages; see traffic_control.hpp. What stays is changed in place: no frame of another class is lost.
#include "bridges/nl_traffic_writer.hpp"

#include <fmt/format.h>
#include <linux/pkt_cls.h>

#include <cerrno>

namespace bridges {

namespace {

class RootWriter : public TrafficWriter {
public:
    using TrafficWriter::TrafficWriter;

    void shares(const std::set<Share>& now, const std::set<Share>& have) {
        if (now.empty()) {
            if (!have.empty()) drop_root();
            return;
        }
        if (have.empty()) drop_root(), add_hfsc();
        for (const Share& share : have)
            if (const auto wanted = now.find(share); wanted == now.end() || loses_a_curve(share, *wanted)) drop(share);
        for (const Share& share : now) {
            const auto there = have.find(share);
            if (there != have.end() && *there == share) continue;
            put(share, there == have.end() || loses_a_curve(*there, share));
        }
    }

    void out(const std::optional<Limit>& now, const std::optional<Limit>& have) {
        if (!now) {
            if (have) drop_root();
            return;
        }
        if (!have) {
            drop_root();  // what somebody left of it
            tc_htb_glob settings = {};
            settings.version = 3;
            settings.rate2quantum = 10;
            settings.defcls = TC_H_MIN(tc::limited);
            auto message = about(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, tc::root, TC_H_ROOT, "htb");
            message.nest(TCA_OPTIONS, [&] { message.number(TCA_HTB_INIT, settings); });
            into_.push_back({std::move(message)});
        }
        put_htb(*now);
        if (!have) put_leaf(tc::limited);
    }

private:
    void drop_root() { into_.push_back({about(RTM_DELQDISC, 0, tc::root, TC_H_ROOT, nullptr), {ENOENT, EINVAL}}); }

    // Without it a class holds whatever its link's queue does, and a bulk transfer keeps all others waiting.
    void put_leaf(std::uint32_t handle) {
        into_.push_back({about(RTM_NEWQDISC, NLM_F_CREATE, 0, handle, "fq_codel"), {ENOENT, EOPNOTSUPP}});
    }

    static bool loses_a_curve(const Share& have, const Share& now) {
        return (have.ls && !now.ls) || (have.ul && !now.ul) || (have.rt && !now.rt);
    }

    void put_curve(Message& message, int type, const std::optional<Curve>& curve) {
        if (!curve) return;
        message.number(type, tc_service_curve{narrow(Curve::in_bytes(curve->m1)), narrow(curve->d), narrow(Curve::in_bytes(curve->m2))});
    }

    void put_class(std::uint32_t handle, std::uint32_t parent, const Share& share) {
        auto message = about(RTM_NEWTCLASS, NLM_F_CREATE, handle, parent, "hfsc");
        message.nest(TCA_OPTIONS, [&] {
            put_curve(message, TCA_HFSC_RSC, share.rt);
            put_curve(message, TCA_HFSC_FSC, share.ls);
            put_curve(message, TCA_HFSC_USC, share.ul);
        });
        into_.push_back({std::move(message)});
    }

    // One class holds all others, so that whoever knows how much the wire behind the link takes can say so in one place.
    void add_hfsc() {
        auto message = about(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, tc::root, TC_H_ROOT, "hfsc");
        tc_hfsc_qopt settings = {};
        settings.defcls = TC_H_MIN(tc::untagged);
        message.number(TCA_OPTIONS, settings);
        into_.push_back({std::move(message)});
        put_class(tc::whole, tc::root, Share{.ls = Curve{0, 0, most * 8}});
    }

    void put(const Share& share, bool is_new) {
        const std::uint32_t handle = tc::class_of(share.vlan);
        put_class(handle, tc::whole, share);
        if (is_new) put_leaf(handle);
        if (!is_new || share.vlan == Share::untagged) return;
        auto message = about(RTM_NEWTFILTER, NLM_F_CREATE, TC_H_MIN(handle), tc::root, "flower", info_of(tc::limit_priority, ETH_P_8021Q));
        message.nest(TCA_OPTIONS, [&] {
            message.number(TCA_FLOWER_CLASSID, handle);
            message.number(TCA_FLOWER_KEY_ETH_TYPE, htons(ETH_P_8021Q));
            message.number<std::uint16_t>(TCA_FLOWER_KEY_VLAN_ID, static_cast<std::uint16_t>(share.vlan));
        });
        into_.push_back({std::move(message)});
    }

    void drop(const Share& share) {
        const std::uint32_t handle = tc::class_of(share.vlan);
        if (share.vlan != Share::untagged)
            into_.push_back({about(RTM_DELTFILTER, 0, TC_H_MIN(handle), tc::root, "flower", info_of(tc::limit_priority, ETH_P_8021Q)), {ENOENT, EINVAL}});
        into_.push_back({about(RTM_DELTCLASS, 0, handle, tc::whole, nullptr), {ENOENT}});
    }

    void put_htb(const Limit& limit) {
        const std::uint64_t peak = std::max(limit.peak, limit.average);
        tc_htb_opt settings = {};
        settings.rate.rate = narrow(limit.average);
        settings.ceil.rate = narrow(peak);
        settings.rate.linklayer = settings.ceil.linklayer = ethernet;
        settings.buffer = ticks_of(limit.burst, limit.average);
        // At the speed of the peak nothing is saved up but what one wake of the kernel's clock needs.
        settings.cbuffer = limit.peak ? ticks_of(limit.peak / 100 + 2048, peak) : settings.buffer;
        settings.quantum = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limit.average / 10, 1600, 60000));
        auto message = about(RTM_NEWTCLASS, NLM_F_CREATE, tc::limited, tc::root, "htb");
        message.nest(TCA_OPTIONS, [&] {
            message.number(TCA_HTB_PARMS, settings);
            if (limit.average > most) message.number(TCA_HTB_RATE64, limit.average);
            if (peak > most) message.number(TCA_HTB_CEIL64, peak);
        });
        into_.push_back({std::move(message)});
    }

};

std::set<IfName> ingress_of(const Traffic& traffic) {
    std::set<IfName> all = traffic.copies;
    all.insert(traffic.copies_in.begin(), traffic.copies_in.end());
    return all;
}

Result<CopyTargets> targets_of(const std::set<IfName>& now, const std::set<IfName>& have, const State& host) {
    if (now == have) return CopyTargets();
    std::set<int> targets;
    for (const IfName& name : now) {
        const Link* link = host.links.find(name);
        if (!link) return Error{Fault::lost_sync, name.text(), fmt::format("there is no \"{}\" to send copies to", name.text())};
        targets.insert(link->facts.index);
    }
    return CopyTargets(std::move(targets));
}

}  // namespace

Result<> write_traffic(int link, const Traffic& now, const Traffic& have, const State& host, int guard, bool shared, std::vector<TrafficRequest>& into) {
    const auto into_link = targets_of(ingress_of(now), ingress_of(have), host), out_of_it = targets_of(now.copies, have.copies, host);
    if (!into_link) return into_link.error();
    if (!out_of_it) return out_of_it.error();
    RootWriter writer(link, into);
    writer.shares(now.shares, have.shares);
    writer.out(now.out, have.out);
    write_filters(link, now, have, *into_link, *out_of_it, guard, shared, into);
    return {};
}

}  // namespace bridges
