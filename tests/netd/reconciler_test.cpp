// The thread that decides, on a host in memory: what it tells of what came of a change.
#include "netd/daemon/nic_request.hpp"
#include "tests/netd/reconciler_house.hpp"

#include <algorithm>
#include <fstream>

namespace reconciler_test {

using namespace house;

namespace {

// netd on a host whose network `web` is on eno1.
struct Host {
    std::string definitions;
    fakes::FakeKernel kernel{"eno1"};
    fakes::FaultyKernel faulty{kernel};
    std::unique_ptr<loop::Mailbox<serve::Command>> commands = std::move(*loop::Mailbox<serve::Command>::open());
    std::unique_ptr<loop::Mailbox<serve::Note>> notes = std::move(*loop::Mailbox<serve::Note>::open());
    OneCommand ovs{kernel, *commands};
    fakes::FakeClock clock;
    loop::Labour labour;
    Disk disk;
    store::Store store = after_an_earlier_life();
    netd::DhcpClients clients = std::move(*netd::DhcpClients::open(disk.run() + "/dhcp", clock));
    netd::HostResolver resolver{disk.state() + "/resolv.conf", disk.state() + "/resolv.conf.before", disk.run(), clock};
    netd::Reconciler reconciler{{faulty, ovs}, clients, resolver, store, clock, *commands, *notes, labour};

    explicit Host(std::string defined = R"({"networks": {"web": {"nic": "eno1"}}})") : definitions(std::move(defined)) {
        REQUIRE(reconciler.start(store.remembered(), std::nullopt));
        std::ignore = notes->take();
    }
    store::Store after_an_earlier_life() {
        apply::Transactor earlier{{kernel, ovs}, disk.open(), clock};
        std::ignore = earlier.recover();
        REQUIRE(std::holds_alternative<apply::Committed>(earlier.begin(wanted(definitions.c_str(), {}, kernel), unasked)));
        return disk.open();
    }

    // How often it tells that when it is given the command.
    long told(const char* topic, serve::Command command) {
        ovs.next = std::move(command);
        reconciler.run();
        return std::ranges::count_if(notes->take(), [&](const serve::Note& note) {
            const auto* told = std::get_if<serve::Announce>(&note);
            return told && told->topic == topic;
        });
    }
    // What it publishes until it is told to stop.
    std::vector<observe::Published> shown() {
        reconciler.run();
        std::vector<observe::Published> all;
        for (const serve::Note& note : notes->take())
            if (const auto* snapshot = std::get_if<observe::Published>(&note)) all.push_back(*snapshot);
        return all;
    }
    std::string resolv_conf() const { return disk.state() + "/resolv.conf"; }
    bool has_web() const { return kernel.truth().links.contains(*topology::IfName::parse("web")); }
};

}  // namespace

TEST_CASE("a repair is told as degraded where its way back is blocked, and not otherwise", "[reconciler]") {
    Host host;
    REQUIRE(host.kernel.meddle(topology::Remove<bridges::Link>{*host.kernel.truth().links.find(*topology::IfName::parse("web"))}));
    enum class Blocked { nothing, the_way_there, the_way_back_too };
    const auto blocked = GENERATE(Blocked::nothing, Blocked::the_way_there, Blocked::the_way_back_too);
    // The bridge comes, and its NIC never is its port.
    host.faulty.refuses = [&](const bridges::Op& op) {
        if (std::holds_alternative<topology::Update<bridges::Link>>(op)) return blocked != Blocked::nothing;
        return std::holds_alternative<topology::Remove<bridges::Link>>(op) && blocked == Blocked::the_way_back_too;
    };
    CHECK(host.told("transaction.degraded", serve::Mend{{.networks = {"web"}}}) == (blocked == Blocked::the_way_back_too ? 1 : 0));
    CHECK(host.has_web() == (blocked != Blocked::the_way_there));
}

TEST_CASE("a filter that an earlier netd left on a port of others is taken off where that is on a bridge of others, and nowhere else", "[reconciler]") {
    Host host;
    const auto name = [](const char* text) { return topology::IfName::observed(text); };
    bridges::Link theirs{name("virbr0")};
    theirs.kind = bridges::Bridge{};
    REQUIRE(host.kernel.meddle(topology::Create<bridges::Link>{theirs}));
    for (const auto& [port, bridge] : {std::pair("vnet0", "virbr0"), std::pair("vnet1", "web")}) {
        bridges::Link tap{name(port)}, filtered{tap.name};
        tap.kind = bridges::Tap{};
        filtered.master = bridges::Master{name(bridge)};
        filtered.filter = topology::Filter{*topology::Mac::parse("52:54:00:00:00:01")};
        filtered.traffic = bridges::Traffic{.checksums = true};
        REQUIRE(host.kernel.meddle(topology::Create<bridges::Link>{tap}));
        REQUIRE(host.kernel.meddle(topology::Update<bridges::Link>{*host.kernel.truth().links.find(tap.name), filtered}));
    }
    std::ignore = host.told("", serve::Mend{});
    const bridges::Link &released = *host.kernel.truth().links.find(name("vnet0")), &kept = *host.kernel.truth().links.find(name("vnet1"));
    CHECK_FALSE(released.filter);
    CHECK(*released.traffic == bridges::Traffic());
    CHECK(kept.filter);
    CHECK(kept.traffic->checksums);
}

TEST_CASE("a NIC that is plugged in once more while libvirt can't be asked is called as it was", "[reconciler]") {
    intent::GuestNic known{"vm", *topology::Mac::parse("52:54:00:00:00:01")}, again{"vm", known.mac};
    known.kind = again.kind = intent::GuestKind::libvirt;
    known.alias = "ua-one";
    netd::keep_what_lasts(nlohmann::json::object(), known, again);
    CHECK(again.alias == "ua-one");
    again.alias = "ua-other";
    netd::keep_what_lasts(nlohmann::json::object(), known, again);
    CHECK(again.alias == "ua-other");
}

TEST_CASE("what is wrong with a guest is told beside what is wrong with its NIC", "[reconciler]") {
    Host host;
    host.ovs.next = serve::ChangeNic{serve::Ticket{.id = 1}, serve::NicVerb::plug, {{"vmId", "nowhere"}, {"nic", {{"kind", "netns"}, {"network", "gone"}, {"nicModel", "ne2000"}}}}};
    host.reconciler.run();
    std::vector<std::string> paths;
    for (const serve::Note& note : host.notes->take())
        if (const auto* reply = std::get_if<serve::Reply>(&note)) {
            const auto answer = nlohmann::json::parse(reply->bytes);
            for (const auto& complaint : answer["error"]["data"]) paths.push_back(complaint["path"]);
        }
    CHECK(paths == std::vector<std::string>{"/vmId", "/nic/network", "/nic/nicModel"});
}

TEST_CASE("nameservers that somebody else has written are told, though no event says so", "[reconciler]") {
    Host host;
    std::ofstream(host.resolv_conf()) << "nameserver 198.51.100.1\n";
    const auto shown = host.shown();
    REQUIRE(shown.size() == 1);
    CHECK(shown.front()->nameservers == std::vector<std::string>{"198.51.100.1"});
    CHECK(shown.front()->resolver_obstacle.empty());
}

TEST_CASE("that another program has taken over resolv.conf is told", "[reconciler]") {
    Host host;
    std::filesystem::create_symlink("elsewhere", host.resolv_conf());
    const auto shown = host.shown();
    REQUIRE(shown.size() == 1);
    CHECK_FALSE(shown.front()->resolver_obstacle.empty());
}

TEST_CASE("where nothing differs from what was told last, nothing is told", "[reconciler]") { CHECK(Host().shown().empty()); }

TEST_CASE("what was heard while the kernel could not be asked is told when it can be again", "[reconciler]") {
    Host host;
    const auto web = topology::IfName::observed("web");
    bridges::Link smaller{web};
    smaller.mtu = topology::Mtu::observed(1400);
    REQUIRE(host.kernel.meddle(topology::Update<bridges::Link>{*host.kernel.truth().links.find(web), smaller}));
    host.faulty.loses_word = true;
    host.ovs.next = serve::Confirm{serve::Ticket{.id = 1}};  // of nothing, which changes nothing
    const auto shown = host.shown();
    REQUIRE(shown.size() == 1);
    CHECK(shown.front()->observed.kernel.links.find(web)->mtu == smaller.mtu);
}

TEST_CASE("what somebody else writes over netd's nameservers is told, and stays until the next change", "[reconciler]") {
    Host host{R"({"networks": {"web": {"nic": "eno1", "ipaddr": "192.0.2.5", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true, "nameservers": ["192.0.2.53"]}}})"};
    const std::vector<std::string> own{"192.0.2.53"}, others{"198.51.100.1"};
    REQUIRE(netd::nameservers_in(host.resolv_conf()) == own);
    std::ofstream(host.resolv_conf()) << "nameserver 198.51.100.1\n";
    const bool changes = GENERATE(false, true);
    if (changes) host.ovs.next = serve::Mend{{.networks = {"web"}}};
    const auto shown = host.shown();
    REQUIRE_FALSE(shown.empty());
    CHECK(shown.front()->nameservers == others);
    CHECK(shown.back()->nameservers == (changes ? own : others));
    CHECK(netd::nameservers_in(host.resolv_conf()) == (changes ? own : others));
}

}  // namespace reconciler_test
