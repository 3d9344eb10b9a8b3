// How long a lease is held: for as long as its own server gave it, whatever is offered in its place.
#include "netd/daemon/lease_file.hpp"
#include "netd/daemon/lease_folder.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/netd/transaction_house.hpp"

#include <fmt/format.h>

#include <fstream>

namespace lease_ends_test {

using namespace std::chrono_literals;
using netd::LeaseFolder;

namespace {

// From the moment 1000 s on, when the clock begins.
std::string given(const char* address, int seconds, int since = 1000) {
    return fmt::format("netd_since={}000000000\nnew_ip_address={}\nnew_subnet_cidr=24\nnew_dhcp_lease_time={}\n", since, address, seconds);
}

const std::string first = given("10.7.0.50", 600), second = given("10.9.0.50", 600, 1300);

struct Folder {
    house::Disk disk;
    fakes::FakeClock clock;
    std::string path = disk.run() + "/dhcp";
    Folder() { std::filesystem::create_directories(disk.run()); }
    LeaseFolder open() {
        auto opened = LeaseFolder::open(path, clock);
        REQUIRE(opened);
        return std::move(*opened);
    }
    // As the hook does.
    void bring(LeaseFolder& leases, const std::string& text) {
        std::ofstream(path + "/beside") << text;
        std::filesystem::rename(path + "/beside", path + "/eno1-4.new");
        leases.hear();
    }
    LeaseFolder holding_first() {
        LeaseFolder leases = open();
        bring(leases, first);
        leases.settle();
        return leases;
    }
};

lower::Leases only(const std::string& text) { return {{"eno1-4", *netd::read_lease(text)}}; }

}  // namespace

TEST_CASE("a lease that is not taken does not prolong the one from before", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.holding_first();
    folder.clock.advance(300s);
    folder.bring(leases, second);
    CHECK(leases.next() == 1600s);
    CHECK_FALSE(leases.end_held());
    CHECK(leases.held() == only(first));

    folder.clock.advance(299s);  // and the client is content with it
    folder.bring(leases, given("10.9.0.50", 600, 1599));
    CHECK(leases.next() == 1600s);
    folder.clock.advance(1s);
    leases.hear();
    CHECK(leases.offered() == only(second));  // it might be taken now
    CHECK(leases.end_held());
    CHECK(leases.offered().empty());
    CHECK(leases.news() == std::set<std::string>{"eno1-4"});
    CHECK(leases.next() == std::nullopt);  // nothing to wake up for until that is done
    CHECK_FALSE(leases.end_held());

    // Then it is looked at again, without the one from before.
    leases.settle();
    CHECK(leases.held().empty());
    CHECK(leases.offered() == only(second));
    CHECK(leases.next() == 2199s);
    CHECK_FALSE(leases.end_held());
    leases.settle();
    CHECK(leases.held() == only(second));
}

TEST_CASE("a lease that was never taken takes none with it when it ends", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.holding_first();
    folder.bring(leases, given("10.9.0.50", 60));
    CHECK_FALSE(leases.end_held());
    folder.clock.advance(60s);
    leases.hear();
    CHECK(leases.news().empty());
    CHECK(leases.held() == only(first));
    CHECK(leases.next() == 1600s);
    // But a client that has none has none.
    folder.bring(leases, second);
    folder.bring(leases, "");
    CHECK(leases.offered().empty());
    CHECK(leases.news() == std::set<std::string>{"eno1-4"});
}

TEST_CASE("a start knows how long a lease lasts in whose place another one is offered", "[leases]") {
    Folder folder;
    {
        LeaseFolder leases = folder.holding_first();
        folder.bring(leases, second);
    }
    {
        LeaseFolder leases = folder.open();
        CHECK(leases.next() == 1600s);
        CHECK_FALSE(leases.end_held());
    }
    folder.clock.advance(600s);
    {
        // Killed before the host was made without it.
        LeaseFolder leases = folder.open();
        CHECK(leases.held() == only(first));
        CHECK(leases.end_held());
    }
    {
        LeaseFolder leases = folder.open();
        CHECK(leases.held() == only(first));
        CHECK(leases.offered() == only(second));
        CHECK(leases.end_held());
        leases.settle();
    }
    LeaseFolder leases = folder.open();
    CHECK(leases.held().empty());
    CHECK(leases.offered() == only(second));
}

TEST_CASE("what was offered and is over is not offered again when the one from before ends", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.holding_first();
    folder.bring(leases, given("10.9.0.50", 601));
    folder.clock.advance(600s);
    leases.hear();
    CHECK(leases.end_held());
    folder.clock.advance(1s);
    leases.settle();
    CHECK(leases.held().empty());
    CHECK(leases.offered().empty());
    CHECK(leases.keys_of(".taken")->empty());
    CHECK_FALSE(leases.has_offers());
}

TEST_CASE("the lease itself, given once more, lasts longer, and one without an end has none", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.holding_first();
    folder.bring(leases, second);
    folder.bring(leases, given("10.7.0.50", 600, 1500));
    CHECK_FALSE(leases.has_offers());
    folder.bring(leases, second);
    folder.clock.advance(700s);
    leases.hear();
    CHECK_FALSE(leases.end_held());
    CHECK(leases.next() == 1900s);  // the other one; the held lasts until 2100 s

    folder.bring(leases, "new_ip_address=10.7.0.50\nnew_subnet_cidr=24\n");
    folder.bring(leases, given("10.9.0.50", 10000, 1500));
    folder.clock.advance(9000s);
    leases.hear();
    CHECK_FALSE(leases.end_held());
    CHECK(leases.held() == only(first));
}

TEST_CASE("a lease that can't be read is not one that has ended, and is read when it can be", "[leases]") {
    Folder folder;
    LeaseFolder leases = folder.holding_first();
    // Whoever has no descriptor left reads nothing; a link in its place is no lease either.
    std::filesystem::create_symlink("nowhere", folder.path + "/beside");
    std::filesystem::rename(folder.path + "/beside", folder.path + "/eno1-4.new");
    leases.hear();
    CHECK(leases.offered() == only(first));
    CHECK(leases.news().empty());
    CHECK(std::filesystem::exists(folder.path + "/eno1-4.lease"));
    CHECK(leases.next() == 1002s);

    // Also when it is tried again; and what is held ends by its own time meanwhile.
    folder.clock.advance(600s);
    leases.hear();
    CHECK(leases.news() == std::set<std::string>{"eno1-4"});
    leases.settle();
    CHECK(leases.held().empty());
    CHECK(leases.keys_of(".lease")->empty());
    CHECK(leases.next() == 1602s);

    std::filesystem::remove(folder.path + "/eno1-4.taken");
    std::ofstream(folder.path + "/eno1-4.taken") << second;
    leases.hear();
    CHECK(leases.offered().empty());
    folder.clock.advance(2s);
    leases.hear();
    CHECK(leases.offered() == only(second));
    leases.settle();
    CHECK(leases.held() == only(second));
    CHECK(leases.next() == 1900s);
}

}  // namespace lease_ends_test
