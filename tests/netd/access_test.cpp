// Rights come from the kernel's word and the host's groups, and from nothing that a client says of itself.
#include "netd/serve/access.hpp"
#include "tests/netd/server_house.hpp"

#include <future>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace access_test {

using serve::Badge;
using serve::Peer;
using serve::Role;
using zmq_client::Client;
using zmq_client::Frames;
using zmq_client::House;

TEST_CASE("a peer's address is read from the right", "[access]") {
    REQUIRE(serve::parse_peer("localhost:1000:100:4242") == Peer{1000, 100, 4242});
    REQUIRE(serve::parse_peer("a:b::0:0:1") == Peer{0, 0, 1});
    for (const auto* bad : {"", "localhost", "localhost:1:2", "1:2:3", "localhost:1:2:", "localhost:1:2:x",
                            "localhost:-1:2:3", "localhost:4294967295:2:3",
                            "localhost:4294967296:2:3", "localhost: 1:2:3", "localhost:1:2:3 ", "localhost:1:2:-3", "127.0.0.1:5555", "127.0.0.1"}) {
        CAPTURE(bad);
        REQUIRE(!serve::parse_peer(bad));
    }
}

TEST_CASE("a badge is read back as it was written, and nothing else is a badge", "[access]") {
    for (const auto role : {Role::none, Role::observe, Role::operate}) {
        const Badge badge{role, {1000, 100, 4242}};
        REQUIRE(serve::parse_badge(serve::write_badge(badge)) == badge);
    }
    Badge engine{Role::operate};
    engine.peer.engine = "east";
    REQUIRE(serve::write_badge(engine) == "operate@east");
    REQUIRE(serve::parse_badge("operate@east") == engine);
    for (const auto* bad : {"", "operate", "operate@", "@east", "root@east", "root:0:0:1", "operate:0:0", "Operate:0:0:1", "operate:x:0:1", ":0:0:1", "operate operate:0:0:1"}) {
        CAPTURE(bad);
        REQUIRE(!serve::parse_badge(bad));
    }
}

TEST_CASE("root and our own user are known without asking, and nobody else", "[access]") {
    REQUIRE(serve::role_without_asking({0, 5, 1}, 990) == Role::operate);
    REQUIRE(serve::role_without_asking({990, 5, 1}, 990) == Role::operate);
    REQUIRE(!serve::role_without_asking({1000, 0, 1}, 990));
}

TEST_CASE("the host's groups decide the role, the higher one first", "[access]") {
    // Groups and users that every Debian host has: daemon's own group, and one that it is not in.
    const auto* daemon = ::getpwnam("daemon");
    REQUIRE(daemon);
    const gid_t elsewhere = 65534;
    const Peer peer{daemon->pw_uid, elsewhere, 1};
    REQUIRE(serve::role_by_groups(peer, {.operators = "daemon", .observers = "sys"}) == Role::operate);
    REQUIRE(serve::role_by_groups(peer, {.operators = "sys", .observers = "daemon"}) == Role::observe);
    REQUIRE(serve::role_by_groups(peer, {.operators = "daemon", .observers = "daemon"}) == Role::operate);
    REQUIRE(serve::role_by_groups(peer, {.operators = "sys", .observers = "no-such-group"}) == Role::none);
    REQUIRE(serve::role_by_groups(peer, {.operators = "", .observers = ""}) == Role::none);

    // A user that the database does not know has the group it runs with.
    const auto* sys = ::getgrnam("sys");
    REQUIRE(sys);
    const Peer unknown{3'999'999'999u, sys->gr_gid, 1};
    REQUIRE(serve::role_by_groups(unknown, {.operators = "daemon", .observers = "sys"}) == Role::observe);
    REQUIRE(serve::role_by_groups({3'999'999'999u, elsewhere, 1}, {.operators = "daemon", .observers = "sys"}) == Role::none);
}

namespace {

// A client of another user, in a process of its own that is born before there is any thread here; it waits to be told
// where the socket is.
class OtherUser {
public:
    OtherUser(uid_t uid, int patience_ms) {
        REQUIRE(::pipe(pipe_.data()) == 0);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) ::_exit(live(uid, patience_ms));
    }
    OtherUser(const OtherUser&) = delete;
    OtherUser& operator=(const OtherUser&) = delete;
    ~OtherUser() {
        ::close(pipe_[0]);
        ::close(pipe_[1]);
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }

    enum Fate { answered = 10, ignored = 11, broken = 12 };
    int ask(const House& house) {
        // What is tried here is the doorkeeper, so the file's own mode must not stop anybody.
        ::chmod(house.folder.path.c_str(), 0755);
        ::chmod((house.folder.path / "run").c_str(), 0755);
        ::chmod((house.folder.path / "run" / "control").c_str(), 0666);
        REQUIRE(::write(pipe_[1], house.endpoint.c_str(), house.endpoint.size() + 1) > 0);
        int status = 0;
        REQUIRE(::waitpid(std::exchange(child_, -1), &status, 0) > 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    int live(uid_t uid, int patience_ms) const {
        if (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) return broken;
        std::array<char, 200> endpoint{};
        if (::read(pipe_[0], endpoint.data(), endpoint.size() - 1) <= 0) return broken;
        Client client(ZMQ_REQ, endpoint.data(), {}, patience_ms);
        return client.ask({"x"}) ? answered : ignored;
    }

    std::array<int, 2> pipe_{};
    pid_t child_ = -1;
};

bool may_change_user() {
    if (::geteuid() == 0) return true;
    WARN("skipped: needs root, to be somebody else");
    return false;
}

}  // namespace

TEST_CASE("a user without a role is refused at the door, and his neighbour is not", "[access]") {
    if (!may_change_user()) return;
    OtherUser stranger(65534, 1500);
    House house;
    house.start();
    REQUIRE(stranger.ask(house) == OtherUser::ignored);
    Client neighbour(ZMQ_REQ, house.endpoint);
    REQUIRE(neighbour.ask({"x"}));
    house.stop();
    REQUIRE(house.server->counters() == serve::Server::Counters{.received = 1, .answered = 1});
    REQUIRE(house.door->counters().admitted == 1);
    REQUIRE(house.door->counters().refused >= 1);  // libzmq's client comes back after a no
}

TEST_CASE("an observer comes in as an observer", "[access]") {
    if (!may_change_user()) return;
    OtherUser observer(65534, 30'000);
    std::optional<serve::Caller> seen;
    std::optional<Peer> asked;
    House house(
        [&](serve::Server& server, serve::Caller caller, std::string_view message) {
            seen = caller;
            House::echo(server, caller, message);
        },
        [&](const Peer& peer) {
            asked = peer;
            return Role::observe;
        });
    house.start();
    REQUIRE(observer.ask(house) == OtherUser::answered);
    house.stop();
    REQUIRE(seen);
    REQUIRE(seen->role == Role::observe);
    REQUIRE(!seen->may_operate());
    REQUIRE(seen->peer == asked);
    REQUIRE(asked->uid == 65534);
    REQUIRE(asked->gid == 65534);
}

TEST_CASE("a user database that hangs holds up only who needs it", "[access]") {
    if (!may_change_user()) return;
    OtherUser observer(65534, 30'000);
    std::promise<void> asked, released;
    std::atomic<bool> first = true;
    House house(House::echo, [&](const Peer&) {
        if (first.exchange(false)) {
            asked.set_value();
            released.get_future().wait();
        }
        return Role::observe;
    });
    house.start();
    auto fate = std::async(std::launch::async, [&] { return observer.ask(house); });
    asked.get_future().wait();
    Client root(ZMQ_REQ, house.endpoint);
    for (int i = 0; i < 100; ++i) REQUIRE(root.ask({"x"}));
    released.set_value();
    REQUIRE(fate.get() == OtherUser::answered);
}

TEST_CASE("an engine with its key does not wait for a user database that hangs", "[access]") {
    std::promise<void> asked, released;
    House house(House::echo, [&](const Peer&) {
        asked.set_value();
        released.get_future().wait();
        return Role::none;
    });
    house.start();
    // As libzmq asks, of somebody here and then of an engine.
    void* zap = zmq_socket(house.context->raw(), ZMQ_DEALER);
    const int patience = 60'000, none = 0;
    zmq_setsockopt(zap, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(zap, ZMQ_LINGER, &none, sizeof none);
    REQUIRE(zmq_connect(zap, "inproc://zeromq.zap.01") == 0);
    const auto ask = [&](const Frames& frames) {
        for (std::size_t i = 0; i < frames.size(); ++i) REQUIRE(zmq_send(zap, frames[i].data(), frames[i].size(), i + 1 < frames.size() ? ZMQ_SNDMORE : 0) >= 0);
    };
    ask({"", "1.0", "1", std::string(serve::zap_domain), "localhost:65534:65534:1", "", "NULL"});
    asked.get_future().wait();
    ask({"", "1.0", "2", std::string(serve::zap_domain), "192.0.2.7", "", "CURVE", std::string(32, 'k')});
    Frames answer;
    std::array<char, 256> frame{};
    for (int more = 1; more;) {
        const int size = zmq_recv(zap, frame.data(), frame.size(), 0);
        if (size < 0) break;
        answer.emplace_back(frame.data(), static_cast<std::size_t>(size));
        std::size_t of_it = sizeof more;
        zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &of_it);
    }
    released.set_value();
    zmq_close(zap);
    REQUIRE(answer.size() > 3);
    CHECK(answer[2] == "2");
    CHECK(answer[3] == "400");  // nobody knows the key
}

}  // namespace access_test
