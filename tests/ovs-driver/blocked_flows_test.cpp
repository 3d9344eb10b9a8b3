// An ovs-vswitchd that stands still costs its moment once, however many bridges it has.
#include "ovs-driver/blocked_flows.hpp"

#include "tests/netd/zmq_client.hpp"

namespace blocked_flows_test {

namespace {

// The sockets of bridges whose ovs-vswitchd takes nobody's call.
struct StandsStill {
    explicit StandsStill(int bridges) {
        for (int n = 0; n < bridges; ++n) {
            const auto bridge = ovs::IfName::observed("br" + std::to_string(n)), port = ovs::IfName::observed("nic" + std::to_string(n));
            loop::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            sockaddr_un where{};
            where.sun_family = AF_UNIX;
            (folder.path / (bridge.text() + ".mgmt")).string().copy(where.sun_path, sizeof where.sun_path - 1);
            REQUIRE(::bind(listener.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
            REQUIRE(::listen(listener.number(), 8) == 0);
            listeners.push_back(std::move(listener));
            ovs::Port made{port};
            made.bridge = bridge;
            made.ofport_request = 1;
            made.filter = topology::Filter{*topology::Mac::parse("02:00:00:00:00:01")};
            state.ports.put(made);
        }
    }
    int calls() const {
        int count = 0;
        for (const loop::Fd& listener : listeners)
            while (loop::Fd(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC))) ++count;
        return count;
    }

    zmq_client::Folder folder;
    std::vector<loop::Fd> listeners;
    ovs::State state;
};

}  // namespace

TEST_CASE("of an ovs-vswitchd that stands still one bridge is asked, and then none for a while", "[blocked]") {
    const StandsStill silent(20);
    ovs::BlockedFlows flows(silent.folder.path.string());
    CHECK(flows.read(silent.state).empty());
    CHECK(silent.calls() == 1);
    CHECK(flows.read(silent.state).empty());
    CHECK(silent.calls() == 0);
}

TEST_CASE("a bridge that has no socket leaves the others their moment", "[blocked]") {
    StandsStill silent(3);
    REQUIRE(::unlink((silent.folder.path / "br0.mgmt").c_str()) == 0);
    ovs::BlockedFlows flows(silent.folder.path.string());
    CHECK(flows.read(silent.state).empty());
    CHECK(silent.calls() == 1);
}

}  // namespace blocked_flows_test
