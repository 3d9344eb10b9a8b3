// What strangers write is refused before it can mean two things; what is refused is named.
#include "netd/wire/json.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>

namespace json_test {

using nlohmann::json;
using wire::parse_strict;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

struct Refused {
    std::string text, subject, what;
};

void require_refused(const Refused& expected) {
    CAPTURE(expected.text.substr(0, 100));
    const auto parsed = parse_strict(expected.text);
    REQUIRE(!parsed);
    CAPTURE(parsed.error().subject, parsed.error().what);
    CHECK(parsed.error().fault == wire::Fault::invalid);
    CHECK(parsed.error().subject == expected.subject);
    CHECK(parsed.error().what.find(expected.what) != std::string::npos);
}

}  // namespace

TEST_CASE("legal JSON is read as it is", "[json]") {
    const auto text = R"({"a":[1,-2,3.5,true,false,null,"ä\t\n\u00e4"],"b":{"c":{}},"d":[[],[{"e":1}]],"":0})";
    const auto parsed = parse_strict(text);
    REQUIRE(parsed);
    REQUIRE(*parsed == json::parse(text));
    for (const auto* alone : {"null", "true", "7", "\"x\"", "[]", "{}", " \t\r\n1 "}) {
        CAPTURE(alone);
        const auto value = parse_strict(alone);
        REQUIRE(value);
        REQUIRE(*value == json::parse(alone));
    }
}

TEST_CASE("whole numbers stay whole up to the last one that fits", "[json]") {
    const auto parsed = parse_strict("[18446744073709551615,-9223372036854775808,9223372036854775807,-0,0]");
    REQUIRE(parsed);
    REQUIRE((*parsed)[0].get<std::uint64_t>() == 18446744073709551615u);
    REQUIRE((*parsed)[1].get<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
    for (const auto& number : *parsed) REQUIRE(number.is_number_integer());
    require_refused({"18446744073709551616", "", "fits no 64 bits"});
    require_refused({R"({"mtu":[1,-9223372036854775809]})", "/mtu/1", "fits no 64 bits"});
    require_refused({"[" + std::string(1'000'000, '9') + "]", "byte 1000001", "not JSON"});
}

TEST_CASE("keys are unique in their object, and only there", "[json]") {
    require_refused({R"({"a":1,"a":2})", "/a", "given twice"});
    require_refused({R"({"a":1,"b":{"c":[0,{"d":1,"\u0064":2}]}})", "/b/c/1/d", "given twice"});
    require_refused({R"({"a/b~":1,"a/b~":1})", "/a~1b~0", "given twice"});
    REQUIRE(parse_strict(R"({"a":{"a":{"a":[{"a":1},{"a":1}]}}})"));
}

TEST_CASE("depth has an end, at no cost", "[json]") {
    const auto nested = [](std::size_t levels) { return repeated("[", levels) + repeated("]", levels); };
    REQUIRE(parse_strict(nested(32)));
    const std::string path = repeated("/0", 32);
    require_refused({nested(33), path, "deeper than 32"});
    require_refused({repeated("[", 4'000'000), path, "deeper than 32"});
    require_refused({repeated(R"({"a":)", 40), repeated("/a", 32), "deeper than 32"});
}

TEST_CASE("size has an end", "[json]") {
    std::string text = "\"" + std::string(wire::most_bytes - 2, 'x') + "\"";
    REQUIRE(parse_strict(text));
    text += ' ';
    require_refused({text, "byte 4194304", "longer"});
    require_refused({"[" + repeated("[],", 600'000) + "[]]", "/499999", "too many values"});
}

TEST_CASE("no text hides a control character", "[json]") {
    require_refused({R"({"nic":"eth0\u0000evil"})", "/nic", "control character"});
    require_refused({R"({"nic":["eth0\u001b[2J"]})", "/nic/0", "control character"});
    require_refused({R"({"x":{"a\u0009b":1}})", "/x", "control character"});
    require_refused({R"(["\r"])", "/0", "control character"});
    require_refused({std::string("{\"a\":\"b\0c\"}", 11), "byte 8", "not JSON"});
    REQUIRE(parse_strict(R"("one\n\ttwo")"));
}

TEST_CASE("what is not JSON breaks off at a byte", "[json]") {
    const std::string cases[] = {
        "", " ", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "{'a':1}", "[1 2]", "nul", "NaN", "Infinity", "-Infinity", "+1", "01",
        "1.", ".5", "0x10", "1e", "1e400", "-1e999", "[1]]", "{} {}", "// c\n1", "/* c */1", "\"\\x\"", "\"\\ud800\"", "\"\\udc00x\"",
        "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xe2\x82\"", "\xfe\xff", "\xef\xbb", "\"a\nb\"", "\"open",
        std::string("\0", 1), "\x1b[2J",
    };
    for (const auto& text : cases) {
        CAPTURE(text);
        const auto parsed = parse_strict(text);
        REQUIRE(!parsed);
        REQUIRE(parsed.error().subject.starts_with("byte "));
        REQUIRE(parsed.error().what.starts_with("not JSON"));
    }
}

TEST_CASE("an error repeats neither the sender's bytes nor megabytes", "[json]") {
    const std::string bell = "{\"a\": \x07\xff" + std::string(100'000, 'z');
    for (const auto& text : {bell, "\"" + std::string(3'000'000, 'y'), "{\"" + std::string(100'000, 'k') + "\":1e999}"}) {
        const auto parsed = parse_strict(text);
        REQUIRE(!parsed);
        REQUIRE(parsed.error().subject.size() + parsed.error().what.size() < 400);
        REQUIRE_NOTHROW(json(parsed.error().what).dump());
        REQUIRE(parsed.error().what.find('\x07') == std::string::npos);
    }
    const std::string key(100'000, 'k');
    const auto twice = parse_strict("{\"" + key + "\":1,\"" + key + "\":2}");
    REQUIRE(twice.error().subject.size() <= 65);
}

TEST_CASE("a byte order mark is no reason to refuse", "[json]") { REQUIRE(parse_strict("\xef\xbb\xbf{}")); }

TEST_CASE("the id is found in what is refused, if there is but one", "[json]") {
    REQUIRE(wire::salvage_id(R"({"a":1,"a":2,"id":7})") == 7);
    REQUIRE(wire::salvage_id(R"({"params":{"id":1},"x":[{"id":2}],"id":"x")") == "x");
    REQUIRE(wire::salvage_id(R"({"id":-3,"params":)" + repeated("[", 100'000)) == -3);
    for (const auto* none : {R"({"id":1,"id":2})", R"({"params":{"id":1}})", R"([{"id":1}])", R"({"id":1.5,"a")",
                             R"({"id":{"id":1}})", R"({"id":[1]})",
                             R"({"id":true})", R"({"id":null})", R"({"id":)", R"({"id)", R"(x{"id":1})", "", R"({"id":"\u0000"})"}) {
        CAPTURE(none);
        REQUIRE(wire::salvage_id(none) == nullptr);
    }
    REQUIRE(wire::salvage_id(R"({"id":")" + std::string(257, 'x') + R"("})") == nullptr);
    REQUIRE(wire::salvage_id(R"({"id":7})" + std::string(wire::most_bytes, ' ')) == nullptr);
}

TEST_CASE("whatever we hold can be sent", "[json]") {
    REQUIRE(wire::dump({{"alias", "caf\xe9"}}) == "{\"alias\":\"caf\xEF\xBF\xBD\"}");
    REQUIRE(wire::dump(std::numeric_limits<double>::quiet_NaN()) == "null");
    REQUIRE(wire::dump({{"b", 1}, {"a", {true, nullptr}}}) == R"({"a":[true,null],"b":1})");
    REQUIRE(wire::dump("\x07") == R"("\u0007")");
}

TEST_CASE("text is cut between characters", "[json]") {
    REQUIRE(wire::shortened("short", 5) == "short");
    REQUIRE(wire::shortened("ääääää", 8) == "ää…");
    REQUIRE(wire::shortened("abcdefghi", 8) == "abcde…");
}

TEST_CASE("four megabytes are no long wait", "[json]") {
    // Each would hurt if something were quadratic or recursive; time of our own, so that a busy machine does not matter.
    std::string keys = "{";
    for (int i = 0; i < 100'000; ++i) keys += "\"" + std::to_string(i) + "\":0,";
    keys += "\"\":0}";
    const std::string cases[] = {keys, repeated("[", 4'000'000), "[" + repeated("0,", 400'000) + "0]", std::string(4'000'000, '1'),
                                 "\"" + repeated("\\u00e4", 600'000) + "\""};
    for (const auto& text : cases) {
        const auto start = std::clock();
        (void)parse_strict(text);
        (void)wire::salvage_id(text);
        REQUIRE(std::clock() - start < 10 * CLOCKS_PER_SEC);
    }
}

}  // namespace json_test
