// A transaction ends committed or where it began, whatever fails, is not confirmed or dies on the way.
#include "tests/netd/transaction_house.hpp"

#include <fstream>

namespace transaction_test {

using namespace house;

namespace {

constexpr const char* before_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
    "web": {"nic": "eno1", "vlan": 100}}})";

// Touches every kind of step: a bond comes, a NIC changes sides, MTUs rise, an address and the default route move.
constexpr const char* after_request = R"({"networks": {
    "mgmt": {"bonding": "bond0", "ipaddr": "192.0.2.11", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
    "web": {"bonding": "bond0", "vlan": 200, "mtu": 9000},
    "stor": {"nic": "eno3", "vlan": 7, "bridged": false, "ipaddr": "198.51.100.2", "netmask": "255.255.255.0", "gateway": "198.51.100.1"}},
    "bondings": {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100"}}})";

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;

    apply::Transactor transactor(bridges::Kernel& through) { return {{through, ovs}, disk.open(), clock}; }
    // One that has taken up what is on disk, whatever that was.
    apply::Transactor started(bridges::Kernel& through) {
        auto transactor = this->transactor(through);
        std::ignore = transactor.recover();
        return transactor;
    }
    // Brings the host to where each test begins.
    void settle() {
        auto first = started(kernel);
        const auto outcome = first.begin(wanted(before_request, first.running(), kernel), unasked);
        REQUIRE(std::holds_alternative<apply::Committed>(outcome));
    }
};

std::size_t steps_of_the_change() {
    Host host;
    host.settle();
    auto transactor = host.started(host.kernel);
    const auto steps_before = host.kernel.applied();
    const auto outcome = transactor.begin(wanted(after_request, transactor.running(), host.kernel), unasked);
    REQUIRE(std::holds_alternative<apply::Committed>(outcome));
    return host.kernel.applied() - steps_before;
}

struct Killed {};

}  // namespace

TEST_CASE("the definitions that run are those that were asked for themselves, and no copies", "[transaction]") {
    Host host;
    host.settle();
    auto transactor = host.started(host.kernel);
    const bool waits = GENERATE(false, true);
    const apply::Terms terms = waits ? to_be_confirmed : unasked;
    const intent::Intent asked = wanted(after_request, transactor.running(), host.kernel);
    const auto is_asked = [&](const intent::Intent& intent) { return intent == asked && intent.network("web") == asked.network("web") && intent.network("stor") == asked.network("stor"); };
    const auto outcome = transactor.begin(asked, terms);
    REQUIRE(std::holds_alternative<apply::Waiting>(outcome) == waits);
    CHECK(is_asked(transactor.standing()));
    if (waits) REQUIRE(std::holds_alternative<apply::Committed>(transactor.confirm()));
    CHECK(is_asked(transactor.running()));
}

TEST_CASE("wherever a step fails, the host ends where it began") {
    const std::size_t steps = steps_of_the_change();
    REQUIRE(steps > 10);
    for (const auto when : {fakes::FaultyKernel::When::before, fakes::FaultyKernel::When::after}) {
        for (std::size_t step = 0; step < steps; ++step) {
            CAPTURE(step, static_cast<int>(when));
            Host host;
            host.settle();
            const bridges::State before = host.kernel.truth();
            fakes::FaultyKernel faulty(host.kernel, step, when);
            auto transactor = host.started(faulty);
            const auto running = transactor.running();
            const auto outcome = transactor.begin(wanted(after_request, running, faulty), unasked);
            REQUIRE(faulty.has_failed());
            REQUIRE(std::holds_alternative<apply::RolledBack>(outcome));
            require_same(before, host.kernel.truth());
            CHECK(transactor.running() == running);
            CHECK_FALSE(*host.disk.open().open_entry());
        }
    }
}

TEST_CASE("a way back that was blocked is gone once it isn't, and says so") {
    Host host;
    host.settle();
    const bridges::State before = host.kernel.truth();
    fakes::FaultyKernel faulty(host.kernel, 3, fakes::FaultyKernel::When::before, fakes::FaultyKernel::Until::for_good);
    auto transactor = host.started(faulty);
    const auto running = transactor.running();
    const auto next = wanted(after_request, running, faulty);
    const auto degraded = std::get<apply::Degraded>(transactor.begin(next, unasked));
    CHECK(transactor.is_stuck());
    CHECK_FALSE(transactor.try_again());
    CHECK(std::get<apply::RolledBack>(transactor.begin(next, unasked)).because.subject == "an earlier change");

    faulty.heal();
    const auto back = transactor.try_again();
    REQUIRE(back);
    CHECK(back->because.what == degraded.because.what);
    CHECK_FALSE(transactor.is_stuck());
    CHECK_FALSE(transactor.trouble());
    CHECK_FALSE(transactor.try_again());
    require_same(before, host.kernel.truth());
    CHECK(transactor.running() == running);
}

TEST_CASE("killed at whichever step, the next start brings back what was") {
    const std::size_t steps = steps_of_the_change();
    for (std::size_t step = 0; step < steps; ++step) {
        CAPTURE(step);
        Host host;
        host.settle();
        const bridges::State before = host.kernel.truth();
        fakes::FaultyKernel dying(host.kernel, step, fakes::FaultyKernel::When::after);
        dying.die = [] { throw Killed{}; };
        {
            auto transactor = host.started(dying);
            const auto next = wanted(after_request, transactor.running(), dying);
            CHECK_THROWS_AS(transactor.begin(next, unasked), Killed);
        }
        REQUIRE(host.kernel.look());
        auto next_life = host.transactor(host.kernel);
        CHECK(std::holds_alternative<apply::RolledBack>(next_life.recover()));
        require_same(before, host.kernel.truth());
    }
}

TEST_CASE("what nobody confirms goes back, and what is confirmed stays") {
    Host host;
    host.settle();
    const bridges::State before = host.kernel.truth();
    auto transactor = host.started(host.kernel);
    const auto next = wanted(after_request, transactor.running(), host.kernel);

    REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(next, to_be_confirmed)));
    CHECK(host.kernel.truth().links.contains(*topology::IfName::parse("bond0")));
    REQUIRE(std::holds_alternative<apply::RolledBack>(transactor.roll_back({topology::Fault::timeout, "connectivity", "nobody confirmed"})));
    require_same(before, host.kernel.truth());

    REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(next, to_be_confirmed)));
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.confirm()));
    CHECK(transactor.running() == next);
}

TEST_CASE("what is begun has a number from before its first step to its end, and what is not begun has none") {
    Host host;
    host.settle();
    auto transactor = host.started(host.kernel);
    std::vector<std::uint64_t> begun;
    const auto steps = host.kernel.applied();
    apply::Terms terms = unasked;
    terms.begun = [&](std::uint64_t number) {
        CHECK(host.kernel.applied() == steps);
        begun.push_back(number);
    };
    const auto same = transactor.begin(wanted(before_request, transactor.running(), host.kernel), terms);
    REQUIRE_FALSE(std::get<apply::Committed>(same).changed);
    CHECK(begun.empty());
    CHECK_FALSE(transactor.number());

    terms.within = to_be_confirmed.within;
    const auto waits = transactor.begin(wanted(after_request, transactor.running(), host.kernel), terms);
    REQUIRE(begun == std::vector<std::uint64_t>{std::get<apply::Waiting>(waits).id});
    CHECK(transactor.number() == begun.back());
    const auto other = transactor.begin(wanted(before_request, transactor.running(), host.kernel), terms);
    REQUIRE(std::holds_alternative<apply::RolledBack>(other));
    CHECK(begun.size() == 1);
    CHECK_FALSE(transactor.number());
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.confirm()));
    CHECK(transactor.number() == begun.back());
}

TEST_CASE("killed while it waits, it goes on waiting; after the deadline it goes back") {
    Host host;
    host.settle();
    const bridges::State before = host.kernel.truth();
    {
        auto transactor = host.started(host.kernel);
        REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(wanted(after_request, transactor.running(), host.kernel), to_be_confirmed)));
    }
    {
        auto next_life = host.transactor(host.kernel);
        CHECK(std::holds_alternative<apply::Waiting>(next_life.recover()));
        // What waits is not overwritten by another.
        CHECK(std::holds_alternative<apply::RolledBack>(next_life.begin({}, {})));
        CHECK(next_life.waiting());
    }
    host.clock.advance(std::chrono::seconds(61));
    auto late_life = host.transactor(host.kernel);
    CHECK(std::holds_alternative<apply::RolledBack>(late_life.recover()));
    require_same(before, host.kernel.truth());
}

TEST_CASE("the same request again touches nothing, and heals what somebody deleted") {
    Host host;
    host.settle();
    auto transactor = host.started(host.kernel);
    apply::Terms terms = apply::terms_of(read(before_request));
    terms.within.reset();
    const auto applied = host.kernel.applied();
    for (int time = 0; time < 3; ++time) {  // looked at, and then remembered
        const auto again = transactor.begin(wanted(before_request, transactor.running(), host.kernel), terms);
        CHECK_FALSE(std::get<apply::Committed>(again).changed);
        CHECK(host.kernel.applied() == applied);
    }

    const bridges::State before = host.kernel.truth();
    const auto web = *topology::IfName::parse("web");
    REQUIRE(host.kernel.meddle(topology::Remove<bridges::Link>{*before.links.find(web)}));
    REQUIRE(host.kernel.hear());
    const auto healed = transactor.begin(wanted(before_request, transactor.running(), host.kernel), terms);
    CHECK(std::holds_alternative<apply::Committed>(healed));
    require_same(before, host.kernel.truth());
}

TEST_CASE("a mirror of Open vSwitch that is gone is looked at again") {
    apply::Settled settled;
    const ovs::PortMirror mirror{*topology::IfName::parse("nic-a")};
    settled.scope.mirrors.insert(mirror.key());
    settled.observed.ovs.mirrors.put(mirror);
    CHECK(settled.holds(settled.observed));
    CHECK_FALSE(settled.holds({}));
}

TEST_CASE("a boot brings the committed definitions back, not the running ones") {
    Host host;
    host.settle();
    {
        auto transactor = host.started(host.kernel);
        REQUIRE(transactor.commit_running());
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(after_request, transactor.running(), host.kernel), unasked)));
    }
    host.disk.lose_what_a_boot_loses();
    fakes::FakeKernel fresh{"eno1", "eno2", "eno3"};
    auto transactor = host.transactor(fresh);
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.recover()));
    CHECK(fresh.truth().links.contains(*topology::IfName::parse("mgmt")));
    CHECK(fresh.truth().links.contains(*topology::IfName::parse("eno1.100")));
    CHECK_FALSE(fresh.truth().links.contains(*topology::IfName::parse("bond0")));
}

TEST_CASE("a journal that can't be taken away is trouble until it is gone", "[transaction]") {
    Host host;
    host.settle();
    auto transactor = host.started(host.kernel);
    const intent::Intent before = transactor.running();
    REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(wanted(after_request, before, host.kernel), to_be_confirmed)));
    const std::filesystem::path journal = host.disk.state() + "/transaction";
    REQUIRE(std::filesystem::remove(journal));
    std::filesystem::create_directory(journal);
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.confirm()));
    REQUIRE(transactor.trouble());
    std::filesystem::remove(journal);
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(before, unasked)));
    CHECK_FALSE(transactor.trouble());
}

TEST_CASE("each damaged file is told with what follows from it, and none takes the place of another") {
    Host host;
    host.settle();
    {
        auto transactor = host.started(host.kernel);
        REQUIRE(transactor.commit_running());
        REQUIRE(transactor.commit_running());
        CHECK_FALSE(transactor.trouble());
        CHECK(transactor.damages().empty());
    }
    for (const auto& file : {host.disk.state() + "/state", host.disk.state() + "/state.prev", host.disk.run() + "/running"}) std::ofstream(file) << "rubbish";
    auto transactor = host.transactor(host.kernel);
    std::ignore = transactor.recover();
    REQUIRE(transactor.damages().size() == 2);
    CHECK(transactor.damages()[0].what.find("state.prev is damaged") != std::string::npos);
    CHECK(transactor.damages()[0].what.find("nothing is committed") != std::string::npos);
    CHECK(transactor.damages()[1].subject == host.disk.run() + "/running");
    REQUIRE(transactor.trouble());
    for (const auto& damage : transactor.damages()) CHECK(transactor.trouble()->what.find(damage.what) != std::string::npos);
    CHECK(transactor.committed() == intent::Intent());
}

TEST_CASE("everything goes again with its networks, and the NICs are as they were found") {
    Host host;
    std::ignore = host.started(host.kernel);
    const bridges::State before = host.kernel.truth();
    host.settle();
    auto transactor = host.started(host.kernel);
    const char* remove = R"({"networks": {"mgmt": {"remove": true}, "web": {"remove": "true"}}})";
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(remove, transactor.running(), host.kernel), unasked)));
    CHECK(host.kernel.truth().links.size() == before.links.size());
    CHECK(host.kernel.truth().routes.empty());
    CHECK(host.kernel.truth().rules.empty());
}

TEST_CASE("networks of a bond that loses all its ports for a moment have its new MAC at once") {
    Host host;
    auto transactor = host.started(host.kernel);
    const auto ask = [&](const char* request) { return transactor.begin(wanted(request, transactor.running(), host.kernel), unasked); };
    REQUIRE(std::holds_alternative<apply::Committed>(ask(R"({"networks": {"web": {"bonding": "bond0"}}, "bondings": {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100"}}})")));
    REQUIRE(std::holds_alternative<apply::Committed>(ask(R"({"bondings": {"bond0": {"nics": ["eno2", "eno3"], "options": "mode=4 miimon=100"}}})")));
    const auto& links = host.kernel.truth().links;
    CHECK(links.find(*topology::IfName::parse("web"))->mac == links.find(*topology::IfName::parse("bond0"))->mac);
}

}  // namespace transaction_test
