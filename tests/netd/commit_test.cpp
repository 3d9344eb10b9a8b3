// What is to be committed is so, or goes back with the change, or the answer says that it is not.
#include "tests/netd/transaction_house.hpp"

namespace commit_test {

using namespace house;

namespace {

constexpr const char* before_request = R"({"networks": {"web": {"nic": "eno1"}}})";
constexpr const char* after_request = R"({"networks": {"web": {"nic": "eno1", "mtu": 9000}, "db": {"nic": "eno2", "vlan": 7}}})";

// A host with committed definitions, and a change that is to be committed as well.
struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2"};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;
    apply::Transactor transactor{{kernel, ovs}, disk.open(), clock};
    intent::Intent committed, asked;
    bridges::State before;

    Host() {
        std::ignore = transactor.recover();
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(before_request, {}, kernel), unasked)));
        REQUIRE(transactor.commit_running());
        committed = transactor.committed();
        asked = wanted(after_request, committed, kernel);
        before = kernel.truth();
    }
    // A folder can't be replaced by a file: as a disk that refuses that.
    void block(const char* name) const { std::filesystem::create_directory(disk.state() + name); }
    apply::Outcome change() { return change(asked); }
    apply::Outcome change(const intent::Intent& to) {
        apply::Terms terms = unasked;
        terms.commit = true;
        return transactor.begin(to, terms);
    }
    void require_committed(const intent::Intent& intent) const {
        CHECK(transactor.committed() == intent);
        CHECK((**disk.open().committed()).intent == intent);
        CHECK_FALSE(*disk.open().open_entry());
    }
};

}  // namespace

TEST_CASE("a change is committed with its end where that was asked for") {
    Host host;
    const auto outcome = host.change();
    REQUIRE(std::holds_alternative<apply::Committed>(outcome));
    CHECK_FALSE(std::get<apply::Committed>(outcome).uncommitted);
    host.require_committed(host.asked);
}

TEST_CASE("one for which the definitions before it can't be kept goes back") {
    Host host;
    host.block("/state.prev.new");
    const auto outcome = host.change();
    REQUIRE(std::holds_alternative<apply::RolledBack>(outcome));
    CHECK(std::get<apply::RolledBack>(outcome).because.subject == host.disk.state() + "/state");
    host.require_committed(host.committed);
    CHECK(host.transactor.running() == host.committed);
    CHECK_FALSE(host.transactor.trouble());
    require_same(host.before, host.kernel.truth());
}

TEST_CASE("one that turns out to be uncommitted after its end says so, and can be committed later") {
    Host host;
    host.block("/state.prev");
    const auto outcome = host.change();
    REQUIRE(std::holds_alternative<apply::Committed>(outcome));
    REQUIRE(std::get<apply::Committed>(outcome).uncommitted);
    CHECK(host.transactor.trouble() == std::get<apply::Committed>(outcome).uncommitted);
    host.require_committed(host.committed);
    CHECK(host.transactor.running() == host.asked);
    CHECK_FALSE(host.transactor.commit_running());
    std::filesystem::remove(host.disk.state() + "/state.prev");
    REQUIRE(host.transactor.commit_running());
    host.require_committed(host.asked);
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("after that it is not taken for granted that the definitions before it are those on disk") {
    Host host;
    host.block("/state.prev");
    REQUIRE(std::get<apply::Committed>(host.change()).uncommitted);
    REQUIRE(std::holds_alternative<apply::Committed>(host.transactor.begin(host.committed, unasked)));
    CHECK(std::holds_alternative<apply::RolledBack>(host.change(host.committed)));
    std::filesystem::remove(host.disk.state() + "/state.prev");
    CHECK(std::holds_alternative<apply::Committed>(host.change(host.committed)));
    host.require_committed(host.committed);
    CHECK_FALSE(host.transactor.trouble());
}

}  // namespace commit_test
