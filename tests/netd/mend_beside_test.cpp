// What somebody disturbs while a change waits for its confirmation is put right beside it, and the change ends as if nothing had been.
#include "netd/lower/naming.hpp"
#include "netd/observe/drift.hpp"
#include "tests/netd/guests_house.hpp"
#include "tests/netd/transaction_house.hpp"

namespace mend_beside_test {

using namespace house;

namespace {

using topology::IfName;

IfName name(std::string_view text) { return *IfName::parse(text); }

constexpr const char* before_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
    "web": {"nic": "eno2"}, "lan": {"nic": "eno4", "ipaddr": "10.0.0.1", "prefix": 24}}})";
constexpr const char* after_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.99", "prefix": 24, "gateway": "192.0.2.7", "defaultRoute": true},
    "web": {"nic": "eno3", "mtu": 1400}, "db": {"nic": "eno2", "vlan": 7}}})";

const topology::Error nobody{topology::Fault::timeout, "connectivity", "nobody confirmed"};

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3", "eno4"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    bool has_box = true;  // the guest's network namespace
    apply::Transactor transactor = life(kernel);
    bridges::State before, after;

    // With a change that waits.
    explicit Host(const std::optional<intent::GuestNic>& nic = {}, bool has_its_box = true) {
        std::ignore = transactor.recover();
        REQUIRE(is<apply::Committed>(change(before_request, unasked)));
        if (nic) {
            intent::Intent now = transactor.running();
            now.put(*nic);
            REQUIRE(is<apply::Committed>(transactor.begin(now, unasked)));
        }
        if (!has_its_box) {
            has_box = false;
            lose(lower::port_of(*nic).text());
        }
        before = kernel.truth();
        REQUIRE(is<apply::Waiting>(change(after_request, to_be_confirmed)));
        after = kernel.truth();
    }
    apply::Transactor life(bridges::Kernel& with) {
        return {{with, ovs, guests::nobody(), nullptr, [this](const std::string&, const auto&) { return has_box; }}, disk.open(), clock};
    }
    apply::Outcome change(const char* request, apply::Terms terms) { return transactor.begin(wanted(request, transactor.running(), kernel), terms); }

    void lose(const std::string& link) {
        REQUIRE(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(name(link))}));
        REQUIRE(kernel.hear());
    }
    void disturb() {
        for (const char* link : {"web", "mgmt", "eno2.7"}) lose(link);
        bridges::Link free{name("eno3")};
        free.master = bridges::Master{};
        REQUIRE(kernel.meddle(topology::Update<bridges::Link>{*kernel.truth().links.find(free.name), free}));
        REQUIRE(kernel.hear());
    }
    apply::Outcome mend(apply::Transactor& with) const {
        const intent::Intent there = lower::attainable(with.standing(), {kernel.state(), true, [this](const auto&) { return has_box; }});
        return with.mend(there, lower::everything(there));
    }
    apply::Outcome mend() { return mend(transactor); }
    bool has(std::string_view link) const { return kernel.truth().links.contains(name(link)); }
};

intent::GuestNic nic_of_box(const char* network) {
    intent::GuestNic nic{"box", *topology::Mac::parse("52:54:00:00:00:01")};
    nic.kind = intent::GuestKind::netns;
    nic.network = network;
    return nic;
}

}  // namespace

TEST_CASE("what a change made is mended while it waits, and it is confirmed as if nothing had been") {
    Host host(nic_of_box("web"));
    const auto waiting = *host.transactor.waiting();
    host.disturb();
    CHECK(std::get<apply::Committed>(host.mend()).changed);
    require_same(host.after, host.kernel.truth());
    CHECK_FALSE(std::get<apply::Committed>(host.mend()).changed);
    REQUIRE(host.transactor.waiting());
    CHECK(host.transactor.waiting()->id == waiting.id);
    CHECK(host.transactor.waiting()->deadline == waiting.deadline);
    CHECK(is<apply::Committed>(host.transactor.confirm()));
    CHECK(host.transactor.running().network("db"));
    require_same(host.after, host.kernel.truth());
}

TEST_CASE("and is taken back to what was before it") {
    for (const bool is_mended : {true, false}) {
        CAPTURE(is_mended);
        Host host(nic_of_box("web"));
        host.disturb();
        if (is_mended) REQUIRE(is<apply::Committed>(host.mend()));
        CHECK(is<apply::RolledBack>(host.transactor.roll_back(nobody)));
        require_same(host.before, host.kernel.truth());
    }
}

TEST_CASE("what the change is not about is mended beside it, and stays so whichever way it ends") {
    for (const bool is_confirmed : {true, false}) {
        CAPTURE(is_confirmed);
        Host host;
        host.lose("lan");
        CHECK(std::get<apply::Committed>(host.mend()).changed);
        require_same(host.after, host.kernel.truth());
        if (is_confirmed) CHECK(is<apply::Committed>(host.transactor.confirm()));
        else CHECK(is<apply::RolledBack>(host.transactor.roll_back(nobody)));
        require_same(is_confirmed ? host.after : host.before, host.kernel.truth());
    }
}

TEST_CASE("killed at whichever step of such a repair, the change is all there or all gone") {
    struct Killed {};
    for (const bool is_confirmed : {true, false}) {
        std::size_t step = 0;
        for (bool was_killed = true; was_killed; ++step) {
            CAPTURE(is_confirmed, step);
            Host host;
            {
                fakes::FaultyKernel dying(host.kernel);
                auto first = host.life(dying);
                REQUIRE(is<apply::Waiting>(first.recover()));
                host.disturb();
                std::size_t seen = 0;
                dying.refuses = [&](const auto&) { return seen++ == step; };
                dying.die = [] { throw Killed{}; };
                was_killed = false;
                try {
                    const auto mended = host.mend(first);
                    REQUIRE(std::get<apply::Committed>(mended).changed);
                } catch (const Killed&) {
                    was_killed = true;
                }
            }
            REQUIRE(host.kernel.look());
            if (!is_confirmed) host.clock.advance(std::chrono::seconds(61));
            auto next = host.life(host.kernel);
            apply::Outcome outcome = next.recover();
            if (is_confirmed) {
                REQUIRE(is<apply::Waiting>(outcome));
                outcome = next.confirm();
            }
            CHECK(is<apply::Committed>(outcome) == (is_confirmed && !was_killed));
            require_same(is<apply::Committed>(outcome) ? host.after : host.before, host.kernel.truth());
        }
        CHECK(step > 5);
    }
}

TEST_CASE("a change that may have been taken back before netd was started again is not made once more") {
    Host host;
    host.disturb();
    host.lose("lan");
    auto next = host.life(host.kernel);
    REQUIRE(is<apply::Waiting>(next.recover()));
    const auto mended = host.mend(next);
    REQUIRE(is<apply::RolledBack>(mended));
    CHECK(std::get<apply::RolledBack>(mended).because.fault == topology::Fault::busy);
    CHECK_FALSE(host.has("eno2.7"));
    CHECK(host.has("lan"));
    CHECK(is<apply::RolledBack>(next.confirm()));
    require_same(host.before, host.kernel.truth());
}

TEST_CASE("one that was whole when netd was started again is") {
    Host host;
    auto next = host.life(host.kernel);
    REQUIRE(is<apply::Waiting>(next.recover()));
    host.disturb();
    REQUIRE(is<apply::Committed>(host.mend(next)));
    CHECK(is<apply::Committed>(next.confirm()));
    require_same(host.after, host.kernel.truth());
}

TEST_CASE("what a way back would not lead over is made when the change has ended, and all else at once") {
    const auto nic = nic_of_box("web");
    Host host(nic, false);
    host.has_box = true;
    host.disturb();
    const auto mended = host.mend();
    REQUIRE(is<apply::RolledBack>(mended));
    CHECK(std::get<apply::RolledBack>(mended).because.fault == topology::Fault::busy);
    require_same(host.after, host.kernel.truth());
    CHECK(is<apply::Committed>(host.transactor.confirm()));
    CHECK(is<apply::Committed>(host.mend()));
    CHECK(host.has(lower::port_of(nic).text()));
}

TEST_CASE("what is refused leaves the change that waits as it is, and so does a window that is over") {
    Host host;
    fakes::FaultyKernel faulty(host.kernel);
    faulty.refuses = [](const bridges::Op& op) { return std::holds_alternative<topology::Create<bridges::Link>>(op); };
    auto next = host.life(faulty);
    REQUIRE(is<apply::Waiting>(next.recover()));
    host.disturb();
    CHECK(is<apply::RolledBack>(host.mend(next)));
    CHECK(next.waiting());
    CHECK_FALSE(next.is_stuck());
    faulty.heal();
    host.clock.advance(std::chrono::seconds(61));
    CHECK(std::get<apply::RolledBack>(host.mend(next)).because.fault == topology::Fault::timeout);
    CHECK_FALSE(host.has("web"));
    CHECK(is<apply::RolledBack>(next.roll_back(nobody)));
    require_same(host.before, host.kernel.truth());
}

TEST_CASE("where guests went while definitions can't follow them is no drift, and they are not brought back") {
    GuestHost host;
    constexpr const char* tagged = R"({"networks": {"sdn": {"nic": "eno3", "switch": "ovs", "vlan": 10}, "lab": {"nic": "eno3", "switch": "ovs", "vlan": 20}}})";
    REQUIRE(is<apply::Committed>(host.transactor.begin(wanted(tagged, host.transactor.running(), host.kernel), unasked)));
    bridges::Link vnet{name("vnet0")};
    vnet.kind = bridges::Tap{};
    REQUIRE(host.kernel.meddle(bridges::Op(topology::Create<bridges::Link>{vnet})));
    REQUIRE(host.kernel.hear());
    ovs::Port row{vnet.name};
    row.bridge = name("ovs-eno3");
    row.tagging = ovs::Access{*topology::VlanId::from(10)};
    REQUIRE(host.ovs.meddle(ovs::Op(topology::Create<ovs::Port>{row})));
    REQUIRE(host.ovs.hear());
    Nic own{"vm", mac};
    own.device = vnet.name;
    own.alias = "net0";
    own.link = true;
    own.facts.bridge = "ovs-eno3";
    own.facts.tags = {10};
    host.hypervisor.plug_by_itself(own);
    host.follow();
    REQUIRE(host.transactor.running().nics().size() == 1);
    REQUIRE(is<apply::Waiting>(host.transactor.begin(wanted(R"({"networks": {"lan": {}}})", host.transactor.running(), host.kernel), to_be_confirmed)));

    own.facts.tags = {20};
    host.hypervisor.plug_by_itself(own);
    host.hypervisor.hear();
    ovs::Port moved{vnet.name};
    moved.tagging = ovs::Access{*topology::VlanId::from(20)};
    REQUIRE(host.ovs.meddle(ovs::Op(topology::Update<ovs::Port>{*host.ovs.truth().ports.find(vnet.name), moved})));
    REQUIRE(host.ovs.hear());
    observe::Snapshot now;
    now.observed = observe::state_of({host.kernel, host.ovs, host.hypervisor});
    now.running = host.transactor.standing();
    now.abilities = host.kernel.able;
    now.ovs_connected = now.guests_connected = true;
    now.ovs_datapath = host.ovs.default_datapath();
    now.pending = observe::Pending{1, {}};
    CHECK(observe::find_drift(now).empty());
    now.pending.reset();
    CHECK_FALSE(observe::find_drift(now).empty());
}

}  // namespace mend_beside_test
