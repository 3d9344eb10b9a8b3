// See veth_peer.hpp. A thread of its own goes to the other namespaces and ends there, so that netd's own never leaves.
#include "bridges/veth_peer.hpp"

#include "bridges/netns_path.hpp"
#include "bridges/nl_socket.hpp"
#include "bridges/nl_write.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace bridges {

namespace {

Result<> raise_one(const FarEnd& end) {
    if (setns(end.netns.get(), CLONE_NEWNET) != 0) {
        if (errno == EPERM) return {};  // netd may not (CAP_SYS_ADMIN, RestrictNamespaces=): whoever is in there takes it up
        return Error{Fault::denied, "peer", fmt::format("cannot enter its namespace: {}", strerror(errno))};
    }
    auto socket = RequestSocket::open();
    if (!socket) return socket.error();
    std::vector<Message> messages;
    messages.push_back(write_up(end.index));
    const auto answers = socket->exchange(messages);
    if (!answers) return answers.error();
    if (answers->front().code) return about("peer", refusal(answers->front()));
    return {};
}

}  // namespace

Result<Descriptor> open_netns(const std::string& path_or_name) {
    const auto path = netns_path(path_or_name);
    Descriptor netns(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // what has a namespace's name may be a pipe
    if (!netns) return Error{Fault::not_found, path, fmt::format("cannot open the namespace: {}", strerror(errno))};
    return netns;
}

std::vector<Result<>> raise(const std::vector<FarEnd>& ends) {
    std::vector<Result<>> results;
    if (ends.empty()) return results;
    try {
        std::thread traveller([&] {
            for (const FarEnd& end : ends) results.push_back(raise_one(end));
        });
        traveller.join();
    } catch (const std::system_error& none) {
        results.assign(ends.size(), Error{Fault::backend, "peer", fmt::format("no thread is to be had that could take it up: {}", none.what())});
    }
    return results;
}

}  // namespace bridges
