#include "netd/wire/entry.hpp"

#include <catch2/catch.hpp>

namespace entry_test {

using nlohmann::json;

TEST_CASE("an entry reads as the value that has the same members") {
    wire::Entry entry;
    json same;
    const auto put = [&](const char* key, const auto& value) {
        entry.put(key, value);
        same[key] = value;
    };
    put("mtu", std::uint32_t{1500});
    put("smallest", INT64_MIN);
    put("up", true);
    put("addr", std::string("192.0.2.1"));
    put("odd", std::string("a \"quoted\" \\ text,\n\x01 \xc3\xa9 and \x7f"));
    put("no UTF-8", std::string("\xff\xfe"));
    put("ports", std::vector<std::string>{"eno1", "back\\slash", ""});
    put("none", std::vector<std::string>{});
    put("opts", json{{"stp_state", "0"}, {"ageing_time", "30000"}});
    CHECK(entry.text() == wire::dump(same));
    CHECK(wire::Entry().text() == "{}");
}

TEST_CASE("of a key that an entry is given twice the last value counts") {
    wire::Entry entry;
    entry.put("mtu", 1500);
    entry.put("iface", "br0");
    entry.put("mtu", "9000");
    CHECK(entry.text() == R"({"iface":"br0","mtu":"9000"})");
}

}  // namespace entry_test
