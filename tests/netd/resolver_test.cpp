// The host's resolv.conf: netd's while it has something to say, else what was there.
#include "netd/store/files.hpp"
#include "netd/daemon/resolver_file.hpp"
#include "tests/netd/transaction_house.hpp"

#include <fstream>

namespace resolver_test {

using namespace house;
using lower::Resolver;
using store::content_of;

namespace {

struct File {
    Disk disk;
    std::string path = disk.run() + "/resolv.conf", kept = disk.run() + "/before";
    netd::ResolverFile file{path, kept};
    File() { std::filesystem::create_directories(disk.run()); }
    void write(const std::string& text) const { std::ofstream(path) << text; }
};

const Resolver two{.nameservers = {"192.0.2.53", "2001:db8::53"}, .search = {"lab.example", "example"}};

}  // namespace

TEST_CASE("what was there is kept, and comes back", "[resolver]") {
    File host;
    const std::string before = "nameserver 198.51.100.1 # the router\noptions edns0\n";
    host.write(before);
    REQUIRE(host.file.sync({}));
    CHECK(content_of(host.path) == before);
    REQUIRE(host.file.sync(two));
    CHECK(content_of(host.path) == netd::resolver_text(two, before));
    CHECK_THAT(content_of(host.path), Catch::EndsWith("\noptions edns0\n"));
    CHECK(host.file.nameservers() == two.nameservers);
    REQUIRE(host.file.sync({.search = {"lab.example"}}));
    CHECK(host.file.nameservers() == std::vector<std::string>{"198.51.100.1"});
    const Resolver one{.nameservers = {"10.0.0.1"}};
    REQUIRE(host.file.sync(one));
    CHECK(host.file.nameservers() == one.nameservers);
    CHECK(content_of(host.kept) == before);
    REQUIRE(host.file.sync({}));
    CHECK(content_of(host.path) == before);
    CHECK_FALSE(std::filesystem::exists(host.kept));
}

TEST_CASE("where there was no file there is none afterwards", "[resolver]") {
    File host;
    REQUIRE(host.file.sync(two));
    REQUIRE(host.file.sync({}));
    CHECK_FALSE(std::filesystem::exists(host.path));
    CHECK(host.file.nameservers().empty());
}

TEST_CASE("what somebody else wrote meanwhile is what comes back", "[resolver]") {
    File host;
    host.write("nameserver 198.51.100.1\n");
    REQUIRE(host.file.sync(two));
    host.write("nameserver 198.51.100.2\n");
    REQUIRE(host.file.sync({}));
    CHECK(content_of(host.path) == "nameserver 198.51.100.2\n");
    REQUIRE(host.file.sync(two));
    REQUIRE(host.file.sync({}));
    CHECK(content_of(host.path) == "nameserver 198.51.100.2\n");
}

TEST_CASE("what can't be read is not taken for empty", "[resolver]") {
    File host;
    host.write("nameserver 198.51.100.1\n");
    REQUIRE(host.file.sync(two));
    const std::string written = content_of(host.path);
    std::filesystem::rename(host.kept, host.kept + ".away");
    std::filesystem::create_directory(host.kept);
    CHECK_FALSE(host.file.sync({}));
    CHECK(content_of(host.path) == written);
    std::filesystem::remove(host.kept);
    std::filesystem::rename(host.kept + ".away", host.kept);
    REQUIRE(host.file.sync({}));
    CHECK(content_of(host.path) == "nameserver 198.51.100.1\n");
}

TEST_CASE("a link is another program's", "[resolver]") {
    File host;
    std::filesystem::create_symlink("stub", host.path);
    CHECK_FALSE(host.file.obstacle().empty());
    CHECK_FALSE(host.file.sync(two));
    CHECK(host.file.sync({}));
    CHECK(std::filesystem::is_symlink(host.path));
    CHECK_FALSE(std::filesystem::exists(host.disk.run() + "/stub"));
}

TEST_CASE("the definition's nameservers win over the lease's, of the network with the default route", "[resolver]") {
    intent::Network web{*intent::NetworkName::parse("web")};
    web.nic = *topology::IfName::parse("eno1");
    web.bootproto = intent::BootProto::dhcp;
    const lower::Leases leases{{"eno1-4", {.nameservers = {*topology::IpAddress::parse("10.7.0.53")}, .search = {"seven.example"}}}};
    const auto told = [&](const intent::Network& network) {
        intent::Intent intent;
        intent.put(network);
        return lower::resolver_of(intent, leases);
    };
    CHECK(told(web).empty());
    web.default_route = true;
    CHECK(told(web) == Resolver{{"10.7.0.53"}, {"seven.example"}, *topology::IfName::parse("web")});
    web.nameservers = {*topology::IpAddress::parse("192.0.2.53")};
    CHECK(told(web) == Resolver{{"192.0.2.53"}, {"seven.example"}, *topology::IfName::parse("web")});
    web.bootproto = intent::BootProto::none;
    web.bridged = false;
    CHECK(told(web) == Resolver{{"192.0.2.53"}, {}, *topology::IfName::parse("eno1")});
}

}  // namespace resolver_test
