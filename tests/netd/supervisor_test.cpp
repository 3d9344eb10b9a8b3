// The service manager hears what is so: that netd serves, that it lives, and nothing any more when it is stuck.
#include "netd/daemon/supervisor.hpp"

#include "netd/loop/clock.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace supervisor_test {

using namespace std::chrono_literals;

namespace {

// The other end of sd_notify(3).
class Manager {
public:
    Manager() : folder_((std::filesystem::temp_directory_path() / "netd-supervisor-XXXXXX").string()) {
        REQUIRE(::mkdtemp(folder_.data()));
        socket_ = loop::Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const auto path = folder_ + "/notify";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
        ::setenv("WATCHDOG_USEC", "30000", 1);
        ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    }
    ~Manager() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
        std::filesystem::remove_all(folder_);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    std::vector<std::string> heard() const {
        std::vector<std::string> messages;
        std::array<char, 4096> bytes{};
        for (ssize_t length = 0; (length = ::recv(socket_.number(), bytes.data(), bytes.size(), 0)) >= 0;) messages.emplace_back(bytes.data(), static_cast<std::size_t>(length));
        return messages;
    }

private:
    std::string folder_;
    loop::Fd socket_;
};

struct House {
    House() {
        auto opened = loop::EventLoop::open();
        REQUIRE(opened);
        loop = std::move(*opened);
        auto made = netd::Supervisor::open(*loop, clock, labour);
        REQUIRE(made);
        supervisor = std::move(*made);
    }
    void run_for(std::chrono::nanoseconds span) {
        bool over = false;
        auto timer = loop::Timer::open(*loop, [&] { over = true; });
        REQUIRE(timer);
        REQUIRE((*timer)->at(clock.boottime() + span));
        REQUIRE(loop->run_until([&] { return over; }));
    }
    loop::SystemClock clock;
    loop::Labour labour;
    std::unique_ptr<loop::EventLoop> loop;
    std::unique_ptr<netd::Supervisor> supervisor;
};

}  // namespace

TEST_CASE("the service manager is told that netd serves and, again and again, that it lives", "[supervisor]") {
    Manager manager;
    House house;
    REQUIRE(manager.heard().empty());
    house.supervisor->ready();
    REQUIRE(manager.heard() == std::vector<std::string>{"READY=1", "WATCHDOG=1"});
    std::size_t signs = 0;
    for (int time = 0; time < 100 && signs < 2; ++time) {
        house.run_for(100ms);
        signs += manager.heard().size();
    }
    REQUIRE(signs >= 2);
    house.supervisor->stopping();
    REQUIRE(manager.heard().back() == "STOPPING=1");
}

TEST_CASE("whoever is at work for too long gives no sign of life until he is through", "[supervisor]") {
    Manager manager;
    House house;
    house.labour.begin(loop::Labour::Clock::now() - netd::longest_labour - 1s);
    house.supervisor->ready();
    house.run_for(100ms);
    REQUIRE(manager.heard() == std::vector<std::string>{"READY=1"});
    house.labour.end();
    house.run_for(100ms);
    REQUIRE_FALSE(manager.heard().empty());
}

TEST_CASE("how it stands is told in one line, and only when it has changed", "[supervisor]") {
    Manager manager;
    House house;
    observe::Snapshot snapshot;
    snapshot.trouble = topology::Error{topology::Fault::backend, "eth1", "is\ngone"};
    house.supervisor->follow(snapshot);
    house.supervisor->follow(snapshot);
    REQUIRE(manager.heard() == std::vector<std::string>{"STATUS=0 networks, 0 NICs of guests; eth1: is gone"});
    snapshot.trouble.reset();
    snapshot.pending = observe::Pending{1, 5s};
    house.supervisor->follow(snapshot);
    REQUIRE(manager.heard() == std::vector<std::string>{"STATUS=0 networks, 0 NICs of guests; a change waits for its confirmation"});
}

TEST_CASE("a guest's NIC, which is never committed, is no definition that is not", "[supervisor]") {
    observe::Snapshot snapshot;
    snapshot.running.put(intent::GuestNic{"vm", *topology::Mac::parse("52:54:00:00:00:01")});
    CHECK(netd::standing(snapshot) == "0 networks, 1 NICs of guests");
}

}  // namespace supervisor_test
