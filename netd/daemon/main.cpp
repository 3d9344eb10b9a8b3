// netd: reads how it is to run, and runs.
#include "netd/daemon/daemon.hpp"

#include <cstdio>

int main(int count, char** words) {
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
    return netd::run_daemon(*options);
}
