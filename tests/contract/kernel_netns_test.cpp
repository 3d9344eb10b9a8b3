// Veth pairs whose far end is in another namespace.
#include "bridges/netns_path.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace kernel_netns_test {

using namespace worlds;

TEST_CASE("the far end of a pair is made in its namespace, with its name and MAC, and up", "[kernel][netns]") {
    RealWorld far;
    const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    RealWorld near;
    Link pair = link("nic0", Veth{"/proc/self/fd/" + std::to_string(fd), name("guest0"), mac("02:00:00:00:03:03")});
    pair.mtu = mtu(1400);
    pair.up = true;
    succeed(near, Create<Link>{pair});
    require_as(near, pair);
    REQUIRE(seen(near, "nic0").facts.peer_netnsid);
    REQUIRE_FALSE(near.kernel->state().links.contains(name("guest0")));

    REQUIRE(far.kernel->hear());
    Link guest{name("guest0")};
    guest.mac = mac("02:00:00:00:03:03");
    guest.mtu = mtu(1400);
    guest.up = true;
    require_as(far, guest);
    close(fd);
    // The socket stays with the namespace in which it was opened.
    succeed(far, Remove<Link>{seen(far, "guest0")});
    REQUIRE(near.kernel->hear());
    REQUIRE_FALSE(near.kernel->state().links.contains(name("nic0")));
}

TEST_CASE("a pair whose far end no thread can take up is refused", "[kernel][netns]") {
    RealWorld far;
    const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    RealWorld near;
    pthread_attr_t usual, endless;
    REQUIRE(pthread_getattr_default_np(&usual) == 0);
    REQUIRE(pthread_attr_init(&endless) == 0);
    REQUIRE(pthread_attr_setstacksize(&endless, std::size_t{1} << 46) == 0);
    REQUIRE(pthread_setattr_default_np(&endless) == 0);
    const auto progress = near.kernel->apply(std::vector<Op>{Create<Link>{link("nic0", Veth{"/proc/self/fd/" + std::to_string(fd), name("guest0"), std::nullopt})}});
    REQUIRE(pthread_setattr_default_np(&usual) == 0);
    close(fd);
    REQUIRE(progress.stopped);
    CHECK(progress.stopped->fault == Fault::backend);
}

TEST_CASE("a namespace that is not there is refused, and nothing is made", "[kernel][netns]") {
    RealWorld world;
    const Error no = refused(world, Create<Link>{link("nic0", Veth{"no-such-namespace", {}, {}})});
    REQUIRE(no.fault == Fault::not_found);
    REQUIRE_FALSE(world.kernel->state().links.contains(name("nic0")));
}

TEST_CASE("whether a name is taken in a namespace is told of that one, and of none that is not there", "[kernel][netns]") {
    RealWorld far;
    const int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    succeed(far, Create<Link>{link("taken0", Veth{std::nullopt, name("far-taken0"), std::nullopt})});
    RealWorld near;
    succeed(near, Create<Link>{link("mine0", Veth{std::nullopt, name("far-mine0"), std::nullopt})});
    CHECK(bridges::has_link(path, name("taken0")));
    CHECK_FALSE(bridges::has_link(path, name("mine0")));
    CHECK_FALSE(bridges::has_link("no-such-namespace", name("taken0")));
    close(fd);
}

}  // namespace kernel_netns_test
