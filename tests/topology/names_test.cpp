// Names: what netd takes into its hands, and what it turns away at the door.
#include "topology/names.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace names_test {

using namespace topology;
using namespace std::string_literals;

TEST_CASE("a device name of the field is taken as it is") {
    const auto name = GENERATE("eth0", "enp129s0f1np1", "bond0.100", "_x", "0", "Web-1", "ovirtmgmt", "123456789012345");
    CAPTURE(name);
    const auto parsed = IfName::parse(name);
    REQUIRE(parsed);
    REQUIRE(parsed->text() == name);
    REQUIRE(parsed->c_str() == std::string(name));
}

TEST_CASE("a text that the kernel refuses or tools misread is no device name") {
    const auto name = GENERATE(""s, "1234567890123456"s, "net%d"s, "-x"s, "."s, ".."s, ".hidden"s, "é"s, "a b"s, "a/b"s,
                               "a:b"s, "eth0\n"s, "eth0\0"s, "a\0b"s, "\x1b[2J"s, "web\xff"s, "a*"s, "$(id)"s, "a;b"s);
    CAPTURE(name);
    const auto parsed = IfName::parse(name);
    REQUIRE_FALSE(parsed);
    REQUIRE(parsed.error().fault == Fault::invalid);
}

TEST_CASE("the kernel's own names are not given to networks") {
    const auto name = GENERATE("lo", "all", "default", "bonding_masters");
    CAPTURE(name);
    REQUIRE_FALSE(IfName::parse(name));
}

TEST_CASE("a refused device name says what would be one") {
    REQUIRE(IfName::parse("net%d").error() ==
            Error{Fault::invalid, "net%d", "\"net%d\" is not a device name: 1 to 15 letters, digits, '_', '.', '-'"});
    REQUIRE(IfName::parse("-x").error().what ==
            "\"-x\" is not a device name: it must begin with a letter, a digit or '_'");
    REQUIRE(IfName::parse("all").error().what == "\"all\" is the kernel's own name: choose another one");
}

TEST_CASE("a refused name can't reach the operator's terminal raw, nor fill it") {
    const auto error = IfName::parse("\x1b[2J" + std::string(100'000, 'a')).error();
    REQUIRE(error.subject.find('\x1b') == std::string::npos);
    REQUIRE(error.what.find('\x1b') == std::string::npos);
    REQUIRE(error.what.size() < 300);
}

TEST_CASE("what the kernel reports is a name, whatever it is") {
    REQUIRE(IfName::observed("-é%d").text() == "-é%d");
}

TEST_CASE("a network may be called anything that people can read") {
    const auto name =
        GENERATE("web"s, "Production Web Network, VLAN 100"s, "сеть"s, "网络"s, "a/b:c"s, "-"s, std::string(256, 'x'));
    CAPTURE(name);
    REQUIRE(NetworkName::parse(name));
    REQUIRE(NetworkName::parse(name)->text() == name);
}

TEST_CASE("nothing, too much, broken bytes and control characters are no network's name") {
    const auto name = GENERATE(""s, std::string(257, 'x'), "a\0b"s, "a\nb"s, "\x1b[31m"s, "a\x7f"s, "\xc2\x85"s, "a\xff"s,
                               "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe7\xbd"s);
    CAPTURE(escaped(name));
    const auto parsed = NetworkName::parse(name);
    REQUIRE_FALSE(parsed);
    REQUIRE(parsed.error().fault == Fault::invalid);
    REQUIRE(is_utf8(parsed.error().subject));
    REQUIRE(is_utf8(parsed.error().what));
}

TEST_CASE("the bytes of a long name are counted, not its characters") {
    std::string name;
    for (int i = 0; i < 128; ++i) name += "é";
    REQUIRE(NetworkName::parse(name));
    REQUIRE_FALSE(NetworkName::parse(name + "x"));
}

TEST_CASE("a bridge may carry the network's name where engines and the kernel both take it") {
    REQUIRE(is_bridge_name("ovirtmgmt"));
    REQUIRE(is_bridge_name("web-1_x"));
    REQUIRE(is_bridge_name("123456789012345"));
    const auto name = GENERATE("", "1234567890123456", "a.b", "a:b", "a/b", "a b", "a\tb", "-web", "сеть", "lo", "all",
                               "default", "bonding_masters", "net%d");
    CAPTURE(name);
    REQUIRE_FALSE(is_bridge_name(name));
}

TEST_CASE("UTF-8 is well-formed or it is not UTF-8") {
    REQUIRE(is_utf8(""));
    REQUIRE(is_utf8("plain, é, 网, 😀"));
    REQUIRE(is_utf8("\xf4\x8f\xbf\xbf"));
    const auto broken = GENERATE("\x80", "\xc2", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf",
                                 "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "a\xe7\xbd");
    REQUIRE_FALSE(is_utf8(broken));
}

TEST_CASE("what would move the cursor or hide a text is shown as its bytes") {
    const std::map<std::string, std::string> shown = {
        {"web", "web"},
        {"网络 é", "网络 é"},
        {"\x1b[2J", "\\x1b[2J"},
        {"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
        {"a\0b"s, "a\\x00b"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},                                     // CSI in one character
        {"evil\xe2\x80\xaetxt", "evil\\xe2\\x80\\xaetxt"},     // right-to-left override
        {"a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"},                 // zero-width space
        {"a\xff\xfe", "a\\xff\\xfe"}};
    for (const auto& [text, expected] : shown) REQUIRE(escaped(text) == expected);
}

}  // namespace names_test
