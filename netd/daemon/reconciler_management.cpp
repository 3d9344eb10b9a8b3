// The NIC that the host itself is managed by, at a first start.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"
#include "netd/intent/validate.hpp"

#include <utility>

namespace netd {

namespace code = intent::code;

// At a first start; once, when the NIC is there.
void Reconciler::see_to_management() {
    if (!management_ || transactor_.waiting() || transactor_.is_stuck()) return;
    const bool nothing_known = transactor_.running() == intent::Intent() && transactor_.committed() == intent::Intent();
    if (!nothing_known) {  // an engine was there first
        management_.reset();
        return publish();
    }
    if (!backends_.kernel.state().links.contains(management_->nic)) return;
    const Management due = *std::exchange(management_, std::nullopt);
    log::info("taking over {} as network ovirtmgmt", due.nic.text());
    take_over(due.nic, due.timeout);
}

// ovirtmgmt on a NIC as it is: its addresses, its MTU, its default route. Unconfirmed it goes back, as every change.
void Reconciler::take_over(const topology::IfName& nic, std::chrono::seconds timeout) {
    const bridges::Link* link = backends_.kernel.state().links.find(nic);
    intent::Network network{*intent::NetworkName::parse("ovirtmgmt")};
    network.nic = nic;
    if (link && link->mtu) network.mtu = *link->mtu;
    if (link && link->addresses)
        for (const topology::Subnet& address : *link->addresses) {
            if (!address.is_v6() && !network.ipaddr) {
                network.ipaddr = address.address();
                network.prefix = address.length();
            } else if (address.is_v6() && !network.ipv6addr) {
                network.ipv6addr = address;
            } else {
                network.addresses.push_back(address);
            }
        }
    for (const bridges::Route& route : backends_.kernel.state().routes) {
        if (!(route.device == nic) || route.table != bridges::Route::main_table || route.to.length() != 0 || !route.via) continue;
        network.default_route = true;
        if (route.to.is_v6()) network.ipv6gateway = route.via;
        else network.gateway = route.via;
    }
    serve::Setup setup;
    setup.request.networks.push_back(network);
    const auto verdict = intent::validate(setup.request, transactor_.running(), facts());
    // Nothing is begun, so it has no number.
    if (!verdict.complaints.empty()) return conclude(std::nullopt, apply::RolledBack{{topology::Fault::invalid, "management", verdict.complaints.front().what}}, code::refused, std::nullopt);
    apply::Terms terms;
    terms.commit = true;
    terms.within = timeout;
    terms.begun = tell_begun(own);
    const auto outcome = transactor_.begin(verdict.wanted, terms);
    if (std::holds_alternative<apply::Waiting>(outcome)) waiting_since_ = clock_.boottime();
    conclude(std::nullopt, outcome, code::refused);
}

}  // namespace netd
