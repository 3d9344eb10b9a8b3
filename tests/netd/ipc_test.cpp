// The socket's file: only the group may reach it, and no living daemon's is taken away.
#include "netd/serve/ipc.hpp"
#include "tests/netd/server_house.hpp"

#include <fstream>
#include <sys/stat.h>

namespace ipc_test {

using serve::Fault;
using zmq_client::Client;
using zmq_client::Folder;
using zmq_client::Frames;
using zmq_client::House;

namespace {

struct Bound {
    std::unique_ptr<serve::Context> context = std::move(*serve::Context::open());
    serve::Socket socket = std::move(*serve::Socket::open(*context, ZMQ_ROUTER));
};

struct stat status_of(const std::filesystem::path& path) {
    struct stat found{};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    return found;
}

std::string ipc(const std::filesystem::path& path) { return "ipc://" + path.string(); }

}  // namespace

TEST_CASE("folder and socket are the group's and nobody else's, whatever the umask", "[ipc]") {
    const Folder folder;
    const auto path = folder.path / "run" / "control";
    for (const mode_t mask : {0000, 0077}) {
        std::filesystem::remove_all(folder.path / "run");
        const mode_t before = ::umask(mask);
        Bound bound;
        const int group = ::geteuid() == 0 ? 3 : static_cast<int>(::getegid());
        const auto done = serve::bind_ipc(bound.socket, ipc(path), group);
        const mode_t after = ::umask(before);
        REQUIRE(done);
        REQUIRE(after == mask);
        REQUIRE(status_of(path.parent_path()).st_mode == (S_IFDIR | 0750));
        REQUIRE(status_of(path).st_mode == (S_IFSOCK | 0660));
        REQUIRE(status_of(path).st_gid == static_cast<gid_t>(group));
        REQUIRE(status_of(path.parent_path()).st_gid == static_cast<gid_t>(group));
    }
}

TEST_CASE("a living daemon keeps its socket", "[ipc]") {
    House house;
    house.start();
    Bound second;
    const auto refused = serve::bind_ipc(second.socket, house.endpoint, -1);
    REQUIRE(!refused);
    REQUIRE(refused.error().fault == Fault::conflict);
    Client client(ZMQ_REQ, house.endpoint);
    REQUIRE(client.ask({"still here"}) == Frames{"still here"});
}

TEST_CASE("a dead daemon's socket is replaced", "[ipc]") {
    const Folder folder;
    const auto path = folder.path / "control";
    {
        const loop::Fd dead{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(dead.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    REQUIRE(status_of(path).st_mode & S_IFSOCK);
    Bound bound;
    REQUIRE(serve::bind_ipc(bound.socket, ipc(path), -1));
}

TEST_CASE("what is no socket is never removed", "[ipc]") {
    const Folder folder;
    const auto file = folder.path / "file", link = folder.path / "link";
    std::ofstream(file) << "precious";
    std::filesystem::create_symlink(file, link);
    Bound bound;
    for (const auto& path : {file, link, folder.path}) {
        CAPTURE(path);
        REQUIRE(serve::bind_ipc(bound.socket, ipc(path), -1).error().fault == Fault::conflict);
        REQUIRE(std::filesystem::exists(path));
    }
    REQUIRE(std::filesystem::file_size(file) == 8);
}

TEST_CASE("an endpoint is an absolute path that fits a socket's address", "[ipc]") {
    Bound bound;
    for (const auto& endpoint : {std::string("tcp://*:5555"), std::string("ipc://relative"), std::string("ipc://@abstract"), std::string("ipc://*"),
                                 std::string(""),
                                 "ipc:///tmp/" + std::string(108, 'x')}) {
        CAPTURE(endpoint);
        REQUIRE(serve::bind_ipc(bound.socket, endpoint, -1).error().fault == Fault::invalid);
    }
    REQUIRE(serve::bind_ipc(bound.socket, "ipc:///no/such/folder/control", -1).error().subject == "/no/such/folder");
}

}  // namespace ipc_test
