// Where no thread is to be had netd goes on: without libvirt, or without what the thread was to do.
#include "netd/guests/virt_session.hpp"
#include "netd/loop/thread.hpp"
#include "tests/skip.hpp"

#include <catch2/catch.hpp>

#include <pthread.h>

namespace thread_test {

namespace {

// No thread gets the room for its stack.
class NoThreads {
public:
    NoThreads() {
        pthread_attr_t endless;
        REQUIRE(pthread_getattr_default_np(&usual_) == 0);
        REQUIRE(pthread_attr_init(&endless) == 0);
        REQUIRE(pthread_attr_setstacksize(&endless, std::size_t{1} << 50) == 0);  // more than a process may address, whatever is overcommitted
        REQUIRE(pthread_setattr_default_np(&endless) == 0);
    }
    ~NoThreads() { pthread_setattr_default_np(&usual_); }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;

private:
    pthread_attr_t usual_;
};

}  // namespace

TEST_CASE("a thread that is not to be had is told as any other refusal", "[loop]") {
    bool is_done = false;
    {
        const NoThreads none;
        const auto refused = loop::start_thread([&] { is_done = true; });
        REQUIRE_FALSE(refused);
        CHECK(refused.error().fault == topology::Fault::backend);
    }
    auto started = loop::start_thread([&] { is_done = true; });
    REQUIRE(started);
    started->join();
    CHECK(is_done);
}

TEST_CASE("libvirt is connected to later where no thread turns its loop", "[guests]") {
    SKIP_UNLESS(guests::load_virt(), "libvirt is not installed");
    {
        const NoThreads none;
        CHECK(guests::start_virt_loop().error().what.starts_with("no thread turns its loop"));
        CHECK_FALSE(guests::Session::open("test:///default"));
    }
    CHECK(guests::start_virt_loop());
}

}  // namespace thread_test
