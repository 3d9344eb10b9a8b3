// A host in memory with a hypervisor and a domain `vm`, whose NICs are plugged in, brought along and lost.
#pragma once

#include "netd/guests/plan.hpp"
#include "netd/lower/follow_guests.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/vm_id.hpp"
#include "tests/fakes/fake_hypervisor.hpp"
#include "tests/netd/transaction_house.hpp"

namespace house {

using guests::Nic;
using intent::GuestNic;

inline constexpr const char* networks = R"({"networks": {"web": {"nic": "eno1"}, "db": {"nic": "eno2"}}})";
inline const topology::Mac mac = *topology::Mac::parse("52:54:00:00:00:01");

inline GuestNic nic_on(const std::string& network) {
    GuestNic nic{"vm", mac};
    nic.kind = intent::GuestKind::libvirt;
    nic.network = network;
    nic.alias = "ua-nic";
    return nic;
}

struct GuestHost {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeHypervisor hypervisor{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    apply::Transactor transactor{{kernel, ovs, hypervisor}, disk.open(), clock};
    std::string port = lower::port_of(nic_on("web")).text();

    GuestHost() {
        std::ignore = transactor.recover();
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(networks, {}, kernel), unasked)));
        hypervisor.start("vm", "uuid");
        hypervisor.hear();
    }
    apply::Outcome put(const GuestNic& nic) {
        intent::Intent now = transactor.running();
        now.put(nic);
        return transactor.begin(now, unasked);
    }
    lower::Host seen() { return observe::host_of({kernel, ovs, hypervisor}); }
    void follow() {
        hypervisor.hear();
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(lower::follow_guests(transactor.running(), seen()).wanted, unasked)));
    }
    bool has_port() const { return kernel.truth().links.contains(topology::IfName::observed(port)); }
};

template <class Outcome> bool is(const apply::Outcome& outcome) { return std::holds_alternative<Outcome>(outcome); }

}  // namespace house
