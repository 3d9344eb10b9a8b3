// What was done to the host before somebody asks for something counts, also where the thread that decides has listened before that.
#include "tests/fakes/fake_hypervisor.hpp"
#include "tests/netd/reconciler_house.hpp"

#include <algorithm>
#include <fstream>

namespace heard_in_time_test {

using namespace house;

namespace {

// Before it tells something, `meanwhile` is done.
struct Hypervisor : fakes::FakeHypervisor {
    using FakeHypervisor::FakeHypervisor;
    bool hear() override {
        if (const auto once = std::exchange(meanwhile, {})) once();
        return FakeHypervisor::hear();
    }
    std::function<void()> meanwhile;
};

// When it has told all, which is the last that is asked before a command is taken, `meanwhile` is done.
struct Kernel : fakes::FakeKernel {
    using FakeKernel::FakeKernel;
    topology::Result<bridges::Heard> hear() override {
        auto heard = FakeKernel::hear();
        if (const auto once = std::exchange(meanwhile, {})) once();
        return heard;
    }
    std::function<void()> meanwhile;
};

struct Host {
    Kernel kernel{"eno1", "eno2"};
    std::unique_ptr<loop::Mailbox<serve::Command>> commands = std::move(*loop::Mailbox<serve::Command>::open());
    std::unique_ptr<loop::Mailbox<serve::Note>> notes = std::move(*loop::Mailbox<serve::Note>::open());
    OneByOne ovs{kernel, *commands};
    Hypervisor hypervisor{&kernel};
    fakes::FakeClock clock;
    loop::Labour labour;
    Disk disk;

    // What netd tells of how changes ended, while it lives and these are done one by one.
    std::vector<std::string> lives(std::deque<std::function<void()>> deeds) {
        store::Store store = disk.open();
        netd::DhcpClients clients = std::move(*netd::DhcpClients::open(disk.run() + "/dhcp", clock));
        netd::HostResolver resolver{disk.state() + "/resolv.conf", disk.state() + "/resolv.conf.before", disk.run(), clock};
        netd::Reconciler reconciler{{kernel, ovs, hypervisor, &clients.leases().held()}, clients, resolver, store, clock, *commands, *notes, labour};
        REQUIRE(reconciler.start(store.remembered(), std::nullopt));
        ovs.next = std::move(deeds);
        reconciler.run();
        std::vector<std::string> told;
        for (const serve::Note& note : notes->take())
            if (const auto* announce = std::get_if<serve::Announce>(&note)) told.push_back(announce->topic);
        return told;
    }
    void asks_for(const char* request) { commands->push(serve::Setup{serve::Ticket{.id = 1}, read(request)}); }
    bool has(const char* link) const { return kernel.truth().links.contains(topology::IfName::observed(link)); }
    void lose(const char* link) { CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(topology::IfName::observed(link))})); }
};

}  // namespace

TEST_CASE("beside a change that waits is mended what has gone since netd listened", "[reconciler]") {
    Host host;
    bool is_back = false;
    host.lives({
        [&] { host.asks_for(R"({"networks": {"lan": {}}, "options": {"connectivityCheck": false}})"); },
        [&] { host.asks_for(R"({"networks": {"web": {"nic": "eno1"}}, "options": {"connectivityTimeout": 60}})"); },
        [&] {
            host.kernel.meanwhile = [&] { host.lose("lan"); };
            host.commands->push(serve::Mend{{.networks = {"lan"}}});
        },
        [&] { is_back = host.has("lan"); },
    });
    CHECK(is_back);
    CHECK(host.has("web"));
}

TEST_CASE("a change that an earlier netd made is kept, when its lease comes, only if it stands as netd hears then", "[reconciler]") {
    Host host;
    std::filesystem::create_directories(host.disk.run() + "/dhcp/eno1-4.conf");  // so that no client can be started
    host.lives({[&] { host.asks_for(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "blockingdhcp": true}, "lan": {}}, "options": {"connectivityCheck": false}})"); }});
    const bool is_disturbed = GENERATE(false, true);
    CAPTURE(is_disturbed);
    const auto told = host.lives({
        [&] {
            bridges::Link web{topology::IfName::observed("web")};
            web.addresses = {*topology::Subnet::parse("10.7.0.84/24")};
            CHECK(host.kernel.meddle(topology::Update<bridges::Link>{*host.kernel.truth().links.find(web.name), web}));
        },
        [&] {
            if (is_disturbed) host.kernel.meanwhile = [&] { host.lose("lan"); };
            const std::string file = host.disk.run() + "/dhcp/beside";
            std::ofstream(file) << "new_ip_address=10.7.0.84\nnew_subnet_cidr=24\n";
            std::filesystem::rename(file, host.disk.run() + "/dhcp/eno1-4.new");
        },
    });
    CHECK(told == std::vector<std::string>{"transaction.waiting", is_disturbed ? "transaction.rolled-back" : "transaction.committed"});
}

TEST_CASE("a guest that comes while netd listens is followed to the port that was made for it", "[reconciler]") {
    Host host;
    const topology::IfName vnet = topology::IfName::observed("vnet0"), bridge = topology::IfName::observed("ovs-eno1");
    const bool has_listened = GENERATE(false, true);  // to the kernel and to Open vSwitch, and hears of guests once more
    CAPTURE(has_listened);
    const auto comes = [&] {
        CHECK(host.kernel.meddle(topology::Create<bridges::Link>{{.name = vnet, .kind = bridges::Tap{}}}));
        CHECK(host.ovs.meddle(topology::Create<ovs::Port>{{.name = vnet, .bridge = bridge}}));
        guests::Nic nic{"vm", *topology::Mac::parse("52:54:00:00:00:01")};
        nic.device = vnet, nic.alias = "net0", nic.link = true;
        nic.facts.bridge = bridge.text();
        host.hypervisor.start("vm");
        host.hypervisor.plug_by_itself(nic);
    };
    const auto told = host.lives({
        [&] { host.asks_for(R"({"networks": {"web": {"nic": "eno1", "switch": "ovs"}}, "options": {"connectivityCheck": false}})"); },
        [&] {
            host.hypervisor.meanwhile = comes;
            if (has_listened) host.hypervisor.meanwhile = [&] { host.hypervisor.meanwhile = comes; };
        },
        [] {},
    });
    CHECK(std::ranges::count(told, "transaction.rolled-back") == 0);
    CHECK(host.ovs.truth().ports.find(vnet)->filter);
}

TEST_CASE("of whom the host heard nothing it hears nothing until Open vSwitch has told a netd that starts of its ports", "[reconciler]") {
    Host host;
    const topology::Unheard left{{topology::IfName::observed("web"), *topology::Mac::parse("52:54:00:00:00:01")}};
    host.kernel.unheard = left;
    host.ovs.connect(false);
    bool stays = false;
    host.lives({
        [&] {
            stays = host.kernel.unheard == left;
            host.ovs.connect(true);
        },
        [] {},
    });
    CHECK(stays);
    CHECK(host.kernel.unheard.empty());  // there are no such guests any more
}

}  // namespace heard_in_time_test
