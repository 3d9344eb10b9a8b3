// Files of definitions: what is taken for what, and what is not taken.
#include "netctl/read_file.hpp"
#include "netctl/read_yaml.hpp"

#include <catch2/catch.hpp>

namespace read_yaml_test {

using namespace netctl;
using nlohmann::json;

namespace {

json read(std::string_view text) {
    auto yaml = read_yaml(text);
    INFO(text);
    REQUIRE(std::holds_alternative<Yaml>(yaml));
    return std::get<Yaml>(yaml).value;
}

std::string refusal(std::string_view text) {
    auto yaml = read_yaml(text);
    INFO(text);
    REQUIRE(std::holds_alternative<Unread>(yaml));
    const auto& [path, line, what] = std::get<Unread>(yaml);
    return (line == 0 ? "" : "line " + std::to_string(line)) + ": " + what;
}

}  // namespace

TEST_CASE("YAML's scalars mean what its core schema says, and no more") {
    REQUIRE(read("[1, -7, 0, 1.5, true, False, null, ~, '1', \"true\"]") ==
            json::array({1, -7, 0, 1.5, true, false, nullptr, nullptr, "1", "true"}));
    REQUIRE(read("[yes, on, 0.5, 0x10, '010', !!str 010, 00:11, 01.5, 52:54:00:12:34:56, 192.0.2.10/24, 1-10, 18446744073709551615]") ==
            json::array({"yes", "on", 0.5, "0x10", "010", "010", "00:11", "01.5", "52:54:00:12:34:56", "192.0.2.10/24", "1-10", 18446744073709551615u}));
    REQUIRE(read("a: !!str 7\nb:\nc: |\n  x\n  y\n") == json{{"a", "7"}, {"b", nullptr}, {"c", "x\ny\n"}});
}

TEST_CASE("YAML says where each part of it stands") {
    const auto yaml = read_yaml("networks:\n  web:\n    nic: eth0\n    nameservers:\n      - 192.0.2.1\n      - 192.0.2.2\n  a/b: {vlan: 5}\n");
    REQUIRE(std::get<Yaml>(yaml).lines == std::map<std::string, int>{{"", 1}, {"/networks", 1}, {"/networks/web", 2}, {"/networks/web/nic", 3},
                                                      {"/networks/web/nameservers", 4}, {"/networks/web/nameservers/0", 5},
                                                      {"/networks/web/nameservers/1", 6}, {"/networks/a~1b", 7}, {"/networks/a~1b/vlan", 7}});
}

TEST_CASE("YAML that can grow, or can be read in two ways, is refused with its line") {
    REQUIRE(refusal("a: &a [x]\nb: *a\n") == "line 2: an alias (*name) is not taken; write it out");
    REQUIRE(refusal("a: 1\nb: 2\na: 3\n") == "line 3: \"a\" is given twice");
    REQUIRE(refusal("a: !boom 1\n") == "line 1: the tag !boom is not taken");
    REQUIRE(refusal("a: !!binary AAAA\n") == "line 1: the tag tag:yaml.org,2002:binary is not taken");
    REQUIRE(refusal("? [a]\n: 1\n") == "line 1: a key is a text");
    REQUIRE(refusal("a: 1\n---\nb: 2\n") == ": the file has more than one document");
    REQUIRE(refusal("") == ": the file is empty");
    REQUIRE(refusal("a: \xff\n") == ": the file is not UTF-8");
    REQUIRE(refusal("a: [1\nb: 2\n").starts_with("line 2: not YAML"));
    REQUIRE(refusal("a:\n\tb: 2\n").ends_with("(a tab does not indent in YAML, blanks do)"));
    REQUIRE(refusal("a: {b:\n").find("tab") == std::string::npos);
    REQUIRE(refusal(std::string(40, '[') + std::string(40, ']')) == "line 1: it lies deeper than 32 levels");
    REQUIRE(refusal(std::string(5 << 20, ' ')) == ": the file has more than 4 MiB");
    REQUIRE(refusal(std::string(100'000, '[')).starts_with("line 1: "));
}

TEST_CASE("YAML is held to the bounds of JSON, and says what it is about") {
    const auto unread = [](std::string_view text) { return std::get<Unread>(read_yaml(text)); };
    REQUIRE(unread("networks:\n  a:\n    nic: \"e\\x01\"\n") == Unread{"/networks/a/nic", 3, "a text with a control character is not taken"});
    REQUIRE(unread("a: [x, \"\\r\"]\n").path == "/a/1");
    REQUIRE(unread("b:\n  \"a\\tb\": 1\n") == Unread{"/b", 2, "a key with a control character is not taken"});
    REQUIRE(unread("a: 1\nb: {c: 1,\n c: 2}\n") == Unread{"/b/c", 3, "\"c\" is given twice"});
    REQUIRE(unread("a: &x []\nb:\n- {c: *x}\n") == Unread{"/b/0/c", 3, "an alias (*name) is not taken; write it out"});
    REQUIRE(read("a: \"x\\ty\\n\"") == json{{"a", "x\ty\n"}});
}

TEST_CASE("numbers with leading zeros are refused with what to write") {
    REQUIRE(refusal("mtu: 01400\n") == "line 1: 01400 can be meant as octal or as decimal; write 1400, or \"01400\" if it is a text");
    REQUIRE(refusal("a:\n  - -007\n").find("write -7, or") != std::string::npos);
    REQUIRE(refusal("a: 00\n").find("write 0, or") != std::string::npos);
    REQUIRE(refusal("a: !!int 010\n").starts_with("line 1: 010 can be"));
}

TEST_CASE("a file is three objects, of which each may be missing") {
    const auto read = read_definitions("networks: {web: {nic: eth0}}\nbondings:\n", "web.yaml");
    REQUIRE(std::get<Definitions>(read).params ==
            json{{"networks", {{"web", {{"nic", "eth0"}}}}}, {"bondings", json::object()}, {"options", json::object()}});
    REQUIRE(std::get<Definitions>(read).source.name == "web.yaml");
}

TEST_CASE("JSON is told from YAML by its name, else by its first character") {
    const auto json_twice = std::string_view(R"({"networks": {}, "networks": {}})");
    REQUIRE(std::holds_alternative<Trouble>(read_definitions(json_twice, "web.json")));
    REQUIRE(std::get<Trouble>(read_definitions(json_twice, "-")).complaints.front().path == "/networks");
    REQUIRE(std::holds_alternative<Definitions>(read_definitions("{networks: {web: {}}}", "web.yaml")));
    REQUIRE(std::holds_alternative<Trouble>(read_definitions("{networks: {web: {}}}", "web")));
    REQUIRE(std::get<Definitions>(read_definitions("{\n\"networks\": {\n\"web\": {}}}", "x.json")).source.lines.at("/networks/web") == 3);
}

TEST_CASE("what is no JSON for netd has its line") {
    const auto said = [](std::string_view text) { return explain(std::get<Trouble>(read_definitions(text, "x.json")), source_of("-")).front(); };
    REQUIRE(said("{\"networks\": {\n\"a\": {},\n\"a\": {}}}") == "network \"a\": \"a\" is given twice (networks/a in standard input, line 3)");
    REQUIRE(said("{\"networks\": {\n\"a\": {\"nic\": \"\\u0001\"}}}") ==
            "network \"a\": \"nic\" is a text with a control character (networks/a/nic in standard input, line 2)");
    REQUIRE(said("{\n\"networks\": {,}}").ends_with("(in standard input, line 2)"));
}

TEST_CASE("what a file may not hold is rejected by name") {
    const auto rejected = [](std::string_view text) { return std::get<Trouble>(read_definitions(text, "web.yaml")); };
    REQUIRE(rejected("[]").exit == Exit::rejected);
    REQUIRE(rejected("netwroks: {}\n").complaints ==
            std::vector<Complaint>{{"/netwroks", "invalid", "\"netwroks\" is not known here; known are networks, bondings and options", 1}});
    REQUIRE(rejected("networks: []\n").complaints.front().what == "\"networks\" is an object");
    REQUIRE(std::get<Trouble>(read_definitions("/nowhere/at/all")).exit == Exit::failed);
}

}  // namespace read_yaml_test
