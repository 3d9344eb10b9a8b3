// How netd's refusals end a command, and how they read.
#include "netctl/trouble.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace trouble_test {

using namespace netctl;
using nlohmann::json;

namespace {

json error(int code, const char* message, const char* fault = "invalid", const char* path = "/networks/web/vlan") {
    return {{"code", code}, {"message", message}, {"data", json::array({{{"path", path}, {"fault", fault}, {"what", "no"}}})}};
}

Exit ending(const json& error, Asked asked) { return read_trouble(error, asked).exit; }

}  // namespace

TEST_CASE("each of netd's codes ends the command in its own way") {
    REQUIRE(ending(error(26, "no"), Asked::planning) == Exit::rejected);
    REQUIRE(ending(error(26, "no"), Asked::setting_up) == Exit::rejected);
    REQUIRE(ending(error(10, "rolled back: x", "timeout", ""), Asked::setting_up) == Exit::rolled_back);
    REQUIRE(ending(error(29, "rolled back: x", "backend", ""), Asked::setting_up) == Exit::rolled_back);
    REQUIRE(ending(error(29, "degraded: x", "backend", ""), Asked::setting_up) == Exit::failed);
    REQUIRE(ending(error(10, "degraded: x", "timeout", ""), Asked::setting_up) == Exit::failed);
    REQUIRE(ending(error(403, "no"), Asked::setting_up) == Exit::denied);
    REQUIRE(ending(error(-32602, "no"), Asked::reading) == Exit::rejected);
    REQUIRE(ending(error(-32700, "no", "invalid", "/params/networks/web/nic"), Asked::planning) == Exit::rejected);
    REQUIRE(ending(error(-32601, "no"), Asked::reading) == Exit::failed);
}

TEST_CASE("what is not there is 10 when it was asked for, and a fault of the file when a file names it") {
    REQUIRE(ending(error(49, "no", "not_found"), Asked::plugging) == Exit::not_found);
    REQUIRE(ending(error(23, "no", "not_found"), Asked::planning) == Exit::rejected);
    REQUIRE(ending(error(49, "no", "conflict"), Asked::plugging) == Exit::rejected);
}

TEST_CASE("what netd refused before it touched anything is rejected, whatever the code") {
    for (const int code : {10, 29, 32, 49, 56}) {
        CAPTURE(code);
        REQUIRE(ending(error(code, "no", "backend"), Asked::setting_up) == Exit::rejected);
        REQUIRE(ending(error(code, "rolled back: x", "backend", ""), Asked::setting_up) == Exit::rolled_back);
        REQUIRE(ending(error(code, "degraded: x", "backend", ""), Asked::setting_up) == Exit::failed);
    }
    REQUIRE(ending({{"code", 40}, {"message", "64 changes wait already"}}, Asked::setting_up) == Exit::rejected);
    for (const int code : {29, 32}) REQUIRE(ending(error(code, "no", "backend", ""), Asked::setting_up) == Exit::rejected);
    REQUIRE(ending({{"code", 29}, {"message", "no"}}, Asked::reading) == Exit::failed);
    REQUIRE(ending(error(29, "no", "backend", ""), Asked::reading) == Exit::failed);
}

TEST_CASE("an error of no known shape is still an error") {
    for (const auto& odd : {json(), json(7), json::array(), json::object(), json{{"code", "x"}, {"message", 5}, {"data", "x"}}}) {
        INFO(odd.dump());
        REQUIRE(ending(odd, Asked::reading) == Exit::failed);
        REQUIRE(explain(read_trouble(odd, Asked::reading)).size() == 1);
    }
}

TEST_CASE("a complaint says what it is about, where it stands, and what to try") {
    const Source source{"web.yaml", {{"/networks/web", 2}, {"/networks/web/vlan", 4}}};
    const Trouble trouble{Exit::rejected, "summary", "netctl networks", 26,
                          {{"/networks/web/vlan", "conflict", "VLAN 100 is taken"}, {"/networks/web/mtu", "invalid", "too large"},
                           {"/bondings/bond~1x/nics", "invalid", "empty"}, {"/options", "invalid", "odd"}}};
    REQUIRE(explain(trouble, source) ==
            std::vector<std::string>{"network \"web\": VLAN 100 is taken (networks/web/vlan in web.yaml, line 4)",
                                     "network \"web\": too large (networks/web/mtu in web.yaml, line 2)",
                                     "bond \"bond/x\": empty (bondings/bond~1x/nics in web.yaml)",
                                     "odd (options in web.yaml) · try: netctl networks"});
}

TEST_CASE("a file with several kinds of switch is told how to send one at a time") {
    auto refused = error(21, "no", "conflict", "/networks/web/switch");
    REQUIRE(read_trouble(refused, Asked::planning).next == "netctl networks");
    refused["data"][0]["what"] = "all networks of one request are on one kind of switch; send one request a kind";
    const auto next = read_trouble(refused, Asked::planning).next;
    REQUIRE(next.find("jq '.networks |= ") == 0);
    REQUIRE(next.find("netctl apply --yes -f -") != next.npos);
    REQUIRE(next.ends_with("netctl definitions --switch KIND"));
}

TEST_CASE("a value that is none gets no hint to look at what is there") {
    REQUIRE(read_trouble(error(22, "no", "invalid", "/networks/web/mtu"), Asked::planning).next.empty());
    REQUIRE(read_trouble(error(26, "no", "conflict"), Asked::planning).next == "netctl networks");
}

TEST_CASE("who plugs into a network that is not there is shown the networks") {
    REQUIRE(read_trouble(error(49, "no", "not_found", "/nic/network"), Asked::plugging).next == "netctl networks");
    REQUIRE(read_trouble(error(49, "no", "not_found", "/vmId"), Asked::plugging).next.empty());
    REQUIRE(read_trouble(error(49, "no", "conflict", "/nic/macAddr"), Asked::plugging).next == "netctl vm");
}

TEST_CASE("what netd could not read is told by its place in the file") {
    const auto trouble = read_trouble(error(-32700, "no", "invalid", "/params/networks/web/nic"), Asked::planning);
    REQUIRE(explain(trouble, {"web.yaml", {{"/networks/web/nic", 3}}}) == std::vector<std::string>{"network \"web\": \"nic\" no (networks/web/nic in web.yaml, line 3)"});
}

TEST_CASE("what netd says of a change as a whole is told in its own words") {
    const auto trouble = read_trouble(error(10, "rolled back: nobody confirmed", "timeout", ""), Asked::setting_up);
    REQUIRE(explain(trouble, {"web.yaml", {}}) == std::vector<std::string>{"rolled back: nobody confirmed · try: netctl status"});
}

TEST_CASE("no error moves the cursor") {
    const Trouble trouble{Exit::rejected, "x", "", 26, {{"/networks/a\x1b[2J/vlan", "invalid", "\x1b]0;x\x07"}}};
    for (const auto& line : explain(trouble, {"f\x1bile", {}})) REQUIRE(line.find('\x1b') == std::string::npos);
}

TEST_CASE("machines get every complaint in a list, also an empty one") {
    REQUIRE(document({Exit::not_running, "gone"}) ==
            json{{"error", {{"exit", 8}, {"code", 0}, {"message", "gone"}, {"complaints", json::array()}}}});
}

}  // namespace trouble_test
