// A host in memory that is as its definitions say, or that somebody meddled with: where stories about what is told of a
// host begin.
#pragma once

#include "netd/apply/executor.hpp"
#include "netd/intent/validate.hpp"
#include "netd/lower/attainable.hpp"
#include "netd/lower/naming.hpp"
#include "netd/observe/drift.hpp"
#include "netd/plan/plan.hpp"
#include "netd/wire/read_definition.hpp"
#include "tests/fakes/fake_switch.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace told {

using nlohmann::json;
using topology::IfName;

inline IfName name(const std::string& text) { return IfName::observed(text); }

class House {
public:
    explicit House(std::initializer_list<std::string_view> nics) : kernel(nics) {
        now.abilities = kernel.able;
        now.ovs_connected = true;
        now.ovs_where = ovs.where();
        now.ovs_datapath = ovs.default_datapath();
        look();
    }

    // What a client asks of setupNetworks, and what becomes of it.
    void define(const json& params) {
        intent::Complaints complaints;
        const auto request = wire::read_setup(params, complaints);
        auto verdict = intent::validate(request, now.running, now.facts());
        complaints.add(verdict.complaints);
        for (const auto& complaint : complaints) FAIL(complaint.path << ": " << complaint.what);
        reach(verdict.wanted);
    }
    void plug(const intent::GuestNic& nic) {
        intent::Intent wanted = now.running;
        wanted.put(nic);
        reach(wanted);
    }

    // What somebody else does behind netd's back.
    void meddle(const bridges::Link& changed) { meddle(bridges::Op(topology::Update<bridges::Link>{bridges::Link{changed.name}, changed})); }
    void meddle(const bridges::Op& op) {
        if (auto done = kernel.meddle(op); !done) FAIL(done.error().what);
        look();
    }
    void lose(const std::string& device) { meddle(topology::Remove<bridges::Link>{link(device)}); }
    void look() {
        REQUIRE(kernel.look());
        now.observed = {kernel.state(), ovs.state()};
        ++now.revision;
    }

    const bridges::Link& link(const std::string& device) const {
        const auto* found = now.observed.kernel.links.find(name(device));
        if (!found) FAIL("there is no " << device);
        return *found;
    }

    // What planning all definitions anew would do.
    plan::Plan left() const {
        const auto wanted = lower::beside_foreign_addresses(lower::lower(now.running, lower::everything(now.running), now.host()), now.host());
        lower::Scope scope;
        scope.include(wanted);
        return plan::make(wanted, lower::restricted(now.observed, scope));
    }

    fakes::FakeKernel kernel;
    fakes::FakeSwitch ovs{&kernel};
    observe::Snapshot now;

private:
    void reach(const intent::Intent& wanted) {
        const auto touched = lower::touched_by(intent::difference(now.running, wanted), now.running, wanted);
        const auto goal = lower::goal(now.running, wanted, touched, now.host());
        const auto reached = apply::reach(goal.wanted, goal.scope, {kernel, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(60));
        if (!reached) FAIL(reached.error().subject << ": " << reached.error().what);
        now.running = wanted;
        look();
    }
};

// A guest's NIC; the number is the last byte of its MAC.
inline intent::GuestNic nic(const std::string& vm, const std::string& network, int number = 1) {
    intent::GuestNic nic{vm, topology::Mac::of({0x52, 0x54, 0, 0, 0, static_cast<std::uint8_t>(number)})};
    nic.network = network;
    return nic;
}

// The name of the host's end of it.
inline std::string port_of(const intent::GuestNic& nic) { return lower::port_of(nic).text(); }

// A tap that others made, on that bridge.
inline bridges::Op foreign_tap(const std::string& called, const std::string& bridge) {
    bridges::Link tap{name(called)};
    tap.kind = bridges::Tap{};
    tap.master = bridges::Master{name(bridge)};
    tap.up = true;
    return topology::Create<bridges::Link>{tap};
}

}  // namespace told
