// Tables, numbers and times as people see them.
#include "netctl/screen.hpp"
#include "netctl/text.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

namespace screen_test {

using namespace netctl;
using namespace std::chrono_literals;

TEST_CASE("columns stand under each other, and no line ends in blanks") {
    const Table table{{"NAME", "STATE"}, {{{"网络"}, {"up"}}, {{"w"}, {""}}, {{"longer name"}, {"down"}}}};
    REQUIRE(draw(table, {}, false) == std::vector<std::string>{"NAME         STATE", "网络         up", "w            -", "longer name  down"});
}

TEST_CASE("on a terminal lines are cut to its width, elsewhere nothing is") {
    const Table table{{}, {{{"abcdef"}, {"ghijkl"}}}};
    REQUIRE(draw(table, 10, false) == std::vector<std::string>{"abcdef  g…"});
    REQUIRE(draw(table, 4, false) == std::vector<std::string>{"abc…"});
    REQUIRE(draw(table, {}, false) == std::vector<std::string>{"abcdef  ghijkl"});
}

TEST_CASE("columns that have no room at all leave a mark at the end of each line") {
    const Table table{{"NAME", "STATE", "MORE"}, {{{"web"}, {"in sync"}, {"x"}}, {{"db"}, {"up"}, {""}}}};
    REQUIRE(draw(table, 15, false) == std::vector<std::string>{"NAME  STATE   …", "web   in sync …", "db    up      …"});
    REQUIRE(draw(table, 9, false) == std::vector<std::string>{"NAME  ST…", "web   in…", "db    up…"});
    REQUIRE(draw(table, 1, false) == std::vector<std::string>{"…", "…", "…"});
    REQUIRE(draw(table, 16, false) == std::vector<std::string>{"NAME  STATE    …", "web   in sync  x", "db    up       -"});
}

TEST_CASE("what people decide by goes on below itself, or has lines of its own where it had less than half of them") {
    Table table{.wraps = true};
    table.rows = {{{"last"}, {"route refused: Network is unreachable"}}, {{"queue"}, {"0"}}};
    REQUIRE(draw(table, 27, false) ==
            std::vector<std::string>{"last   route refused:", "       Network is", "       unreachable", "queue  0"});
    table.rows = {{{"+ create bridge web"}, {"network web needs it", Tone::dim}}, {{"- drop x"}, {"nobody"}}};
    REQUIRE(draw(table, 27, false) ==
            std::vector<std::string>{"+ create bridge web", "    network web needs it", "- drop x", "    nobody"});
    REQUIRE(draw(table, 16, true) == std::vector<std::string>{"+ create", "  bridge web", "    \033[2mnetwork web\033[0m", "    \033[2mneeds it\033[0m", "- drop x", "    nobody"});
    REQUIRE(draw(table, 41, false) == std::vector<std::string>{"+ create bridge web  network web needs it", "- drop x             nobody"});
}

TEST_CASE("text is broken at blanks, and within a word only where that is longer than a line") {
    REQUIRE(wrapped("", 5) == std::vector<std::string>{""});
    REQUIRE(wrapped("12345", 5) == std::vector<std::string>{"12345"});
    REQUIRE(wrapped("12345 6", 5) == std::vector<std::string>{"12345", "6"});
    REQUIRE(wrapped("a 1234567 b", 5) == std::vector<std::string>{"a", "12345", "67 b"});
    REQUIRE(wrapped("网络网络", 5) == std::vector<std::string>{"网络", "网络"});
    REQUIRE(wrapped("网络", 0) == std::vector<std::string>{"网", "络"});
}

TEST_CASE("a cell can't move the cursor, nor begin a new line") {
    const Table table{{}, {{{"a\x1b[2J\nb"}, {"\xff"}}}};
    REQUIRE(draw(table, {}, false) == std::vector<std::string>{"a\\x1b[2J\\x0ab  \\xff"});
}

TEST_CASE("colour goes around a text and takes no room") {
    const Table table{{}, {{{"up", Tone::good}, {"x"}}}};
    REQUIRE(draw(table, {}, true) == std::vector<std::string>{"\033[32mup\033[0m  x"});
    REQUIRE(tinted("", Tone::bad, true).empty());
}

TEST_CASE("colour is for terminals, unless somebody says otherwise") {
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    REQUIRE(wants_color(ColorChoice::automatic, true));
    REQUIRE_FALSE(wants_color(ColorChoice::automatic, false));
    REQUIRE(wants_color(ColorChoice::always, false));
    REQUIRE_FALSE(wants_color(ColorChoice::never, true));
    setenv("NO_COLOR", "1", 1);
    REQUIRE_FALSE(wants_color(ColorChoice::automatic, true));
    REQUIRE(wants_color(ColorChoice::always, true));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    REQUIRE_FALSE(wants_color(ColorChoice::automatic, true));
}

TEST_CASE("large numbers are short") {
    REQUIRE(short_number(0) == "0");
    REQUIRE(short_number(999) == "999");
    REQUIRE(short_number(1000) == "1.0k");
    REQUIRE(short_number(1'500'000) == "1.5M");
    REQUIRE(short_number(999'600) == "1.0M");
    REQUIRE(short_number(10'000'000'000) == "10G");
    REQUIRE(short_number(18446744073709551615u) == "18E");
}

TEST_CASE("times are read with a unit and shown in their two largest parts") {
    REQUIRE(*parse_time("60") == 60s);
    REQUIRE(*parse_time("500ms") == 500ms);
    REQUIRE(*parse_time("2m") == 2min);
    for (const auto bad : {"", "s", "0", "-1s", "5y", "1.5s", "99999999999s", "3601s", "5 s"}) {
        INFO(bad);
        REQUIRE_FALSE(parse_time(bad));
    }
    REQUIRE(short_time(0s) == "0s");
    REQUIRE(short_time(312s) == "5m 12s");
    REQUIRE(short_time(93784s) == "1d 2h");
    REQUIRE(short_time(3600s) == "1h");
}

}  // namespace screen_test
