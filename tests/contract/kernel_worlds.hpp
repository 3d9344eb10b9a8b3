// The two kernels that keep one contract: the machine's own, in a fresh network namespace, and the fake.
#pragma once

#include "bridges/linux_kernel.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/skip.hpp"
#include "topology/compare.hpp"

#include <sched.h>

#include <vector>

namespace worlds {

using namespace bridges;

inline IfName name(std::string_view text) { return *IfName::parse(text); }
inline Subnet subnet(std::string_view text) { return *Subnet::parse(text); }
inline IpAddress address(std::string_view text) { return *IpAddress::parse(text); }
inline Mac mac(std::string_view text) { return *Mac::parse(text); }
inline Mtu mtu(int number) { return *Mtu::from(number); }
inline VlanId vlan(int number) { return *VlanId::from(number); }
inline VlanSet vlans(std::string_view text) { return *VlanSet::parse(text); }

inline Link link(std::string_view text, Kind kind) {
    Link link{name(text)};
    link.kind = std::move(kind);
    link.owner = Owner::ours("test " + std::string(text));
    return link;
}

// A host with two NICs, eth0 and eth1, that somebody else made.
struct RealWorld {
    RealWorld() {
        REQUIRE(unshare(CLONE_NEWNET) == 0);
        kernel = open();
        std::vector<Op> nics;
        for (const char* nic : {"eth0", "eth1"}) {
            Link end{name(nic)};
            end.kind = Veth{std::nullopt, name("far-" + std::string(nic)), std::nullopt};
            nics.push_back(Create<Link>{end});
        }
        REQUIRE(kernel->apply(nics).done == 2);
    }
    static std::unique_ptr<Kernel> open() {
        auto opened = open_linux_kernel();
        REQUIRE(opened);
        return std::move(*opened);
    }
    // What is there, seen by somebody who was not there before.
    State fresh_look() const { return open()->state(); }
    // Somebody else changes something.
    void meddle(const Op& op) const {
        const auto other = open();
        REQUIRE(!other->apply({&op, 1}).stopped);
    }
    std::unique_ptr<Kernel> kernel;
};

struct FakeWorld {
    FakeWorld() { fake->able.checksums = fake->able.gates = true; }
    State fresh_look() const {
        fakes::FakeKernel copy(*fake);
        REQUIRE(copy.look());
        return copy.state();
    }
    void meddle(const Op& op) const { REQUIRE(fake->meddle(op)); }
    std::shared_ptr<fakes::FakeKernel> fake = std::make_shared<fakes::FakeKernel>(std::initializer_list<std::string_view>{"eth0", "eth1"});
    std::shared_ptr<Kernel> kernel = fake;
};

// One change, which must succeed.
template <class World>
void succeed(World& world, const Op& op) {
    const auto progress = world.kernel->apply({&op, 1});
    INFO((progress.stopped ? progress.stopped->subject + ": " + progress.stopped->what : ""));
    REQUIRE_FALSE(progress.stopped);
    REQUIRE(progress.done == 1);
}
template <class World>
void succeed(World& world, const std::vector<Op>& ops) {
    const auto progress = world.kernel->apply(ops);
    INFO((progress.stopped ? progress.stopped->subject + ": " + progress.stopped->what : ""));
    REQUIRE_FALSE(progress.stopped);
    REQUIRE(progress.done == ops.size());
}
// One change, which must be refused.
template <class World>
Error refused(World& world, const Op& op) {
    const auto progress = world.kernel->apply({&op, 1});
    REQUIRE(progress.done == 0);
    REQUIRE(progress.stopped);
    return *progress.stopped;
}

template <class World>
const Link& seen(World& world, std::string_view text) {
    const Link* found = world.kernel->state().links.find(name(text));
    INFO(text);
    REQUIRE(found);
    return *found;
}

// Changes only what is set in `now`.
template <class World>
void update(World& world, const Link& now) {
    succeed(world, Update<Link>{seen(world, now.name.text()), now});
}

inline std::string text_of(const std::vector<topology::Difference>& differences) {
    std::string text;
    for (const auto& [attribute, wanted, found] : differences) text += attribute + ": " + found + ", not " + wanted + "; ";
    return text;
}

// It is there, and as it is wanted.
template <class World>
void require_as(World& world, const Link& want) {
    const auto found = topology::differences(want, seen(world, want.name.text()));
    INFO(want.name.text() << ": " << text_of(found));
    REQUIRE(found.empty());
}

// Carrier, operational state and who of a bond's ports carries come when the kernel has time for them.
inline State without_weather(State state) {
    State calm = state;
    for (const Link& link : state.links) {
        Link still = link;
        still.facts.operstate.clear();
        still.facts.carrier = false;
        if (still.facts.rare.get().stands_by) still.facts.rare.edit().stands_by = false;
        if (still.facts.rare.get().is_taken_for_down) still.facts.rare.edit().is_taken_for_down = false;
        if (!still.facts.rare.get().tentative.empty()) still.facts.rare.edit().tentative.clear();  // until the kernel has looked for others, for a second
        calm.links.put(still);
    }
    return calm;
}

}  // namespace worlds

#define BOTH_WORLDS worlds::RealWorld, worlds::FakeWorld
