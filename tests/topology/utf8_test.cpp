// How much room a text takes, and how it is cut without breaking a character.
#include "topology/names.hpp"
#include "topology/utf8.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

namespace utf8_test {

using namespace topology;

TEST_CASE("a character is read where it begins, and only there") {
    const std::string text = "aé网😀";
    REQUIRE(character_at(text, 0) == Character{'a', 1});
    REQUIRE(character_at(text, 1) == Character{0xe9, 2});
    REQUIRE(character_at(text, 3) == Character{0x7f51, 3});
    REQUIRE(character_at(text, 6) == Character{0x1f600, 4});
    REQUIRE_FALSE(character_at(text, 2));
    REQUIRE_FALSE(character_at(text, 10));
    REQUIRE_FALSE(character_at(std::string_view(text).substr(0, 9), 6));
}

TEST_CASE("columns are what a terminal draws, not bytes") {
    REQUIRE(columns_of("") == 0);
    REQUIRE(columns_of("web") == 3);
    REQUIRE(columns_of("é─│") == 3);
    REQUIRE(columns_of("网络") == 4);
    REQUIRE(columns_of("e\xcc\x81") == 1);
    REQUIRE(columns_of("\xff\xff") == 2);
}

TEST_CASE("a text that fits is left alone, and one that does not ends in an ellipsis") {
    REQUIRE(cut_to_columns("web", 3) == "web");
    REQUIRE(cut_to_columns("webserver", 4) == "web…");
    REQUIRE(cut_to_columns("webserver", 5, "...") == "we...");
    REQUIRE(cut_to_columns("网络网络", 4) == "网…");
    REQUIRE(cut_to_columns("web", 0).empty());
    REQUIRE(cut_to_columns("webserver", 2, "...") == "we");
}

TEST_CASE("a cut text is never wider than asked, never longer in bytes, and still UTF-8") {
    std::mt19937 random(11);
    const char* const pieces[] = {"a", "é", "网", "😀", "e\xcc\x81", " "};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto i = random() % 12; i > 0; --i) text += pieces[random() % 6];
        const std::size_t room = random() % 16;
        CAPTURE(text, room);
        REQUIRE(columns_of(cut_to_columns(text, room)) <= room);
        REQUIRE(is_utf8(cut_to_columns(text, room)));
        REQUIRE(cut_to_bytes(text, room).size() <= room);
        REQUIRE(is_utf8(cut_to_bytes(text, room)));
        REQUIRE(text.starts_with(cut_to_bytes(text, room)));
    }
}

}  // namespace utf8_test
