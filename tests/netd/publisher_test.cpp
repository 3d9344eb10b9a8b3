// Every event is numbered, and a subscriber that cannot keep up harms nobody and can tell.
#include "netd/serve/doorkeeper.hpp"
#include "netd/serve/publisher.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/netd/zmq_client.hpp"

#include <nlohmann/json.hpp>

#include <fstream>

namespace publisher_test {

using nlohmann::json;
using serve::Publisher;
using zmq_client::Client;
using zmq_client::Folder;
using zmq_client::RawClient;

namespace {

struct Station {
    Station() {
        door = std::move(*serve::Doorkeeper::open(*loop, *context, [](const serve::Peer&) { return serve::Role::none; }));
        auto opened = Publisher::open(*loop, *context, clock, {endpoint, -1, "boot-1"});
        REQUIRE(opened);
        publisher = std::move(*opened);
    }
    void wait_for_subscriptions(std::uint64_t count) {
        REQUIRE(zmq_client::comes_true(*loop, [&] { return publisher->counters().subscriptions == count; }));
    }

    Folder folder;
    std::string endpoint = "ipc://" + (folder.path / "events").string();
    fakes::FakeClock clock;
    std::unique_ptr<loop::EventLoop> loop = std::move(*loop::EventLoop::open());
    std::unique_ptr<serve::Context> context = std::move(*serve::Context::open());
    std::unique_ptr<serve::Doorkeeper> door;
    std::unique_ptr<Publisher> publisher;
};

// A handshake must be over in two seconds, so a busy machine needs a second try.
bool is_let_in(Station& station, std::optional<RawClient>& raw) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        raw.emplace(station.endpoint);
        const auto before = station.door->counters().admitted;
        if (raw->introduce("SUB") && zmq_client::comes_true(*station.loop, [&] { return station.door->counters().admitted > before; }) && raw->is_welcome()) return true;
    }
    return false;
}

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0, resident = 0;
    statm >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("an event carries its number, its time and what happened", "[publisher]") {
    Station station;
    Client subscriber(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(1);
    REQUIRE(station.publisher->publish("nic.link", {{"revision", 7}, {"nic", "eth0"}}) == 1);
    const auto got = subscriber.receive();
    REQUIRE(got);
    REQUIRE(got->size() == 2);
    REQUIRE(got->front() == "nic.link");
    REQUIRE(json::parse(got->back()) == json{{"seq", 1},
                                             {"topicSeq", 1},
                                             {"boot", "boot-1"},
                                             {"revision", 7},
                                             {"time", "2023-11-14T22:13:20.000Z"},
                                             {"event", "nic.link"},
                                             {"nic", "eth0"}});
}

TEST_CASE("numbers have no holes, whoever listens or not", "[publisher]") {
    Station station;
    REQUIRE(station.publisher->publish("a", json::object()) == 1);  // to nobody
    REQUIRE(station.publisher->publish("b", json::object()) == 2);
    Client all(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(1);
    for (int i = 3; i <= 500; ++i) {
        REQUIRE(station.publisher->publish(i % 2 ? "a" : "b", {{"event", "other"}}) == static_cast<std::uint64_t>(i));
        const auto got = all.receive();
        REQUIRE(got);
        const auto event = json::parse(got->back());
        REQUIRE(event["seq"] == i);
        REQUIRE(event["topicSeq"] == (i + 1) / 2);
        REQUIRE(event["event"] == "other");
    }
}

TEST_CASE("a subscriber gets the topics that begin with his prefix", "[publisher]") {
    Station station;
    Client subscriber(ZMQ_XSUB, station.endpoint);
    REQUIRE(subscriber.send({"\1nic."}));
    Client other(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(2);
    station.publisher->publish("network.changed", json::object());
    station.publisher->publish("nic.link", json::object());
    REQUIRE(subscriber.receive()->front() == "nic.link");
    REQUIRE(other.receive()->front() == "network.changed");
}

TEST_CASE("what one subscriber takes back, though he never had it, is nothing to another", "[publisher]") {
    Station station;
    Client good(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(1);
    std::optional<RawClient> raw;
    REQUIRE(is_let_in(station, raw));
    std::string bytes;
    const std::string never("\0x", 2), own("\1y"), over("\0y", 2);
    for (const std::string& told : {never, never, never, own, over}) bytes += RawClient::frame_header(false, told.size()) + told;
    REQUIRE(raw->write(bytes));
    station.wait_for_subscriptions(2);
    station.publisher->publish("a", json::object());
    REQUIRE(good.receive());
}

TEST_CASE("a subscription is short, or its owner is hung up on", "[publisher]") {
    Station station;
    Client good(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(1);
    std::optional<RawClient> raw;
    REQUIRE(is_let_in(station, raw));
    REQUIRE(raw->write(RawClient::frame_header(false, 2000) + '\1' + std::string(1999, 'x')));
    REQUIRE(raw->is_hung_up_within(20'000));
    station.publisher->publish("a", json::object());
    REQUIRE(good.receive());
    REQUIRE(station.publisher->counters().subscriptions == 1);
}

TEST_CASE("a subscriber that never reads costs bounded memory and no time, and sees the hole afterwards", "[publisher]") {
    constexpr int events = 20'000;
    Station station;
    Client deaf(ZMQ_SUB, station.endpoint);
    station.wait_for_subscriptions(1);
    const auto before = resident_bytes();
    const json event{{"text", std::string(1000, 'x')}};
    for (int i = 1; i <= events; ++i) REQUIRE(station.publisher->publish("a", event) == static_cast<std::uint64_t>(i));
    // What waits is about 1 MB. A sanitizer keeps freed memory for a while, so the measure is wide; and memory of
    // earlier cases may be given back meanwhile, so what is resident may as well shrink.
    REQUIRE(resident_bytes() < before + 400'000'000);

    // He wakes up and reads what was kept for him, and then hears the news again.
    std::uint64_t last = 0, heard = 0;
    deaf.set(ZMQ_RCVTIMEO, 200);
    for (int attempt = 0; attempt < 100 && last <= events;) {
        const auto got = deaf.receive();
        if (!got) {
            station.publisher->publish("a", event);
            ++attempt;
            continue;
        }
        const auto seq = json::parse(got->back())["seq"].get<std::uint64_t>();
        REQUIRE(seq > last);
        last = seq;
        ++heard;
    }
    REQUIRE(last > events);
    REQUIRE(heard < events);  // fewer than the numbers say, so he knows
}

TEST_CASE("time is written in UTC, for people", "[publisher]") {
    using namespace std::chrono_literals;
    REQUIRE(serve::utc(0ns) == "1970-01-01T00:00:00.000Z");
    REQUIRE(serve::utc(1'769'860'800s + 123'999'999ns) == "2026-01-31T12:00:00.123Z");
    REQUIRE(serve::utc(-1ns) == "1969-12-31T23:59:59.999Z");
}

}  // namespace publisher_test
