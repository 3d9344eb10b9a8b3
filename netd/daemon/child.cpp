// posix_spawn and pidfds: no signal handler, no thread, no window in which a process id is somebody else's.
#include "netd/daemon/child.hpp"

#include "netd/store/files.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace netd::child {

using topology::Error;
using topology::Fault;

// A shell waits in the program's place: what it becomes has its process id, and the time at which that began.
topology::Result<Held> start(std::vector<std::string> words) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return Error{Fault::backend, words.front(), std::strerror(errno)};
    const loop::Fd theirs(ends[0]);
    loop::Fd ours(ends[1]);
    words.insert(words.begin(), {"/bin/sh", "-c", "read -r begin && exec \"$@\" </dev/null", "sh"});
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, theirs.number(), 0);
    for (const int number : {1, 2}) posix_spawn_file_actions_addopen(&files, number, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char* environment[] = {path, nullptr};
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, arguments[0], &files, &how, arguments.data(), environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    if (failed) return Error{Fault::backend, words.front(), std::strerror(failed)};
    return Held(pid, std::move(ours));
}

void Held::begin() {
    ::send(line_.number(), "begin\n", 6, MSG_NOSIGNAL);
    line_ = loop::Fd();
}

loop::Fd open(pid_t pid) { return loop::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

unsigned long long start_time(pid_t pid) {
    const std::string stat = store::content_of("/proc/" + std::to_string(pid) + "/stat");
    const auto close = stat.rfind(')');
    if (close == std::string::npos || stat.size() < close + 3 || stat[close + 2] == 'Z') return 0;
    std::istringstream fields(stat.substr(close + 2));
    std::string field;
    for (int i = 3; i <= 22; ++i) fields >> field;
    return std::strtoull(field.c_str(), nullptr, 10);
}

bool is_dead(const loop::Fd& process) {
    if (!process) return true;
    pollfd waiting{process.number(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
}

// The session's first process lives, so the number is its own.
void end(const loop::Fd& process, pid_t pid) {
    if (!is_dead(process)) ::kill(-pid, SIGKILL);
}

std::optional<int> bury(pid_t pid) {
    ::kill(-pid, SIGKILL);  // its session: what a client that was killed has left would hold its port and its lock
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid || !WIFEXITED(status)) return std::nullopt;
    return WEXITSTATUS(status);
}

}  // namespace netd::child
