// The mark of ownership: read back as it was written, and never read where it was not.
#include "topology/names.hpp"
#include "topology/owner.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace owner_test {

using namespace topology;
using namespace std::string_literals;

TEST_CASE("what is written on a link as ours is read back as ours") {
    const auto role = GENERATE("network web"s, "base eth0"s, "nic 52:54:00:12:34:56"s, "network сеть"s, " "s, "netd: x"s);
    const auto owner = Owner::ours(role);
    REQUIRE(owner.is_ours());
    REQUIRE(owner.role == role);
    REQUIRE(owner.alias() == "netd: " + role);
    REQUIRE(Owner::from_alias(owner.alias()) == owner);
}

TEST_CASE("what others write on a link does not make it ours") {
    const auto alias = GENERATE("", "netd", "netd:", "netd: ", "netd:network web", "Netd: network web", " netd: network web",
                                "uplink to rack 4", "libvirt");
    CAPTURE(alias);
    REQUIRE(Owner::from_alias(alias) == Owner::foreign());
    REQUIRE_FALSE(Owner::from_alias(alias).is_ours());
}

TEST_CASE("foreign is no mark at all") {
    REQUIRE_FALSE(Owner::foreign().is_ours());
    REQUIRE(Owner::foreign().alias().empty());
    REQUIRE_FALSE(Owner::foreign() == Owner::ours("network web"));
}

TEST_CASE("the mark of the longest network fits the kernel, and comes back equal") {
    const auto owner = Owner::ours("network " + std::string(256, 'x'));
    REQUIRE(owner.alias().size() == 255);
    REQUIRE(Owner::from_alias(owner.alias()) == owner);
}

TEST_CASE("two long names that begin alike stay two owners") {
    const std::string beginning = "network " + std::string(250, 'x');
    REQUIRE_FALSE(Owner::ours(beginning + "1") == Owner::ours(beginning + "2"));
    REQUIRE_FALSE(Owner::ours(beginning + "1").alias() == Owner::ours(beginning + "2").alias());
    REQUIRE(Owner::ours(beginning + "1") == Owner::ours(beginning + "1"));
}

TEST_CASE("a mark that is cut is still UTF-8") {
    for (std::size_t length = 70; length < 90; ++length) {
        std::string role = "network" + std::string(length % 3, ' ');
        for (std::size_t i = 0; i < length; ++i) role += "网";
        CAPTURE(length);
        REQUIRE(is_utf8(Owner::ours(role).alias()));
        REQUIRE(is_utf8(Owner{role}.alias()));
        REQUIRE(Owner{role}.alias().size() <= 255);
    }
}

}  // namespace owner_test
