// A host that is as its definitions say, made by the planner on a kernel in memory: where stories about what is told of a
// host begin.
#pragma once

#include "netd/intent/validate.hpp"
#include "netd/observe/drift.hpp"
#include "netd/plan/plan.hpp"
#include "netd/wire/read_definition.hpp"
#include "tests/fakes/fake_kernel.hpp"

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
        now.ovs_datapath = "system";
        look();
    }

    // What a client asks of setupNetworks, and what becomes of it.
    void define(const json& params) {
        intent::Complaints complaints;
        const auto request = wire::read_setup(params, complaints);
        auto verdict = intent::validate(request, now.running, now.facts());
        for (const auto& complaint : complaints) FAIL(complaint.path + ": " + complaint.what);
        for (const auto& complaint : verdict.complaints) FAIL(complaint.path + ": " + complaint.what);
        reach(verdict.wanted);
    }
    void plug(const intent::GuestNic& nic) {
        intent::Intent wanted = now.running;
        wanted.put(nic);
        reach(wanted);
    }
    void unplug(const intent::GuestNic& nic) {
        intent::Intent wanted = now.running;
        wanted.remove(nic.key());
        reach(wanted);
    }

    // What somebody else does to a link behind netd's back.
    void meddle(const bridges::Link& changed) { meddle(bridges::Op(topology::Update<bridges::Link>{bridges::Link{changed.name}, changed})); }
    void meddle(const bridges::Op& op) {
        if (auto done = kernel.meddle(op); !done) FAIL(done.error().what);
        look();
    }
    void look() {
        REQUIRE(kernel.look());
        now.observed.kernel = kernel.state();
        ++now.revision;
    }

    const bridges::Link& link(const std::string& device) const {
        const auto* found = now.observed.kernel.links.find(name(device));
        if (!found) FAIL("there is no " + device);
        return *found;
    }

    // What planning all definitions anew would do.
    plan::Plan left() const {
        const auto wanted = lower::lower(now.running, lower::everything(now.running), now.host());
        lower::Scope scope;
        scope.include(wanted);
        return plan::make(wanted, lower::restricted(now.observed, scope));
    }

    fakes::FakeKernel kernel;
    observe::Snapshot now;

private:
    void reach(const intent::Intent& wanted) {
        const auto was = now.running;
        const auto touched = lower::touched_by(intent::difference(was, wanted), was, wanted);
        for (int round = 0; round < 4; ++round) {
            const auto goal = lower::goal(was, wanted, touched, now.host());
            const auto plan = plan::make(goal.wanted, lower::restricted(now.observed, goal.scope));
            for (const auto& step : plan) carry_out(step.op);
            if (plan.empty()) break;
        }
        now.running = wanted;
    }
    void carry_out(const plan::Op& op) {
        if (const auto* of_ovs = std::get_if<ovs::Op>(&op)) {
            std::visit([&](const auto& change) { carry_out(change); }, *of_ovs);
        } else {
            const auto progress = kernel.apply(std::vector{std::get<bridges::Op>(op)});
            if (progress.stopped) FAIL(plan::describe(op) + ": " + progress.stopped->what);
        }
        look();
    }

    // Of Open vSwitch no more than that it does what it is told, and makes what is internal.
    void carry_out(const topology::Create<ovs::Bridge>& op) {
        now.observed.ovs.bridges.put(op.now);
        kernel.plug_in(op.now.name.text());
    }
    void carry_out(const topology::Create<ovs::Port>& op) {
        ovs::Port port = op.now;
        port.facts.ofport = 1;
        now.observed.ovs.ports.put(port);
        if (port.internal.value_or(false)) kernel.plug_in(port.name.text());
    }
    void carry_out(const topology::Remove<ovs::Port>& op) {
        now.observed.ovs.ports.erase(op.was.name);
        if (op.was.internal.value_or(false)) kernel.pull_out(op.was.name.text());
    }
    template <class Change>
    void carry_out(const Change& change) {
        FAIL("nobody needs " + plan::describe(plan::Op(ovs::Op(change))) + " here");
    }
};

// A guest's NIC; the number is the last byte of its MAC.
inline intent::GuestNic nic(const std::string& vm, const std::string& network, int number = 1) {
    intent::GuestNic nic{vm, topology::Mac::of({0x52, 0x54, 0, 0, 0, static_cast<std::uint8_t>(number)})};
    nic.network = network;
    return nic;
}

}  // namespace told
