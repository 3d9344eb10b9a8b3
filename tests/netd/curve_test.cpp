// Over TCP only who has proven a key that is known comes in; over ipc nothing has changed.
#include "netd/serve/curve.hpp"
#include "tests/netd/server_house.hpp"

#include <arpa/inet.h>
#include <fstream>
#include <netinet/in.h>
#include <sys/stat.h>

namespace curve_test {

using zmq_client::Frames;

namespace {

struct Pair {
    Pair() { REQUIRE(zmq_curve_keypair(open.data(), secret.data()) == 0); }
    std::string raw(const std::array<char, 41>& text) const {
        std::string bytes(32, '\0');
        REQUIRE(zmq_z85_decode(reinterpret_cast<std::uint8_t*>(bytes.data()), text.data()));
        return bytes;
    }
    std::array<char, 41> open{}, secret{};
};

void write(const std::filesystem::path& file, const char* text, mode_t mode = 0600) {
    std::ofstream(file) << text << "\n";
    REQUIRE(::chmod(file.c_str(), mode) == 0);
}

// A port of the loopback that was free a moment ago.
std::string free_place() {
    const loop::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    REQUIRE(::bind(probe.number(), reinterpret_cast<sockaddr*>(&where), size) == 0);
    REQUIRE(::getsockname(probe.number(), reinterpret_cast<sockaddr*>(&where), &size) == 0);
    return "tcp://127.0.0.1:" + std::to_string(ntohs(where.sin_port));
}

// One server at ipc and at TCP, that says who asks.
class RemoteHouse {
public:
    RemoteHouse() {
        const auto engines = folder.path / "engines";
        std::filesystem::create_directory(engines);
        write(engines / "east.pub", east.open.data(), 0644);
        door = std::move(*serve::Doorkeeper::open(*loop, *context, zmq_client::House::nobody,
                                                  [engines](std::string_view key) { return serve::engine_with_key(key, engines.string()); }));
        auto opened = serve::Server::open(*loop, *context, clock, {local, -1, serve::CurveDoor{remote, own.raw(own.secret)}},
                                          [this](serve::Caller caller, std::string_view) { server->reply(caller, caller.who()); });
        REQUIRE(opened);
        server = std::move(*opened);
        REQUIRE(loop->watch(stopping->descriptor(), [] {}));
        thread = std::thread([this] { (void)loop->run_until([this] { return stopping->size() > 0; }); });
    }
    ~RemoteHouse() {
        stopping->push(true);
        thread.join();
    }

    // What a client is told; nothing if it gets no answer within that time.
    std::optional<std::string> ask(const std::string& place, const Pair* client, const Pair* server_key, int patience_ms) const {
        void* context = zmq_ctx_new();
        void* socket = zmq_socket(context, ZMQ_DEALER);
        const int none = 0;
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        if (client) {
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client->open.data(), client->open.size());
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client->secret.data(), client->secret.size());
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key->open.data(), server_key->open.size());
        }
        zmq_connect(socket, place.c_str());
        zmq_send(socket, "who", 3, ZMQ_DONTWAIT);
        char answer[256];
        const int got = zmq_recv(socket, answer, sizeof answer, 0);
        zmq_close(socket);
        zmq_ctx_term(context);
        return got < 0 ? std::nullopt : std::optional(std::string(answer, static_cast<std::size_t>(got)));
    }

    zmq_client::Folder folder;
    Pair own, east, stranger;
    std::string local = "ipc://" + (folder.path / "run" / "control").string(), remote = free_place();
    loop::SystemClock clock;
    std::unique_ptr<loop::EventLoop> loop = std::move(*loop::EventLoop::open());
    std::unique_ptr<loop::Mailbox<bool>> stopping = std::move(*loop::Mailbox<bool>::open());
    std::unique_ptr<serve::Context> context = std::move(*serve::Context::open());
    std::unique_ptr<serve::Doorkeeper> door;
    std::unique_ptr<serve::Server> server;
    std::thread thread;
};

constexpr int patient = 60'000, refused = 700;

}  // namespace

TEST_CASE("one socket is open here without keys, and elsewhere with a known one only", "[curve]") {
    const RemoteHouse house;
    CHECK(house.ask(house.local, nullptr, nullptr, patient).value_or("").starts_with("uid "));
    CHECK(house.ask(house.remote, &house.east, &house.own, patient) == "engine east (127.0.0.1)");
    CHECK_FALSE(house.ask(house.remote, &house.stranger, &house.own, refused));   // a key that nobody knows
    CHECK_FALSE(house.ask(house.remote, nullptr, nullptr, refused));              // no CURVE at all
    CHECK_FALSE(house.ask(house.remote, &house.east, &house.stranger, refused));  // who takes us for another host
    CHECK_FALSE(house.ask(house.local, &house.east, &house.own, refused));        // ipc stays as it was
}

TEST_CASE("an address that is not there yet can be served, one in use can't", "[curve]") {
    const Pair own;
    auto context = std::move(*serve::Context::open());
    auto one = std::move(*serve::Socket::open(*context, ZMQ_ROUTER)), other = std::move(*serve::Socket::open(*context, ZMQ_ROUTER));
    CHECK(serve::bind_curve(one, {"tcp://192.0.2.77:54321", own.raw(own.secret)}));
    CHECK_FALSE(serve::bind_curve(other, {"tcp://192.0.2.77:54321", own.raw(own.secret)}));
    CHECK_FALSE(serve::bind_curve(other, {free_place(), ""}));
}

TEST_CASE("a place is one address in numbers", "[curve]") {
    for (const char* good : {"tcp://192.0.2.1:54321", "tcp://[2001:db8::1]:54321", "tcp://127.0.0.1:1"}) CHECK(serve::check_tcp(good));
    CHECK(serve::address_in("tcp://192.0.2.1:54321") == "192.0.2.1");
    CHECK(serve::address_in("tcp://[2001:db8::1]:54321") == "2001:db8::1");
    for (const char* bad : {"tcp://*:54321", "tcp://0.0.0.0:54321", "tcp://[::]:54321", "tcp://host:54321", "tcp://192.0.2.1", "tcp://192.0.2.1:0", "tcp://192.0.2.1:65536",
                            "tcp://192.0.2.1:*", "tcp://2001:db8::1:54321", "tcp://[192.0.2.1]:5", "ipc:///run/x", "udp://192.0.2.1:1", "", "tcp://eth0:1"}) {
        CAPTURE(bad);
        CHECK_FALSE(serve::check_tcp(bad));
        CHECK(serve::address_in(bad).empty());
    }
}

TEST_CASE("a secret that others may read is none, and neither is half of one", "[curve]") {
    const zmq_client::Folder folder;
    const Pair own;
    const auto file = (folder.path / "netd.key").string();
    CHECK_FALSE(serve::read_secret(file));
    write(file, own.secret.data());
    REQUIRE(serve::read_secret(file));
    CHECK(*serve::read_secret(file) == own.raw(own.secret));
    for (const mode_t mode : {0640, 0604, 0660}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        CHECK_FALSE(serve::read_secret(file));
    }
    write(file, "too short");
    CHECK_FALSE(serve::read_secret(file));
    CHECK_FALSE(serve::read_secret(folder.path.string()));
}

TEST_CASE("an engine is the name of the file with its key", "[curve]") {
    const zmq_client::Folder folder;
    const Pair east, west;
    write(folder.path / "east.pub", east.open.data());
    write(folder.path / "west.txt", west.open.data());
    write(folder.path / "bad name.pub", west.open.data());
    write(folder.path / "garbled.pub", "no key at all");
    const auto engine_of = [&folder](std::string_view key) { return serve::engine_with_key(key, folder.path.string()); };
    CHECK(*engine_of(east.raw(east.open)) == "east");
    CHECK_FALSE(engine_of(west.raw(west.open)));  // it may be the one that is garbled now
    CHECK_FALSE(engine_of(""));
    std::filesystem::remove(folder.path / "garbled.pub");
    REQUIRE(engine_of(west.raw(west.open)));
    CHECK_FALSE(*engine_of(west.raw(west.open)));
    CHECK_FALSE(*engine_of(""));
    CHECK(*serve::count_engines(folder.path.string()) == 1);
    CHECK_FALSE(serve::count_engines((folder.path / "nowhere").string()));
    std::filesystem::remove(folder.path / "east.pub");
    CHECK_FALSE(*engine_of(east.raw(east.open)));
    std::filesystem::remove_all(folder.path);
    CHECK_FALSE(engine_of(east.raw(east.open)));
}

}  // namespace curve_test
