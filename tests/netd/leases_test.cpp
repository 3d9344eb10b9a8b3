// Leases: how they are read, how they are kept over crashes, and what the host is made of by them.
#include "netd/daemon/dhcp_clients.hpp"
#include "netd/daemon/lease_file.hpp"
#include "netd/daemon/lease_folder.hpp"
#include "netd/lower/naming.hpp"
#include "tests/netd/transaction_house.hpp"

#include <fstream>

namespace leases_test {

using namespace house;
using namespace std::chrono_literals;
using lower::Lease;
using netd::LeaseFolder;
using lower::Leases;
using topology::IpAddress;
using topology::Subnet;

namespace {

const std::string seven = "netd_since=1000000000000\nnew_ip_address=10.7.0.84\nnew_subnet_cidr=24\nnew_routers=10.7.0.1 10.7.0.9\n"
                          "new_domain_name_servers=10.7.0.53 10.7.0.54\nnew_domain_name=lab.example\nnew_dhcp_lease_time=120\n";

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Subnet net(const char* text) { return *Subnet::parse(text); }

Lease lease(const char* address, const char* gateway) { return {.addresses = {net(address)}, .gateway = ip(gateway)}; }

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct Folder {
    Disk disk;
    fakes::FakeClock clock;
    std::string path = disk.run() + "/dhcp";
    Folder() { std::filesystem::create_directories(disk.run()); }
    LeaseFolder open() {
        auto opened = LeaseFolder::open(path, clock);
        REQUIRE(opened);
        return std::move(*opened);
    }
    // As the hook does.
    void bring(const std::string& key, const std::string& text) {
        write(path + "/beside", text);
        std::filesystem::rename(path + "/beside", path + "/" + key + ".new");
    }
};

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;
    Leases held;
    apply::Transactor transactor{{faulty, ovs, guests::nobody(), &held}, disk.open(), clock};

    Host() { std::ignore = transactor.recover(); }
    void define(const char* text) { REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(text, transactor.running(), kernel), unasked))); }
    void follow(const Leases& now) {
        REQUIRE(transactor.follow(now));
        held = now;
    }
    std::set<Subnet> addresses(const char* device) { return kernel.truth().links.find(topology::IfName::observed(device))->addresses.value(); }
    std::set<std::string> sources() const {
        std::set<std::string> all;
        for (const bridges::Rule& rule : kernel.truth().rules)
            if (rule.from) all.insert(rule.from->text());
        return all;
    }
    std::vector<std::string> ways() const {
        std::vector<std::string> all;
        for (const auto& route : kernel.truth().routes)
            if (route.protocol == bridges::Route::ours) all.push_back((route.table == bridges::Route::main_table ? "" : "own: ") + route.to.text() + " " + (route.via ? route.via->text() : "-"));
        return all;
    }
};

}  // namespace

TEST_CASE("no server gives what is another network's, nor half the world to a network beside the default route", "[leases]") {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    const auto intent = wanted(R"({"networks": {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
                                                "db": {"nic": "eno2", "bootproto": "dhcp"}, "web": {"nic": "eno3", "bootproto": "dhcp"}}})", {}, kernel);
    const intent::Network &db = *intent.network("db"), &management = *intent.network("ovirtmgmt");
    const auto why = [&](const char* address, const Leases& held = {}) { return lower::unfit(lease(address, "192.0.2.1"), db, intent, held); };
    CHECK(why("192.0.2.10/24") == "192.0.2.10 is the address of network ovirtmgmt");
    CHECK(why("192.0.2.10/32") == "192.0.2.10 is the address of network ovirtmgmt");
    CHECK(why("10.7.0.84/1") == "the subnet of 10.7.0.84/1 is wider than a /8");
    CHECK(lower::unfit(lease("10.7.0.84/1", "10.7.0.1"), management, intent, {}).empty());
    CHECK(why("192.0.2.11/24").empty());  // to share a subnet is lawful
    CHECK(why("10.7.0.84/8").empty());
    const Lease same = lease("10.7.0.84/24", "10.7.0.1");
    CHECK(why("10.7.0.84/24", {{"eno3-4", same}}) == "10.7.0.84 is the address of network web");
    CHECK(why("10.7.0.84/24", {{"eno2-4", same}}).empty());
    CHECK(why("10.7.0.84/24", {{"eno4-4", same}}).empty());  // its own, from where it was before
}

TEST_CASE("a lease is what the client says, less what can't be", "[leases]") {
    const Lease all{.addresses = {net("10.7.0.84/24")}, .gateway = ip("10.7.0.1"), .nameservers = {ip("10.7.0.53"), ip("10.7.0.54")}, .search = {"lab.example"}};
    CHECK(netd::read_lease(seven) == all);
    CHECK(netd::end_of_lease(seven) == 1120s);
    CHECK(netd::end_of_lease("netd_since=1000000000000\nnew_dhcp_lease_time=4294967295\n") == std::nullopt);

    // Of DHCPv6 each address has a time of its own; one of none is withdrawn.
    const std::string withdrawn = "netd_since=1000000000000\nnew_dhcp6_ia_na1_ia_addr1=fd00::5\nnew_dhcp6_ia_na1_ia_addr1_vltime=7200\n"
                                  "new_dhcp6_ia_na1_ia_addr2=fd00::6\nnew_dhcp6_ia_na1_ia_addr2_vltime=0\n";
    CHECK(netd::read_lease(withdrawn)->addresses == std::set{net("fd00::5/128")});
    CHECK(netd::end_of_lease(withdrawn) == 8200s);
    CHECK(netd::end_of_lease(withdrawn + "new_dhcp6_ia_na1_ia_addr3=fd00::7\nnew_dhcp6_ia_na1_ia_addr3_vltime=60\n") == 1060s);

    // A router that a classless static route names wins, and without one there is none (RFC 3442).
    CHECK(netd::read_lease(seven + "new_classless_static_routes=0.0.0.0/0 10.7.0.2 10.9.0.0/16 10.7.0.3\n")->gateway == ip("10.7.0.2"));
    const auto routes = netd::read_lease(seven + "new_classless_static_routes=10.9.0.0/16 10.7.0.3\n");
    CHECK(routes->gateway == std::nullopt);
    CHECK(routes->routes == std::vector{intent::StaticRoute{net("10.9.0.0/16"), ip("10.7.0.3")}});

    for (const char* bad : {"", "new_ip_address=\n", "new_ip_address=10.0.0.300\n", "new_ip_address=10.0.0.1\nnew_subnet_cidr=33\n", "new_ip_address=10.0.0.1\nnew_subnet_cidr=0\n", "new_subnet_cidr=24\n"})
        CHECK(netd::read_lease(bad) == std::nullopt);
    for (const char* unfit : {"127.0.0.5", "0.0.0.0", "224.0.0.1", "10.7.0.255"}) CHECK(netd::read_lease(std::string("new_subnet_cidr=24\nnew_ip_address=") + unfit) == std::nullopt);
    CHECK(netd::read_lease("new_ip_address=10.7.0.84\nnew_subnet_cidr=24\nnew_domain_name_servers=0.0.0.0 224.0.0.1 127.0.0.1 10.7.0.53\n")->nameservers == std::vector{ip("10.7.0.53")});
    for (const char* router : {"0.0.0.0", "10.7.0.84", "; reboot", ""})
        CHECK(netd::read_lease(std::string("new_ip_address=10.7.0.84\nnew_subnet_cidr=24\nnew_routers=") + router)->gateway == std::nullopt);
}

TEST_CASE("a router outside the subnet is on the wire", "[leases]") {
    const std::string alone = "new_ip_address=10.7.0.84\nnew_subnet_cidr=32\n";
    const Lease all{.addresses = {net("10.7.0.84/32")}, .gateway = ip("10.7.0.1"), .on_link = {net("10.7.0.1/32")}};
    CHECK(netd::read_lease(alone + "new_routers=10.7.0.1\n") == all);
    CHECK(netd::read_lease(alone + "new_classless_static_routes=10.7.0.1/32 0.0.0.0 0.0.0.0/0 10.7.0.1\n") == all);
}

TEST_CASE("only a server ends a lease, or its time", "[leases]") {
    using netd::News, netd::news_of;
    for (const char* reason : {"BOUND", "RENEW", "REBIND", "REBOOT", "BOUND6"}) CHECK(news_of(reason) == News::brings);
    for (const char* reason : {"PREINIT", "CARRIER", "NOCARRIER", "EXPIRE", "STOP", "STOPPED", "DEPARTED", "ROUTERADVERT", ""}) CHECK(news_of(reason) == News::keeps);
    CHECK(news_of("NAK") == News::ends);
}

TEST_CASE("what was brought is offered, then held, and a start at any moment knows which", "[leases]") {
    Folder folder;
    {
        LeaseFolder leases = folder.open();
        CHECK(leases.offered().empty());
        folder.bring("eno1-4", seven);
        leases.hear();
        CHECK(leases.has_offers());
        CHECK(leases.held().empty());
        CHECK(leases.offered().at("eno1-4") == *netd::read_lease(seven));
    }
    // Killed before the host was made by it.
    {
        LeaseFolder leases = folder.open();
        CHECK(leases.held().empty());
        REQUIRE(leases.has_offers());
        leases.settle();
    }
    LeaseFolder leases = folder.open();
    CHECK_FALSE(leases.has_offers());
    CHECK(leases.held().contains("eno1-4"));

    // The same again is no news, but a longer life.
    folder.bring("eno1-4", "netd_since=1100000000000" + seven.substr(seven.find('\n')));
    leases.hear();
    CHECK_FALSE(leases.has_offers());
    CHECK(leases.next() == 1220s);

    folder.clock.advance(250s);
    leases.hear();
    CHECK(leases.has_offers());
    CHECK(leases.offered().empty());
    leases.settle();
    CHECK(folder.open().held().empty());
}

TEST_CASE("a server's no ends a lease, and a network's end all that is known of it", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.open();
    folder.bring("eno1-4", seven);
    folder.bring("eno2-4", seven);
    leases.hear();
    leases.settle();
    folder.bring("eno1-4", "");
    leases.hear();
    CHECK(leases.held().size() == 2);
    CHECK(leases.offered().size() == 1);
    leases.settle();
    leases.keep_only({"eno1-4"});
    CHECK(leases.held().empty());
    CHECK(leases.keys_of(".lease")->empty());
    CHECK_FALSE(leases.next());
}

TEST_CASE("one lease is settled though another one can't be", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.open();
    folder.bring("eno1-4", seven);
    folder.bring("eno2-4", seven);
    leases.hear();
    CHECK(leases.news() == std::set<std::string>{"eno1-4", "eno2-4"});
    leases.settle({"eno2-4"});
    CHECK(leases.news() == std::set<std::string>{"eno1-4"});
    CHECK(leases.held().size() == 1);
    // And what comes again meanwhile is kept as it should be.
    folder.bring("eno2-4", seven);
    leases.hear();
    CHECK(*leases.keys_of(".lease") == std::set<std::string>{"eno2-4"});
    CHECK(*leases.keys_of(".taken") == std::set<std::string>{"eno1-4"});
    CHECK(folder.open().news() == std::set<std::string>{"eno1-4"});
}

TEST_CASE("a lease stays with the wire when its network becomes bridged", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bridged": false, "bootproto": "dhcp", "defaultRoute": true}}})");
    CHECK(host.addresses("eno1").empty());
    CHECK(lower::clients_of(host.transactor.running()) == lower::Clients{{"eno1-4", {"eno1-4", *topology::IfName::parse("eno1")}}});
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    CHECK(host.addresses("eno1") == std::set{net("10.7.0.84/24")});
    CHECK(host.ways() == std::vector<std::string>{"0.0.0.0/0 10.7.0.1"});

    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": true}}})");
    CHECK(host.addresses("eno1").empty());
    CHECK(host.addresses("web") == std::set{net("10.7.0.84/24")});
    CHECK(lower::clients_of(host.transactor.running()).at("eno1-4").device.text() == "web");

    host.define(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "192.0.2.1", "prefix": 24}}})");
    CHECK(host.addresses("web") == std::set{net("192.0.2.1/24")});
    CHECK(host.ways().empty());
}

TEST_CASE("who asks a server in vain is without a lease, whatever else it has", "[leases]") {
    Host host;
    host.define(R"({"networks": {"a": {"nic": "eno1", "bootproto": "dhcp", "addresses": ["10.9.0.5/24"]}, "b": {"nic": "eno2", "ipv6autoconf": true, "dhcpv6": true}, "c": {}}})");
    const auto without = [&] {
        std::set<std::string> names;
        for (const auto& name : lower::without_lease(host.transactor.running(), &host.held)) names.insert(name.text());
        return names;
    };
    CHECK(without() == std::set<std::string>{"a", "b"});
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    CHECK(without() == std::set<std::string>{"b"});
}

TEST_CASE("another lease leaves nothing of the one before, and none leaves nothing", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "addresses": ["192.0.2.1/24"]}}})");
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    CHECK(host.ways() == std::vector<std::string>{"own: 0.0.0.0/0 10.7.0.1", "own: 10.7.0.0/24 -", "own: 192.0.2.0/24 -"});
    CHECK(host.kernel.truth().rules.size() == 3);  // and the one that forwards nothing, which asks for no lease
    host.follow({{"eno1-4", lease("10.8.0.84/24", "10.8.0.1")}});
    CHECK(host.addresses("web") == std::set{net("10.8.0.84/24"), net("192.0.2.1/24")});
    CHECK(host.ways() == std::vector<std::string>{"own: 0.0.0.0/0 10.8.0.1", "own: 10.8.0.0/24 -", "own: 192.0.2.0/24 -"});
    CHECK(host.kernel.truth().rules.size() == 3);
    host.follow({});
    CHECK(host.addresses("web") == std::set{net("192.0.2.1/24")});
    CHECK(host.ways().empty());
    CHECK(host.kernel.truth().rules == topology::Keyed<bridges::Rule>{{.priority = bridges::Rule::refusals, .in = *topology::IfName::parse("web"), .drops = true}});
}

TEST_CASE("a server says nothing about where a network is at home", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp"},
                                 "mgmt": {"nic": "eno2", "ipaddr": "10.2.0.1", "prefix": 24, "routes": [{"to": "10.5.0.0/16", "via": "10.2.0.9"}]}}})");
    Lease said = lease("10.7.0.84/24", "10.7.0.1");
    for (const char* to : {"10.2.0.0/24", "10.2.0.9/32", "10.5.1.0/24", "10.7.0.0/24", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.3.0.0/24"}) said.routes.push_back({net(to), ip("10.7.0.1")});
    said.routes.push_back({net("10.4.0.0/16"), ip("10.2.0.9")});  // by a router that it can't reach
    said.on_link = {net("10.2.0.9/32"), net("10.6.0.1/32")};
    host.follow({{"eno1-4", said}});
    const auto all = host.ways();
    CHECK(std::set(all.begin(), all.end()) == std::set<std::string>{"own: 0.0.0.0/0 10.7.0.1", "own: 10.7.0.0/24 -", "own: 10.0.0.0/8 10.7.0.1", "own: 10.3.0.0/24 10.7.0.1", "own: 10.6.0.1/32 -", "10.0.0.0/8 10.7.0.1", "10.3.0.0/24 10.7.0.1", "10.5.0.0/16 10.2.0.9", "10.6.0.1/32 -"});
    CHECK(lower::ways_of(said, *host.transactor.running().network("web"), host.transactor.running(), {{"eno1-4", said}}).refused.size() == 8);

    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": true}}})");
    const auto ways = host.ways();
    CHECK(std::ranges::count(ways, "0.0.0.0/1 10.7.0.1") == 1);
    CHECK(std::ranges::count(ways, "10.2.0.0/24 10.7.0.1") == 0);
}

TEST_CASE("a way of a lease goes when a network comes to be at home there", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp"}, "far": {"nic": "eno2", "bootproto": "dhcp"}}})");
    Lease said = lease("10.7.0.84/24", "10.7.0.1"), cloud{.addresses = {net("172.16.0.9/32")}, .gateway = ip("172.31.1.1"), .on_link = {net("172.31.1.1/32")}};
    for (const char* to : {"10.3.0.0/24", "10.4.0.0/24", "172.31.1.1/32"}) said.routes.push_back({net(to), ip("10.7.0.1")});
    const auto leads = [&](const char* way) {
        const auto ways = host.ways();
        return std::ranges::count(ways, way) == 1;
    };
    host.follow({{"eno1-4", said}});
    CHECK((leads("10.3.0.0/24 10.7.0.1") && leads("172.31.1.1/32 10.7.0.1")));
    host.define(R"({"networks": {"db": {"ipaddr": "10.3.0.5", "prefix": 24}}})");
    CHECK((!leads("10.3.0.0/24 10.7.0.1") && leads("10.4.0.0/24 10.7.0.1")));
    host.follow({{"eno1-4", said}, {"eno2-4", cloud}});
    CHECK((!leads("172.31.1.1/32 10.7.0.1") && leads("172.31.1.1/32 -")));
    host.define(R"({"networks": {"db": {"remove": true}}})");
    CHECK(leads("10.3.0.0/24 10.7.0.1"));
}

TEST_CASE("whose subnets have addresses in common leave by addresses of their own", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "10.7.3.4", "prefix": 16, "gateway": "10.7.0.1"}}})");
    CHECK(host.sources() == std::set<std::string>{"10.7.0.0/16"});
    host.define(R"({"networks": {"db": {"nic": "eno2", "ipaddr": "10.7.3.99", "prefix": 24, "gateway": "10.7.3.1"}}})");
    CHECK(host.sources() == std::set<std::string>{"10.7.3.4/32", "10.7.3.99/32"});
    host.define(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "10.8.3.4", "prefix": 16, "gateway": "10.8.0.1"}}})");
    CHECK(host.sources() == std::set<std::string>{"10.7.3.0/24", "10.8.0.0/16"});
    host.define(R"({"networks": {"db": {"nic": "eno2", "ipaddr": "10.8.200.9", "prefix": 12, "gateway": "10.8.0.1"}}})");
    CHECK(host.sources() == std::set<std::string>{"10.8.200.9/32", "10.8.3.4/32"});
    host.define(R"({"networks": {"db": {"remove": true}}})");
    CHECK(host.sources() == std::set<std::string>{"10.8.0.0/16"});
}

TEST_CASE("who shares a subnet with a lease leaves by an address of its own", "[leases]") {
    Host host;
    host.define(R"({"networks": {"db": {"nic": "eno2", "ipaddr": "10.7.0.99", "prefix": 24, "gateway": "10.7.0.3"}, "web": {"nic": "eno1", "bootproto": "dhcp"}}})");
    CHECK(host.sources() == std::set<std::string>{"10.7.0.0/24"});
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    CHECK(host.sources() == std::set<std::string>{"10.7.0.84/32", "10.7.0.99/32"});
    host.follow({{"eno1-4", lease("10.8.0.84/24", "10.8.0.1")}});
    CHECK(host.sources() == std::set<std::string>{"10.7.0.0/24", "10.8.0.84/32"});
}

TEST_CASE("a change goes back to the lease of now", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": true}}})");
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    const auto goes_back = [&](const char* change, const Leases& meanwhile) {
        REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted(change, host.transactor.running(), host.kernel), to_be_confirmed)));
        host.follow(meanwhile);
        REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
    };
    goes_back(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": true, "mtu": 1400}}})", {{"eno1-4", lease("10.7.0.60/24", "10.7.0.2")}});
    CHECK(host.addresses("web") == std::set{net("10.7.0.60/24")});
    CHECK(host.ways() == std::vector<std::string>{"0.0.0.0/0 10.7.0.2"});
    goes_back(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "10.9.0.9", "prefix": 24}}})", {{"eno1-4", lease("10.7.0.61/24", "10.7.0.1")}});
    CHECK(host.addresses("web") == std::set{net("10.7.0.61/24")});
    CHECK(host.ways() == std::vector<std::string>{"0.0.0.0/0 10.7.0.1"});
    goes_back(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "10.9.0.9", "prefix": 24}}})", {});
    CHECK(host.addresses("web").empty());
    CHECK(host.ways().empty());
}

TEST_CASE("a lease that comes while a change waits goes back with it", "[leases]") {
    Host host;
    host.define(R"({"networks": {"db": {"nic": "eno2"}}})");
    const bridges::State before = host.kernel.truth();
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted(R"({"networks": {"web": {"nic": "eno1", "bridged": false, "bootproto": "dhcp"}}})", host.transactor.running(), host.kernel), to_be_confirmed)));
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    CHECK(host.addresses("eno1") == std::set{net("10.7.0.84/24")});
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
    require_same(before, host.kernel.truth());
}

TEST_CASE("a lease that can't be followed while a change waits leaves the host as it was", "[leases]") {
    for (const char* change : {R"({"networks": {"db": {"nic": "eno2"}}})", R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp", "mtu": 1400}}})"}) {
        CAPTURE(change);
        Host host;
        host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp"}}})");
        host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
        const bridges::State at_first = host.kernel.truth();
        REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted(change, host.transactor.running(), host.kernel), to_be_confirmed)));
        const bridges::State before = host.kernel.truth();
        host.faulty.refuses = [](const bridges::Op& op) {
            const auto* update = std::get_if<topology::Update<bridges::Link>>(&op);
            return update && update->now.addresses && update->now.addresses->contains(net("10.8.0.84/24"));
        };
        CHECK_FALSE(host.transactor.follow({{"eno1-4", lease("10.8.0.84/24", "10.8.0.1")}}));
        require_same(before, host.kernel.truth());
        CHECK(host.transactor.waiting());
        // Nor does the way back lead to it.
        REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed"})));
        require_same(at_first, host.kernel.truth());
    }
}

TEST_CASE("a call waits for its lease though the network asks already", "[leases]") {
    Host host;
    const char* asks = R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp"}}})";
    host.define(asks);
    apply::Terms terms = apply::terms_of(read(asks));
    terms.awaited = {"a lease"};
    const bridges::State before = host.kernel.truth();
    for (const bool comes : {false, true}) {
        const intent::Intent running = host.transactor.running();
        REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted(asks, running, host.kernel), terms)));
        if (comes) {
            host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
            REQUIRE(std::holds_alternative<apply::Committed>(host.transactor.confirm()));
            CHECK(host.addresses("web") == std::set{net("10.7.0.84/24")});
        } else {
            REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "no lease"})));
            require_same(before, host.kernel.truth());
        }
        CHECK(host.transactor.running() == running);
        CHECK_FALSE(*host.disk.open().open_entry());
    }
}

TEST_CASE("a lease that changes while another network waits stays", "[leases]") {
    Host host;
    host.define(R"({"networks": {"web": {"nic": "eno1", "bootproto": "dhcp"}}})");
    host.follow({{"eno1-4", lease("10.7.0.84/24", "10.7.0.1")}});
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted(R"({"networks": {"db": {"nic": "eno2"}}})", host.transactor.running(), host.kernel), to_be_confirmed)));
    for (const char* other : {"10.9.0.84/24", "10.8.0.84/24"}) host.follow({{"eno1-4", lease(other, other[3] == '9' ? "10.9.0.1" : "10.8.0.1")}});
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
    CHECK(host.addresses("web") == std::set{net("10.8.0.84/24")});
    CHECK(host.ways() == std::vector<std::string>{"own: 0.0.0.0/0 10.8.0.1", "own: 10.8.0.0/24 -"});
    CHECK_FALSE(host.kernel.truth().links.contains(*topology::IfName::parse("db")));
}

}  // namespace leases_test
