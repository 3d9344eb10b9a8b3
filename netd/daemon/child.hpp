// Programs that netd starts, which may outlive it: each in a session of its own, known by a pidfd.
#pragma once

#include "netd/loop/fd.hpp"
#include "topology/result.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace netd::child {

// A program that is there, and has not begun: whoever starts it writes down first that it runs, so that none runs of which nobody knows.
// It ends unbegun if this goes before it may begin, with a netd that dies, too.
class Held {
public:
    Held(pid_t pid, loop::Fd line) : pid_(pid), line_(std::move(line)) {}
    pid_t pid() const { return pid_; }
    void begin();

private:
    pid_t pid_;
    loop::Fd line_;  // it waits for a word by this
};

// With nothing of ours open, no signal blocked, and no words of its own. An error: no process is to be had.
topology::Result<Held> start(std::vector<std::string> words);

loop::Fd open(pid_t pid);

// Since when it runs, in ticks since the boot: with it a process id is not mistaken for that of another. 0: there is none.
unsigned long long start_time(pid_t pid);

// Also one that is not there to be asked.
bool is_dead(const loop::Fd& process);

// It and all that it started, at once.
void end(const loop::Fd& process, pid_t pid);

// Of one that is dead: what it left running goes too, and the kernel may forget it. Its exit status, if it ended by itself and
// was started by this netd.
std::optional<int> bury(pid_t pid);

}  // namespace netd::child
