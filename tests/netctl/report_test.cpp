// What an administrator sees first.
#include "netctl/report.hpp"

#include <catch2/catch.hpp>

namespace report_test {

using namespace netctl;
using nlohmann::json;

TEST_CASE("the first line of the status says whether all is well, and what is not, the worst first") {
    Report report;
    REQUIRE(verdict_of(report).text == "all is well");
    report.status = {{"transaction", {{"id", 3}}}, {"withoutLease", {"dyn"}}};
    REQUIRE(verdict_of(report).text == "1 network without a lease, a change waits");
    REQUIRE(verdict_of(report).tone == Tone::bad);
    report.status = {{"unknown", {{"tap0", {{"bridge", "web"}}}}}};
    REQUIRE(verdict_of(report).text == "1 tap not known yet");
    REQUIRE(verdict_of(report).tone == Tone::warning);
    report.status = {{"deadPorts", {{"bond0", {"eno2"}}}}};
    REQUIRE(verdict_of(report).text == "1 bond with a dead port");
    REQUIRE(verdict_of(report).tone == Tone::warning);
    report.status = {{"down", {"dyn", "web"}}, {"withoutLease", {"dyn"}}, {"bonds", {{"bond0", "no LACP"}}}, {"trouble", {{"what", "blocked"}}}};
    report.drift = json::array({{{"kind", "network"}, {"name", "web"}}, {{"kind", "network"}, {"name", "web"}}, {{"kind", "guest"}, {"name", "vm1"}}});
    REQUIRE(verdict_of(report).text == "TROUBLE, 2 networks down, 1 bond not well, 2 not as defined");
    REQUIRE(verdict_of(report).tone == Tone::bad);
    REQUIRE(drifted(report) == std::vector<std::string>{"web", "guest vm1"});
}

TEST_CASE("the status fails where a network can't be used, not for what others do to the host") {
    Report report;
    const auto ends = [&](json status) {
        report.status = std::move(status);
        return ending_of(report);
    };
    CHECK(ends(json::object()) == Exit::done);
    CHECK(ends({{"disturbances", {"iptables"}}, {"deadPorts", {{"bond0", {"eno2"}}}}, {"unknown", {{"tap0", {{"bridge", "web"}}}}}, {"transaction", {{"id", 3}}}}) == Exit::done);
    for (const json& bad : {json{{"withoutLease", {"dyn"}}}, json{{"down", {"web"}}}, json{{"bonds", {{"bond0", "no LACP"}}}}, json{{"trouble", {{"what", "blocked"}}}}})
        CHECK(ends(bad) == Exit::failed);
    report.drift = json::array({{{"kind", "network"}, {"name", "web"}}});
    CHECK(ends({{"withoutLease", {"dyn"}}}) == Exit::failed);
    CHECK(ends({{"disturbances", {"iptables"}}}) == Exit::drift);
}

TEST_CASE("networks that are down are told by the NIC or bond that took them down") {
    const auto network = [](const char* name, const char* base) { return json{{"id", std::string("network:") + name}, {"attributes", {{"base", base}}}}; };
    Report report;
    report.status = {{"down", {"db", "lab", "odd", "web"}}};
    report.problems = {{"nodes", {network("db", "eth0"), network("web", "eth0"), network("lab", "bond0"), {{"id", "nic:eth0"}, {"state", "no-carrier"}}, {{"id", "bond:bond0"}, {"state", "missing"}}}}};
    REQUIRE(reasons_of_down(report) == std::vector<std::string>{"lab: bond0 is missing", "db, web: eth0 has no carrier", "odd: without carrier, set down or missing"});
}

TEST_CASE("a status of no known shape has its first line, too") {
    for (const auto& odd : {json(), json(7), json::array({1, nullptr}), json{{"down", 5}, {"bonds", "x"}, {"networks", {{"web", 1}}}, {"nodes", {1, {{"id", 5}}}}}}) {
        INFO(odd.dump());
        const Report report{odd, json::array(), odd};
        (void)reasons_of_down(report);
        REQUIRE_FALSE(verdict_of(report).text.empty());
    }
}

}  // namespace report_test
