// The way back leads as far as it can, whoever is gone meanwhile, whatever is in the way, and whoever has to go on with it.
#include "netd/lower/naming.hpp"
#include "tests/netd/transaction_house.hpp"

#include <fmt/format.h>

namespace way_back_test {

using namespace house;

namespace {

using bridges::Op;
using topology::IfName;

IfName name(std::string_view text) { return *IfName::parse(text); }

constexpr const char* before_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
    "web": {"nic": "eno2"}}})";
constexpr const char* after_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.99", "prefix": 24, "gateway": "192.0.2.7", "defaultRoute": true},
    "web": {"nic": "eno3"}}})";

constexpr const char* on_ovs_request = R"({"networks": {"mgmt": {"nic": "eno1", "switch": "ovs", "ipaddr": "192.0.2.10", "prefix": 24}, "web": {"nic": "eno2", "switch": "ovs"}}})";

const topology::Error nobody{topology::Fault::timeout, "connectivity", "nobody confirmed"};

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    bool has_box = true, has_free_name = true;  // the guest's network namespace, and in it that of the NIC
    apply::Transactor transactor = life();

    Host() {
        faulty.refuses = [this](const Op& op) { return creates_veth(op) && !(has_box && has_free_name); };
        std::ignore = transactor.recover();
        REQUIRE(is<apply::Committed>(change(before_request, unasked)));
    }
    apply::Transactor life() {
        return {{faulty, ovs, guests::nobody(), nullptr, [this](const std::string&, const auto& free) { return has_box && (has_free_name || free != name("eth0")); }}, disk.open(), clock};
    }
    template <class Outcome> static bool is(const apply::Outcome& outcome) { return std::holds_alternative<Outcome>(outcome); }
    static bool creates_veth(const Op& op) {
        const auto* link = std::get_if<topology::Create<bridges::Link>>(&op);
        return link && link->now.as<bridges::Veth>();
    }

    apply::Outcome change(const char* request, apply::Terms terms) {
        apply::Terms named = apply::terms_of(read(request));
        named.within = terms.within;
        return transactor.begin(wanted(request, transactor.running(), faulty), named);
    }
    intent::GuestNic nic(std::set<intent::NetworkName> mirrored = {}) const {
        intent::GuestNic nic{"box", *topology::Mac::parse("52:54:00:00:00:01")};
        nic.kind = intent::GuestKind::netns;
        nic.network = "web";
        nic.port_mirroring = std::move(mirrored);
        return nic;
    }
    void plug(const intent::GuestNic& nic) {
        intent::Intent now = transactor.running();
        now.put(nic);
        REQUIRE(is<apply::Committed>(transactor.begin(now, unasked)));
        REQUIRE(link(lower::port_of(nic).text()));
    }
    void lose(bool& place, const intent::GuestNic& nic) {
        place = false;
        REQUIRE(kernel.meddle(topology::Remove<bridges::Link>{*link(lower::port_of(nic).text())}));
        REQUIRE(kernel.hear());
    }
    const bridges::Link* link(std::string_view text) const { return kernel.truth().links.find(name(text)); }
    bool has_address(std::string_view address) const { return link("mgmt")->addresses->contains(*topology::Subnet::parse(address)); }
    bool is_as_before() const { return has_address("192.0.2.10/24") && is_on("eno2", "web") && link("eno3")->master == bridges::Master{}; }
    bool is_on(std::string_view nic, std::string_view bridge) const { return link(nic)->master == bridges::Master{name(bridge)}; }
};

}  // namespace

TEST_CASE("a link whose MTU is too small for IPv6 blocks neither a change nor a way back") {
    Host host;
    const auto with = [](unsigned number, int mtu, const char* kind = "legacy") {
        return fmt::format(R"({{"networks": {{"v{0}": {{"nic": "eno3", "vlan": {0}, "mtu": {1}, "switch": "{2}"}}}}}})", number, mtu, kind);
    };
    const std::string addressed = R"({"networks": {"v40": {"nic": "eno3", "vlan": 40, "ipv6addr": "2001:db8::1/64"}}})";
    const auto stands = [&](const std::string& request) {
        CAPTURE(request);
        REQUIRE(host.is<apply::Committed>(host.change(request.c_str(), unasked)));
        CHECK_FALSE(host.transactor.trouble());
    };
    const auto goes_back = [&](const std::string& request) {
        CAPTURE(request);
        const bridges::State before = host.kernel.truth();
        REQUIRE(host.is<apply::Waiting>(host.change(request.c_str(), to_be_confirmed)));
        REQUIRE(host.is<apply::RolledBack>(host.transactor.roll_back(nobody)));
        require_same(before, host.kernel.truth());
    };
    goes_back(with(40, 1000));
    stands(with(40, 1000));
    stands(with(50, 1000));
    stands(with(40, 1100));
    goes_back(addressed);
    stands(R"({"networks": {"v50": {"remove": true}}})");
    goes_back(with(40, 1000, "vlan-aware"));
    stands(addressed);
    CHECK(host.link("eno3")->stack->hears_routers == false);
    goes_back(with(40, 1000));
    goes_back(R"({"networks": {"v40": {"remove": true}, "plain": {"nic": "eno3", "mtu": 1000}}})");
    stands(R"({"networks": {"v40": {"remove": true}, "plain": {"nic": "eno3", "mtu": 1000}}})");
    goes_back(R"({"networks": {"plain": {"remove": true}, "v40": {"nic": "eno3", "vlan": 40, "mtu": 1000}}})");
    stands(R"({"networks": {"plain": {"remove": true}, "v40": {"nic": "eno3", "vlan": 40, "mtu": 1000}}})");
}

TEST_CASE("a guest whose namespace is gone, or who has taken the name of its NIC, blocks no way back") {
    Host host;
    bool& place = GENERATE(true, false) ? host.has_box : host.has_free_name;
    const auto nic = host.nic({*intent::NetworkName::parse("web")});
    host.plug(nic);
    REQUIRE(host.is<apply::Waiting>(host.change(after_request, to_be_confirmed)));
    host.lose(place, nic);
    CHECK(host.is<apply::RolledBack>(host.transactor.roll_back(nobody)));
    CHECK(host.has_address("192.0.2.10/24"));
    CHECK(host.is_on("eno2", "web"));
    CHECK_FALSE(host.link(lower::port_of(nic).text()));
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("nor does one who takes it while the change goes back") {
    Host host;
    const auto nic = host.nic();
    host.plug(nic);
    REQUIRE(host.is<apply::Waiting>(host.change(after_request, to_be_confirmed)));
    host.faulty.refuses = [&host, &nic](const Op& op) {
        if (host.has_free_name) host.lose(host.has_free_name, nic);
        return Host::creates_veth(op);
    };
    CHECK(host.is<apply::RolledBack>(host.transactor.roll_back(nobody)));
    CHECK(host.is_on("eno2", "web"));
    CHECK_FALSE(host.link(lower::port_of(nic).text()));
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("a network is changed although one of its guests has no place for its NIC, which is there again when there is one") {
    Host host;
    bool& place = GENERATE(true, false) ? host.has_box : host.has_free_name;
    auto nic = host.nic({*intent::NetworkName::parse("web")});
    host.plug(nic);
    host.lose(place, nic);
    const char* request = R"({"networks": {"web": {"nic": "eno3", "mtu": 1400}}})";
    REQUIRE(host.is<apply::Committed>(host.change(request, unasked)));
    CHECK(host.is_on("eno3", "web"));
    CHECK(host.transactor.running().nics().contains(nic.key()));

    // Another is plugged in beside: what the lost one would hear of it is sent to nobody.
    intent::GuestNic tap{"vm", *topology::Mac::parse("52:54:00:00:00:02")};
    tap.network = "web";
    host.plug(tap);

    place = true;
    REQUIRE(host.is<apply::Committed>(host.change(request, unasked)));
    CHECK(host.link(lower::port_of(nic).text()));
    CHECK(host.link(lower::port_of(tap).text())->traffic->copies_in.contains(lower::port_of(nic)));
}

TEST_CASE("a way back that is blocked in one place is gone in all others") {
    Host host;
    REQUIRE(host.is<apply::Waiting>(host.change(after_request, to_be_confirmed)));
    host.faulty.refuses = [](const Op& op) {
        const auto* link = std::get_if<topology::Update<bridges::Link>>(&op);
        return link && link->now.name == name("eno2") && link->now.master == bridges::Master{name("web")};
    };
    CHECK(host.is<apply::Degraded>(host.transactor.roll_back(nobody)));
    CHECK(host.has_address("192.0.2.10/24"));
    CHECK_FALSE(host.is_on("eno3", "web"));
    CHECK(host.transactor.is_stuck());
    CHECK_FALSE(host.transactor.try_again());
    host.faulty.heal();
    CHECK(host.transactor.try_again());
    CHECK(host.is_as_before());
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("nor does somebody else's device that has one of its names block all of it") {
    Host host;
    REQUIRE(host.is<apply::Committed>(host.change(R"({"networks": {"lan": {}}})", unasked)));
    REQUIRE(host.is<apply::Waiting>(host.change(R"({"networks": {"lan": {"remove": true}, "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.99", "prefix": 24}}})", to_be_confirmed)));
    bridges::Link other{name("lan")};
    other.kind = bridges::Veth{std::nullopt, name("nal"), std::nullopt};
    REQUIRE(host.kernel.meddle(topology::Create<bridges::Link>{other}));
    REQUIRE(host.kernel.hear());
    CHECK(std::get<apply::Degraded>(host.transactor.roll_back(nobody)).rollback->subject == "lan");
    CHECK(host.is_as_before());
    CHECK(host.link("lan")->as<bridges::Veth>());
}

TEST_CASE("the kernel's part goes back although Open vSwitch's database is gone") {
    Host host;
    const auto with = [&](const char* address, unsigned vlan) {
        intent::Intent now = host.transactor.running();
        intent::Network mgmt = *now.networks().find(*intent::NetworkName::parse("mgmt")), db{*intent::NetworkName::parse("db")};
        mgmt.ipaddr = *topology::IpAddress::parse(address);
        db.nic = name("eno3"), db.vlan = *topology::VlanId::from(vlan), db.switch_kind = intent::SwitchKind::ovs;
        now.put(mgmt), now.put(db);
        return now;
    };
    REQUIRE(host.is<apply::Committed>(host.transactor.begin(with("192.0.2.10", 7), unasked)));
    REQUIRE(host.is<apply::Waiting>(host.transactor.begin(with("192.0.2.99", 8), to_be_confirmed)));
    host.ovs.connect(false);
    CHECK(host.is<apply::Degraded>(host.transactor.roll_back(nobody)));
    CHECK(host.has_address("192.0.2.10/24"));
    host.ovs.connect(true);
    host.ovs.hear();
    CHECK(host.transactor.try_again());
}

TEST_CASE("nothing is begun that needs an ovs-vswitchd which does not answer, and all else is done") {
    Host host;
    for (bool* trouble : {&host.ovs.stands_still, &host.ovs.has_vswitchd}) {
        *trouble = !*trouble;
        const bridges::State before = host.kernel.truth();
        CHECK(std::get<apply::RolledBack>(host.change(on_ovs_request, unasked)).because.subject == "Open vSwitch");
        CHECK(host.ovs.transactions() == 0);
        require_same(before, host.kernel.truth());
        CHECK(host.is<apply::Committed>(host.change(*trouble ? R"({"networks": {"lan": {}}})" : R"({"networks": {"lan": {"remove": true}}})", unasked)));
        *trouble = !*trouble;
    }
    CHECK(host.is<apply::Committed>(host.change(on_ovs_request, unasked)));
}

TEST_CASE("what needs no ovs-vswitchd goes back at once when that comes to stand still in the middle of a change") {
    Host host;
    host.ovs.stops_in = 0;
    CHECK(host.is<apply::RolledBack>(host.change(on_ovs_request, unasked)));
    CHECK((host.is_as_before() && host.ovs.truth() == ovs::State{}));
}

TEST_CASE("the rest goes back when an ovs-vswitchd that stands still goes on") {
    Host host;
    REQUIRE(host.is<apply::Waiting>(host.change(on_ovs_request, to_be_confirmed)));
    host.ovs.stands_still = true;
    CHECK(host.is<apply::Degraded>(host.transactor.roll_back(nobody)));  // its devices have the bridges' names
    CHECK(host.ovs.truth() == ovs::State{});
    host.ovs.go_on();
    REQUIRE(host.kernel.hear());
    CHECK(host.transactor.try_again());
    CHECK(host.is_as_before());
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("killed at whichever step of the way back, the next start goes on with it and lets nobody confirm") {
    struct Killed {};
    std::size_t step = 0;
    for (bool was_killed = true; was_killed; ++step) {
        CAPTURE(step);
        Host host;
        const bridges::State before = host.kernel.truth();
        {
            fakes::FaultyKernel dying(host.kernel);
            apply::Transactor first{{dying, host.ovs}, host.disk.open(), host.clock};
            std::ignore = first.recover();
            REQUIRE(host.is<apply::Waiting>(first.begin(wanted(after_request, first.running(), dying), to_be_confirmed)));
            std::size_t seen = 0;
            dying.refuses = [&](const Op&) { return seen++ == step; };
            dying.die = [] { throw Killed{}; };
            was_killed = false;
            try {
                std::ignore = first.roll_back(nobody);
            } catch (const Killed&) {
                was_killed = true;
            }
        }
        REQUIRE(host.kernel.look());
        auto next = host.life();
        CHECK(host.is<apply::RolledBack>(next.recover()) == was_killed);
        CHECK_FALSE(next.waiting());
        require_same(before, host.kernel.truth());
    }
    CHECK(step > 5);
}

TEST_CASE("what was taken back and could not be removed is over all the same") {
    Disk disk;
    auto store = disk.open();
    store::Entry entry{.id = 7, .boot = store::boot_id(), .phase = store::Entry::Phase::waiting};
    entry.delta.networks.push_back(topology::Create<intent::Network>{intent::Network{*intent::NetworkName::parse("lan")}});
    REQUIRE(store.begin(entry));
    REQUIRE(store::write_document(disk.run(), "ended", {7, ""}, store::Durable::no));
    CHECK_FALSE(*store.open_entry());
    entry.id = 8;
    REQUIRE(store.begin(entry));
    CHECK(*store.open_entry());
}

TEST_CASE("what a netd that died had begun is kept only if it is all there when it is confirmed") {
    for (const bool was_disturbed : {false, true}) {
        CAPTURE(was_disturbed);
        Host host;
        REQUIRE(host.is<apply::Waiting>(host.change(after_request, to_be_confirmed)));
        auto next = host.life();
        REQUIRE(host.is<apply::Waiting>(next.recover()));
        if (was_disturbed) {
            bridges::Link elsewhere{name("eno3")};
            elsewhere.master = bridges::Master{};
            REQUIRE(host.kernel.meddle(topology::Update<bridges::Link>{*host.link("eno3"), elsewhere}));
            REQUIRE(host.kernel.hear());
        }
        CHECK(host.is<apply::RolledBack>(next.confirm()) == was_disturbed);
        CHECK(host.is_as_before() == was_disturbed);
    }
}

TEST_CASE("where what ran is lost the open change goes back, and the committed definitions hold") {
    enum class Lost { gone, garbled, cut };
    for (const Lost lost : {Lost::gone, Lost::garbled, Lost::cut}) {
        CAPTURE(static_cast<int>(lost));
        Host host;
        REQUIRE(host.transactor.commit_running());
        const bridges::State before = host.kernel.truth();
        const auto committed = host.transactor.running();
        apply::Terms terms = to_be_confirmed;
        terms.commit = true;
        REQUIRE(host.is<apply::Waiting>(host.transactor.begin(wanted(after_request, committed, host.faulty), terms)));
        const std::string running = host.disk.run() + "/running";
        if (lost == Lost::gone) std::filesystem::remove_all(host.disk.run());
        else std::filesystem::resize_file(running, lost == Lost::cut ? std::filesystem::file_size(running) - 10 : 20);
        auto next = host.life();
        CHECK(host.is<apply::RolledBack>(next.recover()));
        CHECK_FALSE(next.waiting());
        CHECK(next.running() == committed);
        CHECK(next.committed() == committed);
        CHECK(next.damages().size() == 1);
        require_same(before, host.kernel.truth());
        auto third = host.life();
        CHECK(host.is<apply::Committed>(third.recover()));
        CHECK(third.running() == committed);
    }
}

TEST_CASE("a change that waits on a host without definitions waits over a restart, too") {
    fakes::FakeKernel kernel{"eno1"};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;
    const auto life = [&] { return apply::Transactor{{kernel, ovs}, disk.open(), clock}; };
    auto first = life();
    std::ignore = first.recover();
    REQUIRE(Host::is<apply::Waiting>(first.begin(wanted(R"({"networks": {"lan": {"nic": "eno1"}}})", {}, kernel), to_be_confirmed)));
    auto next = life();
    CHECK(Host::is<apply::Waiting>(next.recover()));
    CHECK_FALSE(next.trouble());
}

}  // namespace way_back_test
