// See rules_guest.hpp. What can't be had is refused by the name of what is missing, and never half done.
#include "netd/intent/rules_guest.hpp"

#include <fmt/format.h>

#include <optional>

namespace intent {
namespace {

constexpr std::uint64_t fastest = 1'000'000'000;  // kB/s

void check_figures(const std::optional<Bandwidth>& limit, std::string_view name, const RefuseNic& refuse) {
    if (!limit) return;
    if (limit->average.value_or(0) == 0)
        refuse("specParams", Fault::invalid, fmt::format("{} needs an average above 0 (kB/s); null takes the limit away", name));
    if (limit->peak && *limit->peak < limit->average.value_or(0)) refuse("specParams", Fault::invalid, fmt::format("{}: peak is below average", name));
    for (const auto& figure : {limit->average, limit->peak, limit->burst})
        if (figure.value_or(0) > fastest) refuse("specParams", Fault::invalid, fmt::format("{}: {} is more than anything can do", name, *figure));
}

bool is_switched(const Network* network) { return network && network->switch_kind == SwitchKind::ovs; }

// A NIC of Open vSwitch gets copies by a row of Mirror, which has one bridge.
std::string switch_of(const Network& network) { return network.base() ? network.base()->text() : network.name.text(); }

}  // namespace

void check_tags(const GuestNic& nic, const Intent& wanted, const RefuseNic& refuse) {
    if (nic.network.empty() || !(nic.vlan || nic.trunk)) return;
    const std::string_view attribute = nic.trunk ? "trunk" : "vlan";
    const GuestNic* known = wanted.nics().find(nic.key());
    const bool is_as_it_was = known && known->network == nic.network && known->vlan == nic.vlan && known->trunk == nic.trunk;
    if (!is_as_it_was && (nic.trunk ? nic.trunk->contains(*VlanId::from(0)) : nic.vlan->number() == 0))
        refuse(attribute, Fault::invalid, "0 is the untagged network, which a guest is in without a tag of its own");
    const Network* network = wanted.network(nic.network);
    if (!network) return;
    if (network->switch_kind == SwitchKind::legacy)
        return refuse(attribute, Fault::invalid, fmt::format("network '{}' is on switch legacy: a guest's own tags need vlan-aware or ovs", nic.network));
    if (network->switch_kind == SwitchKind::ovs && nic.adopted)
        return refuse(attribute, Fault::denied, "this port of Open vSwitch is the hypervisor's, and so is its tag: virsh update-device");
    if (network->switch_kind == SwitchKind::ovs) return;
    if (!network->base())
        return refuse(attribute, Fault::invalid, fmt::format("network '{}' has neither nic nor bonding, so that its bridge knows no tags", nic.network));
    const Base* base = wanted.bases().find(*network->base());
    if (base && !nic.trunk && nic.vlan == base->number_inside())
        refuse(attribute, Fault::conflict, fmt::format("{} is the number that the untagged network has inside of the bridge of '{}'", nic.vlan->number(), base->device.text()));
}

void check_limits(const GuestNic& nic, const Intent& wanted, const Facts& facts, const RefuseNic& refuse) {
    check_figures(nic.spec_params.inbound, "inbound", refuse);
    check_figures(nic.spec_params.outbound, "outbound", refuse);
    if (nic.adopted && !(nic.spec_params == SpecParams()))
        refuse("specParams", Fault::invalid, "this port is the hypervisor's, and so are its limits: virsh domiftune");
    const auto& can = facts.abilities;
    if (nic.spec_params.inbound && !can.htb)
        refuse("specParams", Fault::backend, fmt::format("kernel {} has no HTB (module sch_htb), so that inbound can't be limited", can.release));
    if (!nic.spec_params.outbound) return;
    if (!can.police)
        refuse("specParams", Fault::backend, fmt::format("kernel {} has no policing (module act_police), so that outbound can't be limited", can.release));
    if (is_switched(wanted.network(nic.network)) && facts.ovs_datapath == "netdev")
        refuse("specParams", Fault::backend,
               "the userspace datapath of Open vSwitch does not limit what a guest sends; use its kernel datapath (module openvswitch), or leave outbound out");
}

void check_mirroring(const GuestNic& nic, const Intent& wanted, const Facts& facts, const RefuseNic& refuse) {
    if (nic.adopted && !nic.port_mirroring.empty())
        refuse("portMirroring", Fault::invalid, "netd sends copies to ports that it made; this one is the hypervisor's");
    std::optional<std::string> at;
    const Network* own = wanted.network(nic.network);
    for (const NetworkName& name : nic.port_mirroring) {
        const Network* network = wanted.networks().find(name);
        if (!network) {
            refuse("portMirroring", Fault::not_found, fmt::format("there is no network '{}' to mirror", name.text()));
        } else if (!network->bridged) {
            refuse("portMirroring", Fault::invalid, fmt::format("network '{}' has no bridge, so that its traffic can't be copied", name.text()));
        } else if (!is_switched(network)) {
            if (!facts.abilities.mirred)
                refuse("portMirroring", Fault::backend, fmt::format("kernel {} has no mirroring (module act_mirred)", facts.abilities.release));
        } else if (at && *at != switch_of(*network)) {
            refuse("portMirroring", Fault::conflict, fmt::format("network '{}' is on another Open vSwitch bridge than the others; a NIC can mirror those of one", name.text()));
        } else {
            at = switch_of(*network);
            if (own && (!is_switched(own) || switch_of(*own) != *at))
                refuse("portMirroring", Fault::conflict,
                       fmt::format("network '{}' is on Open vSwitch: a NIC that mirrors it must be on the same bridge, or on no network", name.text()));
        }
    }
}

}  // namespace intent
