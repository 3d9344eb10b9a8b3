// netd: reads how it is to run, and runs.
#include "netd/daemon/daemon.hpp"
#include "netd/daemon/lease_file.hpp"

#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <unistd.h>

int main(int count, char** words) {
    if (const char* file = std::getenv(netd::lease_file_variable)) ::_exit(netd::keep_lease(file));  // as a DHCP client's hook, which it waits for
    auto options = netd::read_options(count, words);
    if (!options) {
        std::fprintf(stderr, "netd: %s: %s\n", options.error().subject.c_str(), options.error().what.c_str());
        return 2;
    }
    if (options->help) {
        std::fputs(netd::usage, stdout);
        return 0;
    }
    if (options->version) {
        std::puts("netd " NETD_VERSION);
        return 0;
    }
    // Its threads seldom want memory at once, and each would keep a heap of its own for what the others have let go.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 128 << 10);  // which grows with each large answer otherwise, until all of them stay in the heap
    return netd::run_daemon(*options);
}
