// A change that waits for longer than it was given is refused once, by whichever thread comes first.
#include "netd/serve/nic_request.hpp"
#include "netd/serve/requests.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/netd/zmq_client.hpp"

#include <nlohmann/json.hpp>

namespace deadlines_test {

using nlohmann::json;

namespace {

// Requests whose reconciler is at something else.
struct Busy {
    Busy() { REQUIRE(requests.keep_deadlines(*loop)); }

    void ask(int id, json params, const char* method = "Host.setupNetworks") {
        serve::Caller caller{"one"};
        caller.role = serve::Role::operate;
        caller.arrived = clock.boottime();
        requests.on_message(caller, json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}.dump());
    }
    void set_up(int id, const char* network, int timeout) { ask(id, {{"networks", {{network, json::object()}}}, {"options", {{"timeout", timeout}}}}); }

    loop::SystemClock clock;
    std::unique_ptr<loop::EventLoop> loop = std::move(*loop::EventLoop::open());
    std::unique_ptr<loop::Mailbox<serve::Command>> commands = std::move(*loop::Mailbox<serve::Command>::open());
    std::vector<json> answers;
    serve::Requests requests{[this](const serve::Ticket&, const std::string& bytes) { answers.push_back(json::parse(bytes)); }, *commands, clock};
};

}  // namespace

TEST_CASE("one that waits for too long has its answer while another is being done", "[deadlines]") {
    Busy house;
    house.set_up(1, "late", 1);
    house.set_up(2, "begun", 1);
    house.set_up(3, "patient", 3600);
    auto queue = house.commands->take();
    REQUIRE(queue.size() == 3);
    REQUIRE(std::get<serve::Setup>(queue[1]).turn.take());  // the reconciler's
    REQUIRE(zmq_client::comes_true(*house.loop, [&] { return !house.answers.empty(); }));
    REQUIRE(house.answers.size() == 1);
    CHECK(house.answers[0]["id"] == 1);
    CHECK(house.answers[0]["error"]["code"] == 40);
    CHECK_FALSE(std::get<serve::Setup>(queue[0]).turn.take());
    CHECK(std::get<serve::Setup>(queue[2]).turn.take());
}

TEST_CASE("one that was refused is in the queue until it is dropped from there", "[deadlines]") {
    Busy house;
    for (int id = 0; id < 64; ++id) house.set_up(id, "lan", 1);
    REQUIRE(zmq_client::comes_true(*house.loop, [&] { return house.answers.size() == 64; }));
    house.set_up(64, "lan", 1);
    CHECK(house.answers.back()["error"]["message"] == "64 changes wait already; try again when one is done");
    house.requests.on_left_queue();
    house.set_up(65, "lan", 3600);
    CHECK(house.answers.size() == 65);
}

TEST_CASE("one that was refused waits for nothing any more, as the status counts", "[deadlines]") {
    Busy house;
    house.requests.publish(std::make_shared<observe::Snapshot>());
    const auto waiting = [&] {
        house.answers.clear();
        house.ask(9, json::object(), "Host.getStatus");
        REQUIRE(house.answers.size() == 1);
        return house.answers[0]["result"]["queue"].get<int>();
    };
    house.set_up(1, "begun", 3600);
    house.set_up(2, "late", 1);
    house.set_up(3, "patient", 3600);
    CHECK(waiting() == 2);
    house.answers.clear();
    REQUIRE(zmq_client::comes_true(*house.loop, [&] { return !house.answers.empty(); }));
    CHECK(waiting() == 1);
    house.requests.on_left_queue({.was_refused = true});
    CHECK(waiting() == 1);
    house.requests.on_left_queue();
    CHECK(waiting() == 0);
}

TEST_CASE("every refusal says in its data what it is about", "[deadlines]") {
    Busy house;
    const auto told = [&](const char* method, json params) {
        house.answers.clear();
        house.ask(1, std::move(params), method);
        REQUIRE(house.answers.size() == 1);
        const json error = house.answers[0]["error"];
        REQUIRE(error["data"].is_array());
        REQUIRE(error["data"].size() == 1);
        CHECK(error["data"][0]["code"] == error["code"]);
        CHECK_FALSE(error["data"][0]["what"].get<std::string>().empty());
        return std::pair(error["code"].get<int>(), error["data"][0]["path"].get<std::string>());
    };
    using Told = std::pair<int, std::string>;
    CHECK(told("Host.reboot", json::object()) == Told(-32601, "/method"));
    CHECK(told("Host.ping2", {{"a/b", 1}}) == Told(-32602, "/a~1b"));
    CHECK(told("Host.getRunningConfig", {{"which", 5}}) == Told(-32602, "/which"));
    CHECK(told("Host.getRunningConfig", {{"which", "the other"}}) == Told(21, "/which"));
    CHECK(told("Host.getLldp", {{"filter", "eno1"}}) == Told(-32602, "/filter"));
    CHECK(told("Host.getTopology", {{"network", "nowhere"}}) == Told(21, "/network"));
    CHECK(told("Host.getTopology", {{"guest", "nobody"}}) == Told(21, "/guest"));
    CHECK(told("Host.getTopology", {{"view", "bird's"}}) == Told(21, "/view"));
    CHECK(told("Host.confirmConnectivity", {{"transaction", "x"}}) == Told(-32602, "/transaction"));
    for (int id = 0; id < 64; ++id) house.set_up(id, "lan", 3600);
    CHECK(told("Host.setSafeNetworkConfig", json::object()) == Told(40, ""));
    serve::Caller reader{"two"};
    house.answers.clear();
    house.requests.on_message(reader, json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "Host.rollback"}}.dump());
    REQUIRE(house.answers.size() == 1);
    CHECK(house.answers[0]["error"]["data"] == json::array({{{"path", ""}, {"code", 403}, {"fault", "denied"}, {"what", house.answers[0]["error"]["message"]}}}));
}

TEST_CASE("what is wrong with a guest's NIC as such is told at once", "[deadlines]") {
    Busy house;
    const auto code = [&](const char* method, json params) {
        house.answers.clear();
        house.ask(1, std::move(params), method);
        return house.answers.empty() ? 0 : house.answers[0]["error"]["code"].get<int>();
    };
    CHECK(code("VM.hotplugNic", {{"vmId", "a"}, {"nic", "lan"}}) == 49);
    CHECK(code("VM.hotplugNic", {{"vmId", ""}, {"nic", json::object()}}) == 49);
    CHECK(code("VM.hotplugNic", {{"vmId", "a"}, {"nic", {{"macAddr", 5}}}}) == 49);
    CHECK(code("VM.hotplugNic", {{"vmId", "a"}, {"nic", {{"queues", "many"}}}}) == 49);
    CHECK(code("VM.hotplugNic", {{"vmId", "a"}}) == 49);
    CHECK(house.answers[0]["error"]["data"][0]["path"] == "/nic");
    for (const std::string& odd : {std::string("a\nb"), std::string("a\tb"), std::string(300, 'a')}) {
        CHECK(code("VM.hotplugNic", {{"vmId", odd}, {"nic", {{"kind", "tap"}}}}) == 49);
        CHECK(house.answers[0]["error"]["data"][0]["path"] == "/vmId");
    }
    CHECK(code("VM.hotunplugNic", {{"vmId", "a"}, {"nic", json::object()}}) == 50);
    CHECK(code("VM.updateDevice", {{"vmId", "a"}, {"macAddr", "02:00:00:00:00:01"}, {"linkActive", 7}}) == 56);
    CHECK(house.answers[0]["error"]["data"][0]["path"] == "/linkActive");
    CHECK(code("VM.updateDevice", {{"vmId", "a"}, {"nic", {{"macAddr", "02:00:00:00:00:01"}, {"linkActive", 7}}}}) == 56);
    CHECK(house.answers[0]["error"]["data"][0]["path"] == "/nic/linkActive");
    // An alias beside it would be another NIC's.
    CHECK(code("VM.updateDevice", {{"vmId", "a"}, {"macAddr", "nonsense"}, {"alias", "net0"}, {"linkActive", false}}) == 56);
    CHECK(house.answers[0]["error"]["data"][0]["path"] == "/macAddr");
    CHECK(code("VM.hotunplugNic", {{"vmId", "a"}, {"nic", {{"macAddr", 7}}}}) == 50);
    CHECK(house.answers[0]["error"]["data"][0]["path"] == "/nic/macAddr");
    CHECK(house.commands->take().empty());
    CHECK(code("VM.hotplugNic", {{"vmId", "a"}, {"nic", {{"kind", "tap"}, {"macAddr", "02:00:00:00:00:01"}}}}) == 0);
    CHECK(code("VM.hotunplugNic", {{"vmId", "a"}, {"macAddr", "02:00:00:00:00:01"}}) == 0);
    CHECK(code("VM.updateDevice", {{"vmId", "a"}, {"macAddr", "02:00:00:00:00:01"}, {"deviceType", "interface"}, {"vlan", nullptr}, {"specParams", {{"inbound", {{"peak", 5}}}}}}) == 0);
    CHECK(house.commands->take().size() == 3);
}

TEST_CASE("all that is wrong with a guest's NIC as such is told, each part of it once", "[deadlines]") {
    Busy house;
    const auto paths = [&](const char* method, json params) {
        house.answers.clear();
        house.ask(1, std::move(params), method);
        std::vector<std::string> all;
        for (const json& complaint : house.answers.at(0)["error"]["data"]) all.push_back(complaint["path"]);
        return all;
    };
    using Paths = std::vector<std::string>;
    CHECK(paths("VM.hotplugNic", {{"vmId", "a\nb"}, {"network", "lan"}, {"nic", {{"macAddr", 5}, {"queues", "many"}}}}) == Paths{"/vmId", "/network", "/nic/macAddr", "/nic/queues"});
    CHECK(paths("VM.updateDevice", {{"vmId", "a"}, {"deviceType", "disk"}, {"macAddr", "nonsense"}, {"alias", 7}, {"linkActive", 7}}) ==
          Paths{"/deviceType", "/macAddr", "/alias", "/linkActive"});
    CHECK(paths("VM.hotunplugNic", {{"vmId", ""}, {"nic", 7}}) == Paths{"/vmId", "/nic"});
    CHECK(paths("VM.hotunplugNic", {{"vmId", ""}, {"nic", json::object()}}) == Paths{"/vmId", "/nic"});
    CHECK(house.commands->take().empty());
}

TEST_CASE("null is what was not said", "[deadlines]") {
    Busy house;
    constexpr const char* mac = "02:00:00:00:00:01";
    const auto path = [&](const char* method, json params) {
        house.answers.clear();
        house.ask(1, std::move(params), method);
        return house.answers.empty() ? "(taken)" : house.answers[0]["error"]["data"][0]["path"].get<std::string>();
    };
    CHECK(path("VM.updateDevice", {{"vmId", "a"}, {"nic", nullptr}, {"macAddr", mac}, {"linkActive", false}}) == "(taken)");
    CHECK(path("VM.updateDevice", {{"vmId", "a"}, {"nic", nullptr}, {"macAddr", mac}, {"linkActive", 7}}) == "/linkActive");
    CHECK(path("VM.updateDevice", {{"vmId", "a"}, {"nic", {{"macAddr", nullptr}, {"alias", "net0"}}}}) == "(taken)");
    CHECK(path("VM.updateDevice", {{"vmId", "a"}, {"nic", {{"macAddr", nullptr}}}}) == "/nic");
    CHECK(path("VM.updateDevice", {{"vmId", "a"}, {"macAddr", nullptr}, {"linkActive", false}}) == "");
    CHECK(path("VM.hotunplugNic", {{"vmId", "a"}, {"nic", nullptr}}) == "");
    CHECK(path("VM.hotplugNic", {{"vmId", "a"}, {"nic", nullptr}}) == "/nic");
    CHECK(path("VM.hotplugNic", {{"vmId", "a"}, {"nic", {{"kind", "tap"}, {"macAddr", nullptr}}}}) == "(taken)");
    std::ignore = house.commands->take();
    CHECK(path("Host.setupNetworks", {{"networks", {{"web", {{"remove", true}, {"nic", "eno1"}}}}}}) == "/networks/web/nic");
    CHECK(path("Host.setupNetworks", {{"networks", {{"web", {{"remove", true}, {"nic", nullptr}}}}}}) == "(taken)");
    const auto queue = house.commands->take();
    REQUIRE(queue.size() == 1);
    CHECK(std::get<serve::Setup>(queue[0]).request.removed == std::vector{*intent::NetworkName::parse("web")});
}

TEST_CASE("a NIC is named by its MAC, else by its alias, beside vmId or else in nic", "[deadlines]") {
    const auto place = [](json params) { return serve::name_of(params).place; };
    CHECK(place({{"nic", {{"macAddr", "m"}, {"alias", "a"}}}, {"macAddr", "n"}, {"alias", "b"}}) == "/macAddr");
    CHECK(place({{"nic", {{"macAddr", nullptr}, {"alias", "a"}}}, {"macAddr", "n"}}) == "/macAddr");
    CHECK(place({{"nic", {{"macAddr", "m"}, {"alias", "a"}}}, {"alias", "b"}}) == "/alias");
    CHECK(place({{"nic", {{"macAddr", "m"}, {"alias", "a"}}}, {"macAddr", ""}, {"alias", nullptr}}) == "/nic/macAddr");
    CHECK(place({{"nic", {{"macAddr", ""}, {"alias", "a"}}}}) == "/nic/alias");
    CHECK(place({{"nic", nullptr}, {"alias", "b"}}) == "/alias");
    CHECK(place({{"vmId", "a"}}) == "");
}

TEST_CASE("of two NICs that are named none is taken", "[deadlines]") {
    Busy house;
    const auto path = [&](const char* method, json params) {
        house.answers.clear();
        params["vmId"] = "a";
        house.ask(1, std::move(params), method);
        return house.answers.empty() ? "(taken)" : house.answers[0]["error"]["data"][0]["path"].get<std::string>();
    };
    constexpr const char *one = "02:00:00:00:00:0a", *other = "02:00:00:00:00:02";
    for (const char* method : {"VM.updateDevice", "VM.hotunplugNic"}) {
        CHECK(path(method, {{"macAddr", one}, {"nic", {{"macAddr", other}}}}) == "/nic/macAddr");
        CHECK(path(method, {{"macAddr", one}, {"nic", {{"macAddr", "02:00:00:00:00:0A"}}}}) == "(taken)");
        CHECK(path(method, {{"macAddr", one}, {"nic", {{"macAddr", nullptr}}}}) == "(taken)");
        CHECK(path(method, {{"alias", "net0"}, {"nic", {{"alias", "net0"}}}}) == "(taken)");
    }
    // To change it is another matter.
    CHECK(path("VM.updateDevice", {{"alias", "net0"}, {"nic", {{"alias", "net1"}, {"network", "dmz"}}}}) == "(taken)");
    CHECK(path("VM.hotunplugNic", {{"alias", "net0"}, {"nic", {{"alias", "net1"}}}}) == "/nic/alias");
}

TEST_CASE("of a NIC that is called by its name of before nothing false is told beside what is wrong", "[deadlines]") {
    Busy house;
    fakes::FakeKernel kernel{"enp1s0"};
    observe::Snapshot now;
    now.observed.kernel = kernel.state();
    now.abilities = kernel.able;
    const auto paths = [&](const intent::Renames& renamed) {
        now.renamed = renamed;
        house.requests.publish(std::make_shared<const observe::Snapshot>(now));
        house.answers.clear();
        house.ask(1, {{"networks", {{"web", {{"nic", "eno1"}, {"mtu", "much"}}}}}});
        REQUIRE(house.answers.size() == 1);
        std::set<std::string> told;
        for (const json& one : house.answers[0]["error"]["data"]) told.insert(one["path"].get<std::string>());
        return told;
    };
    CHECK(paths({{*topology::IfName::parse("eno1"), *topology::IfName::parse("enp1s0")}}) == std::set<std::string>{"/networks/web/mtu"});
    CHECK(paths({}) == std::set<std::string>{"/networks/web/mtu", "/networks/web/nic"});
}

}  // namespace deadlines_test
