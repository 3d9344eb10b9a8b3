// A guest's NIC, held against the rules and against all other NICs.
#include "netd/intent/validate.hpp"

#include "netd/intent/port_mac.hpp"
#include "netd/intent/rules_guest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace intent {
namespace {

void check_lasting(const GuestNic& nic, const GuestNic& known, const RefuseNic& refuse) {
    const auto lasting = [&](bool same, std::string_view attribute) {
        if (!same) refuse(attribute, Fault::invalid, "this can't change while the NIC is plugged in; unplug it and plug another");
    };
    lasting(nic.kind == known.kind, "kind");
    lasting(nic.user == known.user, "user");
    lasting(nic.name_inside() == known.name_inside(), "ifname");
    if (known.incoming) return;  // nobody holds its tap
    lasting(nic.queues == known.queues, "queues");  // a tap of other queues is another tap
    if (nic.kind != GuestKind::libvirt) return;
    lasting(nic.model == known.model, "nicModel");
    lasting(nic.alias == known.alias, "alias");
}

// What only one kind of NIC has.
void check_kind(const GuestNic& nic, const RefuseNic& refuse) {
    if (nic.queues > 1 && nic.kind == GuestKind::netns) refuse("queues", Fault::invalid, "queues are of a tap; kind netns has none");
    if (nic.user && nic.kind != GuestKind::tap) refuse("user", Fault::invalid, "user is who may open a tap, so of kind tap only");
    if (nic.ifname && nic.kind != GuestKind::netns) refuse("ifname", Fault::invalid, "ifname is what the device is called inside of a namespace, so of kind netns only");
}

// Of one that comes, beside what is there.
void check_addresses(const GuestNic& nic, const Intent& running, const RefuseNic& refuse) {
    for (const GuestNic* other : running.with_mac(nic.mac))
        if (other->vm != nic.vm) refuse("macAddr", Fault::conflict, fmt::format("{} is in use by guest '{}'", nic.mac.text(), other->vm));
    if (nic.adopted) return;
    for (const GuestNic* other : running.with_mac(mac_of_port(nic.mac)))
        refuse("macAddr", Fault::conflict, fmt::format("the host's end would have {}, which is in use by guest '{}'", other->mac.text(), other->vm));
}

// Beside another NIC of its guest.
void check_names(const GuestNic& nic, const GuestNic& other, const GuestNic* known, const RefuseNic& refuse) {
    if (!nic.alias.empty() && other.alias == nic.alias) refuse("alias", Fault::conflict, fmt::format("NIC {} of the guest is called so", other.mac.text()));
    if (!known && nic.kind == GuestKind::netns && other.kind == nic.kind && other.name_inside() == nic.name_inside())
        refuse("ifname", Fault::conflict, fmt::format("NIC {} is called {} in there; give this one another ifname", other.mac.text(), nic.name_inside().text()));
}

}  // namespace

Verdict validate_nic(const GuestNic& nic, const Intent& running, const Facts& facts, int code) {
    Verdict verdict{running, {}};
    const auto refuse = [&](std::string_view attribute, Fault fault, std::string what) {
        verdict.complaints.push_back({code, pointer({"nic", attribute}), fault, std::move(what)});
    };
    if (nic.mac.is_multicast()) refuse("macAddr", Fault::invalid, "a NIC's address can't be a multicast one");
    if (nic.mac == topology::Mac::of({})) refuse("macAddr", Fault::invalid, "a NIC's address can't be all zeros");
    // Whoever has a device of the host's own MAC gets what is for the host.
    const GuestNic* known = running.nics().find(nic.key());
    if (!known)
        for (const bridges::Link& link : facts.kernel.links)
            if (link.mac == nic.mac && !nic.adopted)
                refuse("macAddr", Fault::conflict, fmt::format("{} is that of '{}', a device of the host", nic.mac.text(), link.name.text()));
    if (!known) check_addresses(nic, running, refuse);
    for (auto other = running.nics().from({nic.vm, topology::Mac::of({})}); other != running.nics().end() && other->vm == nic.vm; ++other)
        if (other->mac != nic.mac) check_names(nic, *other, known, refuse);
    const Network* network = nic.network.empty() ? nullptr : running.network(nic.network);
    if (!nic.network.empty()) {
        if (!network) refuse("network", Fault::not_found, fmt::format("there is no network '{}'", nic.network));
        else if (!network->bridged) refuse("network", Fault::invalid, fmt::format("network '{}' has no bridge, so it can't carry guests", nic.network));
        if (network && network->switch_kind == SwitchKind::ovs && !facts.ovs_connected)
            refuse("network", Fault::backend, fmt::format("Open vSwitch does not answer at {}", facts.ovs_where));
    }
    if (nic.filter.value() == topology::FilterLevel::strict && nic.filter_parameters.empty())
        refuse("filterParameters", Fault::invalid, "filter strict needs the guest's addresses: filterParameters, a list of them");
    if (network && network->switch_kind != SwitchKind::ovs && !facts.abilities.filter)
        refuse("filter", Fault::backend, "the kernel has no nftables for bridges (module nf_tables_bridge), or the host has no nft (package nftables), so no guest can be filtered");
    check_tags(nic, running, refuse);
    check_limits(nic, running, facts, refuse);
    check_mirroring(nic, running, facts, refuse);
    if (known) check_lasting(nic, *known, refuse);
    // What a domain has brought along is as it is.
    const auto models = {"virtio", "e1000e", "rtl8139"};
    if (!(known && known->model == nic.model) && std::ranges::find(models, nic.model) == models.end())
        refuse("nicModel", Fault::invalid, "nicModel is one of virtio, e1000e, rtl8139");
    if (nic.queues < 1) refuse("queues", Fault::invalid, "queues is 1 to 255");
    if (nic.queues > 1 && nic.model != "virtio" && !(known && known->model == nic.model && known->queues == nic.queues))
        refuse("queues", Fault::invalid, "only a virtio NIC has several queues");
    if (!known) check_kind(nic, refuse);
    verdict.wanted.put(nic);
    return verdict;
}

}  // namespace intent
