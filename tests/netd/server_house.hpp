// A server at work in a thread of its own, in a folder of its own, for clients of any kind to come to.
#pragma once

#include "netd/loop/event_loop.hpp"
#include "netd/loop/mailbox.hpp"
#include "netd/serve/doorkeeper.hpp"
#include "netd/serve/server.hpp"
#include "tests/netd/zmq_client.hpp"

#include <thread>
#include <unistd.h>

namespace zmq_client {

class House {
public:
    using Work = std::function<void(serve::Server&, serve::Caller, std::string_view)>;

    // Says what it was told.
    static void echo(serve::Server& server, serve::Caller caller, std::string_view message) {
        server.reply(caller, std::string(message));
    }
    // None of the users but root and ourselves has a role, unless a test says otherwise.
    static serve::Role nobody(const serve::Peer&) { return serve::Role::none; }

    explicit House(Work work = echo, serve::Doorkeeper::LookUp look_up = nobody, const std::string& where = {}) {
        if (!where.empty()) endpoint = where;
        door = std::move(*serve::Doorkeeper::open(*loop, *context, std::move(look_up)));
        auto opened = serve::Server::open(*loop, *context, clock, {endpoint}, [this, work](serve::Caller caller, std::string_view message) {
            work(*server, std::move(caller), message);
        });
        REQUIRE(opened);
        server = std::move(*opened);
    }
    ~House() { stop(); }

    void start() {
        REQUIRE(loop->watch(stopping->descriptor(), [] {}));
        thread = std::thread([this] { (void)loop->run_until([this] { return stopping->size() > 0; }); });
    }
    // Afterwards the counters may be read.
    void stop() {
        if (!thread.joinable()) return;
        stopping->push(true);
        thread.join();
    }

    Folder folder;
    std::string endpoint = "ipc://" + (folder.path / "run" / "control").string();
    loop::SystemClock clock;
    std::unique_ptr<loop::EventLoop> loop = std::move(*loop::EventLoop::open());
    std::unique_ptr<loop::Mailbox<bool>> stopping = std::move(*loop::Mailbox<bool>::open());
    std::unique_ptr<serve::Context> context = std::move(*serve::Context::open());
    std::unique_ptr<serve::Doorkeeper> door;
    std::unique_ptr<serve::Server> server;
    std::thread thread;
};

}  // namespace zmq_client
