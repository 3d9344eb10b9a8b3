// Builds the house and keeps it standing until it is told to stop.
#pragma once

#include "netd/daemon/options.hpp"

namespace netd {

// Runs until SIGTERM or SIGINT; the exit status. Configuration stays as it is.
int run_daemon(const Options& options);

}  // namespace netd
