// What is refused again and again is tried less and less often, but for ever.
#include "netd/loop/pause.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace std::chrono_literals;

TEST_CASE("a pause is twice as long each time, up to its bound, and begins anew once it was ended", "[loop]") {
    loop::Pause pause{5s, 30s};
    CHECK_FALSE(pause.lasts());
    std::vector<loop::Pause::Length> lengths;
    for (int time = 0; time < 5; ++time) lengths.push_back(pause.lengthen());
    CHECK(lengths == std::vector<loop::Pause::Length>{5s, 10s, 20s, 30s, 30s});
    CHECK(pause.lasts());
    pause.end();
    CHECK_FALSE(pause.lasts());
    CHECK(pause.lengthen() == 5s);
}
