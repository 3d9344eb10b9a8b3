// Whoever comes to the door, in whatever form and with whatever intent, costs nobody else his answer.
#include "netd/loop/timer.hpp"
#include "netd/wire/request.hpp"
#include "tests/netd/server_house.hpp"

namespace server_test {

using namespace std::chrono_literals;
using serve::Caller;
using serve::Role;
using serve::Server;
using zmq_client::Client;
using zmq_client::comes_true;
using zmq_client::Frames;
using zmq_client::House;
using zmq_client::RawClient;
using zmq_client::welcome_at;

TEST_CASE("REQ and DEALER, with the empty frame and without, get answers in their own form", "[server]") {
    House house;
    house.start();
    Client req(ZMQ_REQ, house.endpoint), dealer(ZMQ_DEALER, house.endpoint);
    REQUIRE(req.ask({"a"}) == Frames{"a"});
    REQUIRE(req.ask({""}) == Frames{""});
    REQUIRE(dealer.ask({"b"}) == Frames{"b"});
    REQUIRE(dealer.ask({"", "c"}) == Frames{"", "c"});
    house.stop();
    REQUIRE(house.server->counters() == Server::Counters{.received = 4, .answered = 4});
}

TEST_CASE("the caller is who the kernel says, and came when the clock says", "[server]") {
    std::optional<Caller> seen;
    House house([&](Server& server, Caller caller, std::string_view message) {
        seen = caller;
        House::echo(server, caller, message);
    });
    const auto before = house.clock.boottime();
    house.start();
    Client client(ZMQ_REQ, house.endpoint, "engine");
    REQUIRE(client.ask({"x"}));
    house.stop();
    REQUIRE(seen);
    REQUIRE(seen->arrived >= before);
    REQUIRE(seen->arrived <= house.clock.boottime());
    seen->arrived = {};
    REQUIRE(*seen == Caller{"engine", true, Role::operate, {::geteuid(), ::getegid(), ::getpid()}});
    REQUIRE(seen->may_operate());
    REQUIRE(seen->who() == "uid " + std::to_string(::geteuid()) + " (pid " + std::to_string(::getpid()) + ")");
}

TEST_CASE("a message of many frames gets an error with its id, and the next one its answer", "[server]") {
    House house;
    house.start();
    Client client(ZMQ_DEALER, house.endpoint);
    const auto refused = client.ask({"", R"({"id":7})", "second", "third"});
    REQUIRE(refused);
    REQUIRE(refused->size() == 2);
    const auto answer = nlohmann::json::parse(refused->back());
    REQUIRE(answer["id"] == 7);
    REQUIRE(answer["error"]["code"] == -32600);
    REQUIRE(answer["error"]["data"][0]["path"] == "");
    REQUIRE(client.ask({"{}", ""}).value().size() == 1);
    REQUIRE(client.ask(Frames(1000, "x")));
    REQUIRE(client.ask({"fine"}) == Frames{"fine"});
    house.stop();
    REQUIRE(house.server->counters() == Server::Counters{.received = 1, .answered = 4, .misshapen = 3});
}

TEST_CASE("four MiB are a message, five are not, and the neighbour notices nothing", "[server]") {
    House house;
    house.start();
    Client neighbour(ZMQ_REQ, house.endpoint), client(ZMQ_REQ, house.endpoint, {}, 500);
    const std::string largest(wire::most_bytes, 'x');
    REQUIRE(neighbour.ask({largest}) == Frames{largest});
    REQUIRE(!client.ask({std::string(std::size_t{5} << 20, 'x')}));
    REQUIRE(neighbour.ask({"still here"}) == Frames{"still here"});
    house.stop();
    REQUIRE(house.server->counters().received == 2);
}

TEST_CASE("bytes that are no ZeroMQ end their own connection only", "[server]") {
    House house;
    house.start();
    Client neighbour(ZMQ_REQ, house.endpoint);
    const std::string garbage[] = {"GET / HTTP/1.1\r\n\r\n", std::string(100'000, '\xff'), std::string(200, '\0'),
                                   "\x01\x00" + std::string(60, 'A')};
    for (const auto& bytes : garbage) {
        RawClient raw(house.endpoint);
        (void)raw.write(bytes);
        REQUIRE(raw.is_hung_up_within(60'000));  // at once, or when the 2 s for a handshake are over
        REQUIRE(neighbour.ask({"still here"}) == Frames{"still here"});
    }
    RawClient silent(house.endpoint), enormous = welcome_at(house.endpoint, "DEALER");
    REQUIRE(enormous.write(RawClient::frame_header(false, std::uint64_t{1} << 40)));
    REQUIRE(enormous.is_hung_up_within(10'000));
    REQUIRE(silent.is_hung_up_within(60'000));
    REQUIRE(neighbour.ask({"still here"}) == Frames{"still here"});
    house.stop();
    REQUIRE(house.server->counters() == Server::Counters{.received = 5, .answered = 5});
}

TEST_CASE("a message that never ends is never shown, and its neighbour is served", "[server]") {
    House house;
    house.start();
    Client neighbour(ZMQ_REQ, house.endpoint);
    {
        RawClient endless = welcome_at(house.endpoint, "DEALER");
        const std::string frame = RawClient::frame_header(true, 65536) + std::string(65536, 'x');
        for (int i = 0; i < 200; ++i) REQUIRE(endless.write(frame));
        REQUIRE(neighbour.ask({"during"}) == Frames{"during"});
    }
    REQUIRE(neighbour.ask({"after"}) == Frames{"after"});
    house.stop();
    REQUIRE(house.server->counters() == Server::Counters{.received = 2, .answered = 2});
}

TEST_CASE("two hundred clients at once each get their own answers", "[server]") {
    House house;
    house.start();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<Client>(ZMQ_DEALER, house.endpoint));
    for (int round = 0; round < 10; ++round)
        for (std::size_t i = 0; i < clients.size(); ++i)
            REQUIRE(clients[i]->send({std::to_string(i) + "/" + std::to_string(round)}));
    for (int round = 0; round < 10; ++round)
        for (std::size_t i = 0; i < clients.size(); ++i)
            REQUIRE(clients[i]->receive() == Frames{std::to_string(i) + "/" + std::to_string(round)});
    house.stop();
    REQUIRE(house.server->counters().received == 2000);
    REQUIRE(house.server->counters().answered == 2000);
}

TEST_CASE("an answer to a client that is gone is counted, and that is all", "[server]") {
    std::vector<Caller> callers;
    House house([&](Server&, Caller caller, std::string_view) { callers.push_back(std::move(caller)); });
    std::optional<Client> client;
    client.emplace(ZMQ_DEALER, house.endpoint);
    REQUIRE(client->send({"x"}));
    REQUIRE(comes_true(*house.loop, [&] { return callers.size() == 1; }));
    client.reset();

    // That he is gone becomes known in a moment; until then answers are taken for him.
    const auto timer = std::move(*loop::Timer::open(*house.loop, [&] { house.server->reply(callers[0], "late"); }));
    REQUIRE(comes_true(*house.loop, [&] {
        if (!timer->is_set()) REQUIRE(timer->at(house.clock.boottime() + 5ms));
        return house.server->counters().unreachable > 0;
    }));
    house.server->reply(callers[0], "later");
    REQUIRE(house.server->counters().unreachable == 2);
    house.server->reply(Caller{"never was here"}, "x");
    REQUIRE(house.server->counters().unreachable == 3);
}

TEST_CASE("a client that asks much and reads late loses nothing within his measure", "[server]") {
    constexpr int questions = 600;
    House house([](Server& server, Caller caller, std::string_view) { server.reply(caller, std::string(10'000, 'x')); });
    house.start();
    Client slow(ZMQ_DEALER, house.endpoint), neighbour(ZMQ_REQ, house.endpoint);
    slow.set(ZMQ_RCVHWM, 1);
    for (int i = 0; i < questions; ++i) REQUIRE(slow.send({"?"}));
    REQUIRE(neighbour.ask({"?"}));
    for (int i = 0; i < questions; ++i) REQUIRE(slow.receive() == Frames{std::string(10'000, 'x')});
    house.stop();
    REQUIRE(house.server->counters().answered == questions + 1);
    REQUIRE(house.server->counters().overrun == 0);
}

TEST_CASE("what a client lets lie beyond his measure is dropped, and he costs the neighbour nothing", "[server]") {
    constexpr int questions = 500;
    const std::string answer(std::size_t{1} << 20, 'x');
    std::atomic<int> asked = 0;
    House house([&](Server& server, Caller caller, std::string_view message) {
        if (message == "much") ++asked;
        server.reply(caller, message == "much" ? answer : std::string(message));
    });
    house.start();
    RawClient deaf = welcome_at(house.endpoint, "DEALER");
    const std::string much = RawClient::frame_header(false, 4) + "much";
    for (int i = 0; i < questions; ++i) REQUIRE(deaf.write(much));
    Client neighbour(ZMQ_REQ, house.endpoint);
    do REQUIRE(neighbour.ask({"?"}) == Frames{"?"});
    while (asked < questions);
    house.stop();
    // 4 MiB inside libzmq, 32 MiB with us, and what the socket itself holds.
    REQUIRE(house.server->counters().overrun > questions - 4 - 32 - 20);
    REQUIRE(house.server->counters().unreachable == 0);
}

TEST_CASE("under a flood the loop still turns", "[server]") {
    int since_turn = 0, most = 0, received = 0;
    House house([&](Server&, Caller, std::string_view) {
        ++received;
        most = std::max(most, ++since_turn);
    });
    Client client(ZMQ_DEALER, house.endpoint);
    for (int i = 0; i < 900; ++i) REQUIRE(client.send({"x"}));
    REQUIRE(comes_true(*house.loop, [&] {
        since_turn = 0;
        return received == 900;
    }));
    REQUIRE(most <= 64);
}

TEST_CASE("questions that take their time end the turn before they are all answered", "[server]") {
    constexpr std::chrono::milliseconds long_one{4}, turn{10};
    int since_turn = 0, most = 0, received = 0;
    House house([&](Server&, Caller, std::string_view) {
        ++received;
        most = std::max(most, ++since_turn);
        for (const auto begun = loop::SystemClock{}.boottime(); loop::SystemClock{}.boottime() - begun < long_one;) {}
    });
    Client client(ZMQ_DEALER, house.endpoint);
    for (int i = 0; i < 60; ++i) REQUIRE(client.send({"x"}));
    REQUIRE(comes_true(*house.loop, [&] {
        since_turn = 0;
        return received == 60;
    }));
    REQUIRE(most <= turn / long_one + 1);
}

TEST_CASE("a routing id belongs to who had it first", "[server]") {
    House house;
    house.start();
    Client first(ZMQ_DEALER, house.endpoint, "engine");
    REQUIRE(first.ask({"1"}) == Frames{"1"});
    Client second(ZMQ_DEALER, house.endpoint, "engine", 300);
    REQUIRE(!second.ask({"2"}));
    REQUIRE(first.ask({"3"}) == Frames{"3"});
}

TEST_CASE("a restart of the server is a pause for its clients, no more", "[server]") {
    House house;
    house.start();
    Client client(ZMQ_DEALER, house.endpoint);
    REQUIRE(client.ask({"1"}) == Frames{"1"});
    house.stop();
    house.server.reset();
    house.door.reset();
    house.context.reset();
    House next(House::echo, House::nobody, house.endpoint);
    next.start();
    // libzmq may still hold the old connection for a moment, and what goes there is lost; a client asks again.
    client.set(ZMQ_RCVTIMEO, 200);
    std::optional<Frames> answer;
    for (int attempt = 0; attempt < 50 && !answer; ++attempt) answer = client.ask({"2"});
    REQUIRE(answer == Frames{"2"});
}

TEST_CASE("without a doorkeeper nobody is let in by mistake", "[server]") {
    House house;
    house.door.reset();
    Client client(ZMQ_DEALER, house.endpoint);
    REQUIRE(client.send({"x"}));
    REQUIRE(comes_true(*house.loop, [&] { return house.server->counters().strangers > 0; }));
    REQUIRE(house.server->counters() == Server::Counters{.strangers = 1});
}

}  // namespace server_test
