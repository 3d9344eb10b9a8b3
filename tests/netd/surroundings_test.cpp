// What disturbs bridges is told while it is so.
#include "netd/observe/surroundings.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace surroundings_test {

TEST_CASE("bridged frames that go through iptables are told of, by family, and a kernel that can't is quiet", "[surroundings]") {
    std::string folder = (std::filesystem::temp_directory_path() / "netd-bridge-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()));
    CHECK(observe::disturbances(folder).empty());
    std::ofstream(folder + "/bridge-nf-call-iptables") << "0\n";
    CHECK(observe::disturbances(folder).empty());
    std::ofstream(folder + "/bridge-nf-call-ip6tables") << "1\n";
    const auto told = observe::disturbances(folder);
    REQUIRE(told.size() == 1);
    CHECK(told.front().find("net.bridge.bridge-nf-call-ip6tables is 1") != std::string::npos);
    std::filesystem::remove_all(folder);
}

}  // namespace surroundings_test
