// See rules_qos.hpp. All of it is complained of as one attribute: only together do the curves make sense.
#include "netd/intent/rules_qos.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace intent {
namespace {

// The kernel counts in bytes/s, 32 bits of them.
constexpr std::uint64_t fastest_share = std::uint64_t{0xffffffff} * 8;
// And how long a bucket takes to fill in steps of 64 ns, 32 bits of them: 274 s, for the 80 kB that are the least (lower_shaping.cpp).
constexpr std::uint64_t slowest_intake = 2400;

template <class RefuseIf>
void check_curve(const std::optional<ServiceCurve>& curve, std::string_view name, const RefuseIf& refuse_if) {
    if (!curve) return;
    refuse_if(!curve->m2 || *curve->m2 == 0, fmt::format("{} needs an m2 above 0", name));
    refuse_if(curve->m1.value_or(0) != 0 && curve->d.value_or(0) == 0, fmt::format("{}.m1 holds for the first d µs: give d too, or leave m1 out", name));
    refuse_if(std::max(curve->m1.value_or(0), curve->m2.value_or(0)) > fastest_share || curve->d.value_or(0) > 0xffffffff,
              fmt::format("{}: the kernel knows rates up to 34 Gbit/s, and times up to 71 minutes", name));
}

// At any time since its class began to send.
bool exceeds(const ServiceCurve& curve, const ServiceCurve& limit) {
    const auto rate = [](const ServiceCurve& of, std::uint64_t time) { return of.m1.value_or(0) != 0 && time < of.d.value_or(0) ? *of.m1 : of.m2.value_or(0); };
    const auto times = {std::uint64_t(0), curve.d.value_or(0), limit.d.value_or(0)};
    return std::ranges::any_of(times, [&](std::uint64_t time) { return rate(curve, time) > rate(limit, time); });
}

bool has_shares(const IfName& base, const Intent& intent) {
    const Base* there = intent.bases().find(base);
    return there && std::ranges::any_of(there->riders, &Rider::shaped);
}

// The links that shares are or will be on, each with the part of the request that says so: a port is its bond's to name.
std::map<IfName, std::string> shaped_links(const Request& asked, const Intent& wanted) {
    std::map<IfName, std::string> links;
    for (const Bond& bond : asked.bonds)
        if (has_shares(bond.name, wanted))
            for (const IfName& nic : bond.nics) links.emplace(nic, pointer({"bondings", bond.name.text(), "nics"}));
    for (const Network& network : asked.networks) {
        const auto base = network.base();
        if (!base || !network.host_qos) continue;
        const std::string place = pointer({"networks", network.name.text(), "hostQos"});
        links.emplace(*base, place);
        if (const Bond* bond = wanted.bonds().find(*base))
            for (const IfName& nic : bond->nics) links.emplace(nic, place);
    }
    return links;
}

}  // namespace

void check_qos(const Network& network, Complaints& complaints) {
    if (!network.host_qos) return;
    const auto refuse_if = [&](bool broken, std::string_view what) {
        if (broken) complaints.push_back({code::bad_parameters, pointer({"networks", network.name.text(), "hostQos"}), Fault::invalid, std::string(what)});
    };
    const HostQosOut& out = network.host_qos->out;
    refuse_if(!network.base(), "hostQos divides a nic or a bonding; this network is on none");
    refuse_if(!out.ls, "hostQos needs out.ls, the network's share of its nic");
    check_curve(out.ls, "out.ls", refuse_if);
    check_curve(out.ul, "out.ul", refuse_if);
    check_curve(out.rt, "out.rt", refuse_if);
    if (network.host_qos->in) {
        const auto& limit = network.host_qos->in->ul;
        refuse_if(!limit || limit->m1 || limit->d, "hostQos.in is {\"ul\": {\"m2\": bit/s}}: what comes in has a limit and no curve");
        check_curve(limit, "in.ul", refuse_if);
        refuse_if(limit && limit->m2 && *limit->m2 > 0 && *limit->m2 < slowest_intake, fmt::format("in.ul: the kernel counts no bucket slower than {} bit/s", slowest_intake));
    }
    refuse_if(out.ul && out.rt && exceeds(*out.rt, *out.ul), "out.rt is more than out.ul: what is promised may not be more than what is allowed");
}

void check_unshaped(const Request& asked, const Intent& wanted, const Intent& running, const Facts& facts, Complaints& complaints) {
    for (const auto& [device, place] : shaped_links(asked, wanted)) {
        const bridges::Link* link = facts.kernel.links.find(device);
        if (!link || link->facts.rare.get().foreign_qdisc.empty()) continue;
        const Bond* bond = running.bond_of(device);
        if (has_shares(bond ? bond->name : device, running)) continue;  // it took the place of netd's
        complaints.push_back({code::refused, place, Fault::conflict,
                              fmt::format("somebody else shapes what leaves by {} (qdisc {}); take that away first: tc qdisc delete dev {} root", device.text(),
                                          link->facts.rare.get().foreign_qdisc, device.text())});
    }
}

}  // namespace intent
