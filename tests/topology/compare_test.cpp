// What differs between a wanted and a found resource, told by attribute.
#include "topology/compare.hpp"
#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace compare_test {

using namespace topology;

namespace {

struct Cable {
    int metres = 0;
    std::optional<std::string> colour = {};
    bool operator==(const Cable&) const = default;
    static constexpr auto fields = std::tuple{Field{"metres", &Cable::metres}, Field{"colour", &Cable::colour}};
};
struct Wireless {
    bool operator==(const Wireless&) const = default;
    static constexpr auto fields = std::tuple{};
};
struct Seat {
    std::optional<IfName> master = {};
    static constexpr bool exact = true;
    bool operator==(const Seat&) const = default;
    static constexpr auto fields = std::tuple{Field{"master", &Seat::master}};
};
using Medium = std::variant<Wireless, Cable>;
struct Card {
    std::optional<Mtu> mtu = {};
    std::optional<bool> up = {};
    std::optional<Medium> medium = {};
    std::optional<Seat> seat = {};
    std::map<std::string, std::string> options = {};
    std::optional<std::set<Subnet>> addresses = {};
    std::optional<Owner> owner = {};
    std::string maker = {};
    bool operator==(const Card&) const = default;
    static constexpr auto fields =
        std::tuple{Field{"mtu", &Card::mtu},         Field{"up", &Card::up},
                   Field{"medium", &Card::medium},   Field{"seat", &Card::seat},
                   Field{"options", &Card::options}, Field{"addresses", &Card::addresses},
                   Field{"owner", &Card::owner},     Field{"maker", &Card::maker, Tells::how}};
};
struct Holes {
    VlanSet tagged = {};
    bool operator==(const Holes&) const = default;
    static constexpr auto fields = std::tuple{Field{"tagged", &Holes::tagged}};
};

using Differences = std::vector<Difference>;

}  // namespace

TEST_CASE("what is not wanted is not missed") {
    const Card have{.mtu = Mtu::observed(9000), .up = true, .medium = Cable{5, "red"}, .options = {{"a", "1"}}};
    REQUIRE(differences(Card{}, have).empty());
    REQUIRE(differences(have, have).empty());
}

TEST_CASE("an attribute that differs is told with what was wanted and what was found") {
    REQUIRE(differences(Card{.mtu = Mtu::observed(9000), .up = true}, Card{.mtu = Mtu(), .up = false}) ==
            Differences{{"mtu", "9000", "1500"}, {"up", "true", "false"}});
}

TEST_CASE("an attribute that is wanted and not there is told as none") {
    REQUIRE(differences(Card{.mtu = Mtu()}, Card{}) == Differences{{"mtu", "1500", "none"}});
    REQUIRE(differences(Card{.addresses = std::set{*Subnet::parse("192.0.2.1/24")}}, Card{}) ==
            Differences{{"addresses", "192.0.2.1/24", "none"}});
}

TEST_CASE("wanting no address is not the same as not caring") {
    const Card have{.addresses = std::set{*Subnet::parse("192.0.2.1/24"), *Subnet::parse("2001:db8::1/64")}};
    REQUIRE(differences(Card{.addresses = std::set<Subnet>{}}, have) ==
            Differences{{"addresses", "none", "192.0.2.1/24 2001:db8::1/64"}});
}

TEST_CASE("of options only the wanted ones are looked at") {
    const Card want{.options = {{"mode", "active-backup"}, {"miimon", "100"}}};
    REQUIRE(differences(want, Card{.options = {{"mode", "active-backup"}, {"miimon", "100"}, {"other", "x"}}}).empty());
    REQUIRE(differences(want, Card{.options = {{"mode", "802.3ad"}}}) ==
            Differences{{"options.miimon", "100", "none"}, {"options.mode", "active-backup", "802.3ad"}});
}

TEST_CASE("a nested resource is told down to the attribute") {
    REQUIRE(differences(Card{.medium = Cable{5, "red"}}, Card{.medium = Cable{5, "blue"}}) ==
            Differences{{"medium.colour", "red", "blue"}});
    REQUIRE(differences(Card{.medium = Cable{5, {}}}, Card{.medium = Cable{5, "blue"}}).empty());
}

TEST_CASE("another kind is one difference, not many") {
    const auto found = differences(Card{.medium = Cable{5, "red"}}, Card{.medium = Wireless{}});
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].attribute == "medium");
    REQUIRE(found[0].wanted == "metres=5 colour=red");
}

TEST_CASE("where a type says exact, none is a wish") {
    REQUIRE(differences(Card{.seat = Seat{}}, Card{.seat = Seat{*IfName::parse("bond0")}}) ==
            Differences{{"seat.master", "none", "bond0"}});
    REQUIRE(differences(Card{.seat = Seat{*IfName::parse("bond0")}}, Card{.seat = Seat{}}) ==
            Differences{{"seat.master", "bond0", "none"}});
    REQUIRE(differences(Card{}, Card{.seat = Seat{*IfName::parse("bond0")}}).empty());
}

TEST_CASE("how a thing was made is no difference") {
    REQUIRE(differences(Card{.up = true, .maker = "by hand"}, Card{.up = true}).empty());
    REQUIRE(differences(Card{.up = true, .maker = "by hand"}, Card{.up = false}) == Differences{{"up", "true", "false"}});
}

TEST_CASE("an owner is told by its mark") {
    REQUIRE(differences(Card{.owner = Owner::ours("network web")}, Card{.owner = Owner::foreign()}) ==
            Differences{{"owner", "netd: network web", "foreign"}});
}

TEST_CASE("an empty value is told as none, so that a sentence about it can be read") {
    REQUIRE(differences(Holes{}, Holes{*VlanSet::parse("1-3")}) == Differences{{"tagged", "none", "1-3"}});
    REQUIRE(text_of(std::map<std::string, std::string>{}) == "none");
    REQUIRE(text_of(std::optional<std::set<std::string>>{}) == "none");
    REQUIRE(text_of(std::optional<std::variant<int, bool>>{true}) == "true");
}

}  // namespace compare_test
