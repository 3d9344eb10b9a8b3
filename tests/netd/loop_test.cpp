// The loop keeps its promises: nobody is called after he left, nobody is forgotten, and no deadline needs a sleep.
#include "netd/loop/clerk.hpp"
#include "netd/loop/clock.hpp"
#include "netd/loop/event_loop.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/loop/signals.hpp"
#include "netd/loop/timer.hpp"
#include "tests/fakes/fake_clock.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <future>
#include <poll.h>
#include <thread>

namespace loop_test {

using namespace std::chrono_literals;

namespace {

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        reader = loop::Fd{ends[0]};
        writer = loop::Fd{ends[1]};
    }
    void write() const { REQUIRE(::write(writer.number(), "x", 1) == 1); }
    void drain() const {
        std::array<char, 64> bytes{};
        while (::read(reader.number(), bytes.data(), bytes.size()) > 0) {}
    }
    loop::Fd reader, writer;
};

std::unique_ptr<loop::EventLoop> new_loop() {
    auto made = loop::EventLoop::open();
    REQUIRE(made);
    return std::move(*made);
}

bool is_readable(int descriptor) {
    pollfd asked{descriptor, POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner", "[loop]") {
    int number = -1;
    {
        loop::Fd first{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        number = first.number();
        loop::Fd second{std::move(first)};
        REQUIRE(!first);
        REQUIRE(second.number() == number);
        REQUIRE(::fcntl(number, F_GETFD) == FD_CLOEXEC);
    }
    REQUIRE(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("a readable descriptor calls back until it is read", "[loop]") {
    const auto loop = new_loop();
    const Pipe pipe;
    int calls = 0;
    REQUIRE(loop->watch(pipe.reader.number(), [&] { ++calls; }));
    REQUIRE(loop->turn());
    REQUIRE(calls == 0);
    pipe.write();
    REQUIRE(loop->turn());
    REQUIRE(loop->turn());
    REQUIRE(calls == 2);
    pipe.drain();
    REQUIRE(loop->turn());
    REQUIRE(calls == 2);
}

TEST_CASE("a descriptor has one callback, and one that cannot be watched is refused", "[loop]") {
    const auto loop = new_loop();
    const Pipe pipe;
    REQUIRE(loop->watch(pipe.reader.number(), [] {}));
    REQUIRE(loop->watch(pipe.reader.number(), [] {}).error().fault == loop::Fault::conflict);
    REQUIRE(loop->watch(-1, [] {}).error().fault == loop::Fault::backend);
    const loop::Fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    REQUIRE(loop->watch(file.number(), [] {}).error().fault == loop::Fault::denied);  // EPERM: files are always ready
}

TEST_CASE("a callback may take back itself and its neighbour of the same turn", "[loop]") {
    const auto loop = new_loop();
    const Pipe one, other;
    int calls = 0;
    auto leave = [&] {
        ++calls;
        loop->unwatch(one.reader.number());
        loop->unwatch(other.reader.number());
        REQUIRE(calls == 1);  // what the callback holds is still there after it left
    };
    REQUIRE(loop->watch(one.reader.number(), leave));
    REQUIRE(loop->watch(other.reader.number(), leave));
    one.write();
    other.write();
    REQUIRE(loop->turn());
    REQUIRE(loop->turn());
    REQUIRE(calls == 1);
}

TEST_CASE("a descriptor that got a dead one's number is not called for the dead one's news", "[loop]") {
    const auto loop = new_loop();
    const Pipe first;
    auto second = std::make_unique<Pipe>();
    std::unique_ptr<Pipe> heir;
    int wrong = 0;
    // Whichever of the two is called first puts an empty pipe in the other's place.
    REQUIRE(loop->watch(second->reader.number(), [&] { ++wrong; }));
    REQUIRE(loop->watch(first.reader.number(), [&] {
        if (!second) return;
        const int number = second->reader.number();
        loop->unwatch(number);
        second.reset();
        heir = std::make_unique<Pipe>();
        REQUIRE(heir->reader.number() == number);
        REQUIRE(loop->watch(number, [&] { ++wrong; }));
    }));
    first.write();
    second->write();
    REQUIRE(loop->turn());
    REQUIRE(loop->turn());
    REQUIRE(heir);
    REQUIRE(wrong <= 1);  // at most the rightful call of the second, had the kernel listed it first
}

TEST_CASE("a hook that works is asked again before the loop blocks", "[loop]") {
    const auto loop = new_loop();
    int work = 3, asked = 0;
    const auto ticket = loop->before_wait([&] {
        ++asked;
        return --work > 0;
    });
    REQUIRE(loop->run_until([&] { return work == 0; }));
    REQUIRE(asked == 3);
    loop->forget(ticket);
    REQUIRE(loop->turn());
    REQUIRE(asked == 3);
}

TEST_CASE("a hook may forget itself and those after it", "[loop]") {
    const auto loop = new_loop();
    int asked = 0;
    loop::EventLoop::Ticket first = 0, second = 0;
    first = loop->before_wait([&] {
        loop->forget(first);
        loop->forget(second);
        return ++asked > 100;
    });
    second = loop->before_wait([&] { return ++asked > 100; });
    REQUIRE(loop->turn());
    REQUIRE(loop->turn());
    REQUIRE(asked == 1);
}

TEST_CASE("a deadline comes on time, and not before", "[loop]") {
    const auto loop = new_loop();
    const loop::SystemClock clock;
    bool rang = false;
    auto timer = loop::Timer::open(*loop, [&] { rang = true; });
    REQUIRE(timer);
    const auto due = clock.boottime() + 20ms;
    REQUIRE((*timer)->at(due));
    REQUIRE((*timer)->is_set());
    REQUIRE(loop->run_until([&] { return rang; }));
    REQUIRE(clock.boottime() >= due);
    REQUIRE(!(*timer)->is_set());
}

TEST_CASE("a deadline in the past is due at once, a stopped or moved one not at all", "[loop]") {
    const auto loop = new_loop();
    const loop::SystemClock clock;
    int rang = 0;
    auto timer = std::move(*loop::Timer::open(*loop, [&] { ++rang; }));
    REQUIRE(timer->at(0ns));
    REQUIRE(loop->run_until([&] { return rang == 1; }));
    REQUIRE(timer->at(-5s));
    timer->stop();
    REQUIRE(loop->turn());
    REQUIRE(timer->at(1ns));
    REQUIRE(timer->at(clock.boottime() + 1h));
    REQUIRE(loop->turn());
    REQUIRE(rang == 1);
    REQUIRE(timer->at(1ns));
    timer.reset();
    REQUIRE(loop->turn());
    REQUIRE(rang == 1);
}

TEST_CASE("a signal is an event of the loop", "[loop]") {
    const auto loop = new_loop();
    std::vector<int> seen;
    {
        auto signals = loop::Signals::open(*loop, {SIGTERM, SIGHUP}, [&](int signal) { seen.push_back(signal); });
        REQUIRE(signals);
        REQUIRE(::raise(SIGTERM) == 0);
        REQUIRE(::raise(SIGHUP) == 0);
        REQUIRE(loop->run_until([&] { return seen.size() == 2; }));
        REQUIRE(::raise(SIGHUP) == 0);  // still pending when the house is left: must not kill us on the way out
    }
    REQUIRE(loop->turn());
    REQUIRE((seen == std::vector{SIGHUP, SIGTERM} || seen == std::vector{SIGTERM, SIGHUP}));
}

TEST_CASE("a mailbox is readable exactly while something lies in it", "[loop]") {
    auto box = std::move(*loop::Mailbox<std::unique_ptr<int>>::open());
    REQUIRE(!is_readable(box->descriptor()));
    box->push(std::make_unique<int>(1));
    box->push(std::make_unique<int>(2));
    REQUIRE(is_readable(box->descriptor()));
    REQUIRE(**box->take_one() == 1);
    REQUIRE(is_readable(box->descriptor()));
    REQUIRE(box->take().size() == 1);
    REQUIRE(!is_readable(box->descriptor()));
    REQUIRE(!box->take_one());
    REQUIRE(box->take().empty());
}

TEST_CASE("a full mailbox says so and leaves the value with its owner", "[loop]") {
    auto box = std::move(*loop::Mailbox<std::unique_ptr<int>>::open(2));
    REQUIRE(box->try_push(std::make_unique<int>(1)));
    REQUIRE(box->try_push(std::make_unique<int>(2)));
    auto third = std::make_unique<int>(3);
    REQUIRE(!box->try_push(std::move(third)));
    REQUIRE(*third == 3);
    box->push(std::move(third));  // what must not be lost goes in all the same
    REQUIRE(box->size() == 3);
    REQUIRE(box->take().size() == 3);
    REQUIRE(box->try_push(std::make_unique<int>(4)));
}

TEST_CASE("what many threads push arrives whole and in each one's order", "[loop]") {
    constexpr int threads = 4, each = 2000;
    const auto loop = new_loop();
    auto box = std::move(*loop::Mailbox<std::pair<int, int>>::open());
    std::array<int, threads> next{};
    int arrived = 0;
    REQUIRE(loop->watch(box->descriptor(), [&] {
        for (const auto& [thread, number] : box->take()) {
            REQUIRE(number == next[static_cast<std::size_t>(thread)]++);
            ++arrived;
        }
    }));
    std::vector<std::jthread> pushers;
    for (int thread = 0; thread < threads; ++thread)
        pushers.emplace_back([&, thread] {
            for (int number = 0; number < each; ++number) box->push({thread, number});
        });
    REQUIRE(loop->run_until([&] { return arrived == threads * each; }));
}

TEST_CASE("a clerk does one deed after the other, while the loop goes on", "[loop]") {
    auto loop = std::move(*loop::EventLoop::open());
    auto clerk = std::move(*loop::Clerk::open(*loop, "netd-test", 2));
    std::promise<void> begun, released;
    std::vector<int> done;
    std::thread::id who;
    clerk->give([&]() -> loop::Clerk::Then {
        begun.set_value();
        released.get_future().wait();
        who = std::this_thread::get_id();
        return [&] { done.push_back(1); };
    });
    begun.get_future().wait();
    REQUIRE(clerk->try_give([&] { return [&] { done.push_back(2); }; }));
    REQUIRE(clerk->try_give([]() -> loop::Clerk::Then { return {}; }));
    REQUIRE_FALSE(clerk->try_give([&] { return [&] { done.push_back(3); }; }));
    REQUIRE(loop->turn());
    REQUIRE(done.empty());
    released.set_value();
    REQUIRE(loop->run_until([&] { return done.size() == 2; }));
    REQUIRE(done == std::vector{1, 2});
    REQUIRE(who != std::this_thread::get_id());
    // What waits when he is sent home is not done.
    std::promise<void> last;
    clerk->give([&]() -> loop::Clerk::Then { return last.set_value(), [&] { done.push_back(4); }; });
    last.get_future().wait();
    clerk.reset();
    REQUIRE(loop->turn());
    REQUIRE(done.size() == 2);
}

TEST_CASE("a fake clock goes only where it is told, and a step of the calendar moves no deadline", "[loop]") {
    fakes::FakeClock clock;
    const auto before = clock.boottime();
    const auto day = clock.wall();
    clock.step_wall(-87600h);
    REQUIRE(clock.boottime() == before);
    REQUIRE(clock.wall() == day - 87600h);
    clock.advance(5s);
    REQUIRE(clock.boottime() == before + 5s);
}

}  // namespace loop_test
