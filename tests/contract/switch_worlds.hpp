// The two switches that keep one contract: a real Open vSwitch with the userspace datapath, and the fake.
#pragma once

#include "tests/contract/switch_host.hpp"
#include "tests/fakes/fake_switch.hpp"
#include "tests/skip.hpp"

#include <catch2/catch.hpp>

namespace switch_worlds {

using namespace switch_host;

// A host with one device, up0.
struct RealSwitch {
    static std::string lacking() { return PrivateOvs::lacking(); }
    Host host;
    std::unique_ptr<Switch> somebody_else = open_switch(host.machine.socket());
    Switch& ovs = *host.ovs;

    void meddle(std::vector<Op> ops) {
        REQUIRE(until(*somebody_else, [&] { return somebody_else->connected(); }));
        REQUIRE(refusal(apply(*somebody_else, std::move(ops))) == "");
    }
    // Grows with each write.
    std::size_t written() const { return static_cast<std::size_t>(host.machine.database_size()); }
    // The same name, another device.
    void replace(const std::string& device) {
        host.machine.run({"ip", "link", "del", device});
        host.machine.run({"ip", "link", "add", device, "type", "veth", "peer", "name", "wire0"});
    }
};

struct FakeSwitch {
    static std::string lacking() { return ""; }
    fakes::FakeKernel kernel{"up0"};
    fakes::FakeSwitch fake{&kernel};
    Switch& ovs = fake;

    void meddle(std::vector<Op> ops) {
        for (const Op& op : ops) REQUIRE(fake.meddle(op));
    }
    std::size_t written() const { return fake.writes(); }
    void replace(const std::string& device) {
        kernel.pull_out(device);
        kernel.plug_in(device);
    }
};

}  // namespace switch_worlds

#define BOTH_SWITCHES switch_worlds::FakeSwitch, switch_worlds::RealSwitch

// The world of this case, if this machine can have it.
#define A_HOST(world)                                                       \
    SKIP_UNLESS(TestType::lacking().empty(), TestType::lacking()); \
    TestType world
