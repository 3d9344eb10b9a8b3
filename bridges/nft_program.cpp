// See nft_program.hpp.
#include "bridges/nft_program.hpp"

#include "bridges/nl_handles.hpp"

#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bridges {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;
using Clock = std::chrono::steady_clock;

constexpr const char* program = "/usr/sbin/nft";

Error not_run(int code) { return {Fault::backend, "nftables", fmt::format("{} can't be run: {}", program, std::strerror(code))}; }

// As a file in memory: a pipe could fill up while the other one does.
Result<Descriptor> written(const std::string& text) {
    Descriptor file(memfd_create("netd-nft", MFD_CLOEXEC));
    if (!file) return not_run(errno);
    for (std::size_t done = 0; done < text.size();) {
        const auto wrote = ::write(file.get(), text.data() + done, text.size() - done);
        if (wrote < 0 && errno != EINTR) return not_run(errno);
        if (wrote > 0) done += static_cast<std::size_t>(wrote);
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return not_run(errno);
    return file;
}

// The signals that netd takes in its own way are the program's own again.
int spawn(pid_t& pid, int in, int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, out, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    std::array<std::string, 3> words{"nft", "-f", "-"};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    std::string locale = "LC_ALL=C";
    std::array<char*, 2> environment{locale.data(), nullptr};
    const int code = posix_spawn(&pid, program, &files, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

// What it says, until it has closed its end; false if that took too long.
bool heard_out(int from, Clock::time_point deadline, std::string& words) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{from, POLLIN, 0};
        const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        std::array<char, 4096> part;
        const auto got = ::read(from, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return true;
        words.append(part.data(), static_cast<std::size_t>(got));
    }
}

int buried(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

}  // namespace

bool has_nft_program() { return ::access(program, X_OK) == 0; }

Result<> run_nft(const std::string& text, std::chrono::milliseconds patience) {
    const auto in = written(text);
    if (!in) return in.error();
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return not_run(errno);
    Descriptor from(ends[0]), to(ends[1]);
    pid_t pid = 0;
    if (const int code = spawn(pid, in->get(), to.get()); code != 0) return not_run(code);
    to = Descriptor();
    std::string words;
    const bool in_time = heard_out(from.get(), Clock::now() + patience, words);
    if (!in_time) ::kill(pid, SIGKILL);
    const int status = buried(pid);
    if (!in_time) return Error{Fault::timeout, "nftables", fmt::format("{} did not end within {} s", program, patience.count() / 1000)};
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error{Fault::backend, "nftables", words.empty() ? fmt::format("{} failed", program) : "nft says: " + words.substr(0, words.find('\n'))};
}

}  // namespace bridges
