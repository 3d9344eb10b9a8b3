// Of whom the host shall hear nothing, in the real kernel.
#include "tests/contract/kernel_worlds.hpp"

#include <poll.h>

#include <cstdlib>
#include <string>

namespace kernel_unheard_test {

using namespace worlds;

namespace {

void nft(const std::string& words) {
    INFO(words);
    REQUIRE(std::system(("nft " + words).c_str()) == 0);
}

}  // namespace

TEST_CASE("what others do with their rules is read, also where the host is deaf to nobody", "[kernel][unheard]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    nft("add table bridge somebody");
    pollfd told{world.kernel->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&told, 1, 0) == 1);
    // What else happens on a host may come in between.
    for (int tries = 0; tries < 100 && ::poll(&told, 1, 0) != 0; ++tries) REQUIRE(world.kernel->hear());
    CHECK(::poll(&told, 1, 0) == 0);
}

}  // namespace kernel_unheard_test
