// What systemd-resolved is told, and when again; and whether it is the one to be told.
#include "netd/daemon/host_resolver.hpp"
#include "netd/daemon/resolved.hpp"
#include "netd/store/files.hpp"
#include "tests/fakes/fake_resolved.hpp"
#include "tests/netd/transaction_house.hpp"

namespace resolved_test {

using namespace house;
using fakes::FakeResolved;
using lower::Resolver;
using netd::LinkCall;
using netd::RevertLink;
using netd::TellLink;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const topology::IfName web = *topology::IfName::parse("web"), db = *topology::IfName::parse("db");
const Resolver two{.nameservers = {"192.0.2.53", "2001:db8::53"}, .search = {"lab.example"}, .link = web};
const Resolver one{.nameservers = {"10.2.0.53"}, .link = db};
using Links = std::map<int, Resolver>;

struct Desk {
    Disk disk;
    fakes::FakeClock clock;
    FakeResolved resolved;
    std::optional<netd::Resolved> netd;
    Desk() {
        REQUIRE(store::make_directory(disk.run(), 0750));
        restart();
    }
    void restart() { netd.emplace(disk.run(), clock, resolved.door(clock)); }
    std::string refusal(int link, const Resolver& wanted) {
        const auto told = netd->sync(link, wanted);
        return told ? "" : told.error().what;
    }
};

}  // namespace

TEST_CASE("who is to have them has them before who had them loses them", "[resolver]") {
    CHECK(netd::calls_for({}, {5, two}) == std::vector<LinkCall>{TellLink{5, two}});
    CHECK(netd::calls_for({5}, {5, two}) == std::vector<LinkCall>{TellLink{5, two}});
    CHECK(netd::calls_for({4, 5}, {6, two}) == std::vector<LinkCall>{TellLink{6, two}, RevertLink{4}, RevertLink{5}});
    CHECK(netd::calls_for({4}, {}) == std::vector<LinkCall>{RevertLink{4}});
    CHECK(netd::calls_for({}, {}).empty());
}

TEST_CASE("what is so is not said again", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.resolved.opened == 0);
    CHECK(desk.netd->descriptor() == -1);
    REQUIRE(desk.netd->sync(5, two));
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.links == Links{{5, two}});
    CHECK(desk.resolved.heard.size() == 1);
    CHECK(desk.netd->nameservers() == two.nameservers);
    CHECK(desk.netd->next() == std::nullopt);
    CHECK_FALSE(desk.netd->hear());
}

TEST_CASE("they move with the link, and the last to have them is left as it was", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(5, two));
    REQUIRE(desk.netd->sync(6, one));
    CHECK(desk.resolved.links == Links{{6, one}});
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.resolved.links.empty());
    CHECK(desk.resolved.heard == std::vector<LinkCall>{TellLink{5, two}, TellLink{6, one}, RevertLink{5}, RevertLink{6}});
    CHECK(desk.netd->nameservers().empty());
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.netd->descriptor() == -1);
}

TEST_CASE("the next netd says it once, and takes back what the one before it said", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(5, two));
    desk.restart();
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.heard.size() == 2);
    desk.restart();
    REQUIRE(desk.netd->sync(6, one));
    CHECK(desk.resolved.links == Links{{6, one}});
    desk.restart();
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.resolved.links.empty());
    desk.restart();
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.resolved.opened == 4);
}

TEST_CASE("one that dies between saying and hearing leaves nothing behind", "[resolver]") {
    Desk desk;
    desk.resolved.is_silent = true;
    CHECK_FALSE(desk.netd->sync(5, two));
    desk.resolved.links = {{5, two}};
    desk.restart();
    desk.resolved.is_silent = false;
    REQUIRE(desk.netd->sync(0, {}));
    CHECK(desk.resolved.links.empty());
}

TEST_CASE("a resolved that starts is told what it should know", "[resolver]") {
    Desk desk;
    desk.resolved.runs = false;
    CHECK(desk.refusal(5, two) == "it does not run");
    CHECK(desk.netd->nameservers().empty());
    desk.resolved.start();
    REQUIRE(desk.netd->hear());
    CHECK(desk.refusal(5, two) == "it does not run");
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.links == Links{{5, two}});

    desk.resolved.links.clear();
    desk.resolved.start();
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.netd->nameservers() == two.nameservers);
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.links == Links{{5, two}});
    CHECK_FALSE(desk.netd->hear());
}

TEST_CASE("a resolved that hangs is waited for once, and for a second", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(6, one));
    desk.resolved.is_silent = true;
    const auto begun = desk.clock.boottime();
    CHECK(desk.refusal(5, two) == "it has not answered yet");
    CHECK(desk.clock.boottime() - begun == seconds(1));
    CHECK(desk.refusal(5, two) == "it has not answered yet");
    CHECK_FALSE(desk.netd->hear());
    CHECK(desk.clock.boottime() - begun == seconds(1));
    CHECK(desk.netd->nameservers().empty());

    // Something else is wanted before it has answered: said afterwards, in this order.
    CHECK_FALSE(desk.netd->sync(6, one));
    CHECK(desk.clock.boottime() - begun == seconds(2));
    desk.resolved.is_silent = false;
    REQUIRE(desk.netd->hear());
    CHECK(desk.resolved.links == Links{{5, two}});
    CHECK_FALSE(desk.netd->sync(6, one));
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(6, one));
    CHECK(desk.resolved.links == Links{{6, one}});
}

TEST_CASE("what it takes of others while it hangs is not what is wanted", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(5, two));
    desk.resolved.start();
    REQUIRE(desk.netd->hear());
    desk.resolved.is_silent = true;
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.refusal(6, one) == "it has not answered yet");
    CHECK(desk.netd->nameservers() == two.nameservers);
    desk.resolved.is_silent = false;
    REQUIRE(desk.netd->hear());
    CHECK(desk.refusal(6, one) == "it has not answered yet");
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(6, one));
    CHECK(desk.resolved.links == Links{{6, one}});
}

TEST_CASE("a link that resolved has not heard of yet is soon tried again, and ever later", "[resolver]") {
    Desk desk;
    desk.resolved.unknown = {5};
    CHECK(desk.refusal(5, two) == "no such link");
    CHECK(desk.refusal(5, two) == "no such link");
    CHECK(desk.resolved.heard.size() == 1);
    for (const auto pause : {milliseconds(200), milliseconds(400), milliseconds(800)}) {
        REQUIRE(desk.netd->next() == desk.clock.boottime() + pause);
        CHECK_FALSE(desk.netd->hear());
        desk.clock.advance(pause);
        REQUIRE(desk.netd->hear());
        CHECK(desk.refusal(5, two) == "no such link");
        REQUIRE(desk.netd->hear());
        CHECK(desk.refusal(5, two) == "no such link");
    }
    desk.resolved.unknown.clear();
    desk.clock.advance(seconds(30));
    REQUIRE(desk.netd->hear());
    CHECK_FALSE(desk.netd->sync(5, two));
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.links == Links{{5, two}});
    CHECK(desk.netd->next() == std::nullopt);
}

TEST_CASE("a bus that is gone is looked for again, and all is said anew", "[resolver]") {
    Desk desk;
    REQUIRE(desk.netd->sync(5, two));
    desk.resolved.has_bus = false;
    CHECK_FALSE(desk.netd->hear());
    CHECK(desk.refusal(5, two) == "it is gone");
    CHECK(desk.netd->descriptor() == -1);
    desk.clock.advance(seconds(1));
    REQUIRE(desk.netd->hear());
    CHECK(desk.refusal(5, two) == "there is none");
    desk.resolved.has_bus = true;
    desk.resolved.links.clear();
    desk.clock.advance(seconds(1));
    REQUIRE(desk.netd->hear());
    CHECK_FALSE(desk.netd->sync(5, two));
    REQUIRE(desk.netd->hear());
    REQUIRE(desk.netd->sync(5, two));
    CHECK(desk.resolved.links == Links{{5, two}});
}

TEST_CASE("resolved has the names where resolv.conf leads to it, there or not, and nowhere else", "[resolver]") {
    Disk disk;
    std::filesystem::create_directories(disk.run());
    const std::string path = disk.run() + "/resolv.conf";
    const auto link_to = [&](const std::string& target) {
        std::filesystem::remove(path);
        std::filesystem::create_symlink(target, path);
        return netd::leads_to_resolved(path);
    };
    CHECK_FALSE(netd::leads_to_resolved(path));
    CHECK(link_to("/run/systemd/resolve/stub-resolv.conf"));
    CHECK(link_to("/run/systemd/resolve/resolv.conf"));
    CHECK(link_to("../../../run/systemd/resolve/stub-resolv.conf"));
    CHECK(link_to("/usr/lib/systemd/resolv.conf"));
    CHECK_FALSE(link_to("/run/NetworkManager/resolv.conf"));
    CHECK_FALSE(link_to("/run/systemd/resolve"));
    CHECK_FALSE(link_to("/etc/resolvconf/run/resolv.conf"));

    const fakes::FakeClock clock;
    netd::HostResolver host(path, disk.run() + "/before", disk.run(), clock);
    CHECK_FALSE(host.obstacle().empty());
    CHECK_FALSE(host.sync(two));
    link_to("/run/systemd/resolve/stub-resolv.conf");
    CHECK(host.obstacle().empty());
    const auto told = host.sync({.nameservers = {"192.0.2.53"}, .link = *topology::IfName::parse("no-such-device")});
    REQUIRE_FALSE(told);
    CHECK(told.error().subject == "no-such-device");
    CHECK(std::filesystem::is_symlink(path));
    CHECK_FALSE(std::filesystem::exists(disk.run() + "/before"));
}

}  // namespace resolved_test
