// See surroundings.hpp.
#include "netd/observe/surroundings.hpp"

#include <fmt/format.h>

#include <fstream>

namespace observe {

namespace {

bool is_on(const std::string& path) {
    std::ifstream file(path);
    int value = 0;
    return file >> value && value != 0;
}

}  // namespace

std::vector<std::string> disturbances(const std::string& bridges) {
    std::vector<std::string> found;
    for (const auto& [setting, program] : {std::pair{"bridge-nf-call-iptables", "iptables"}, {"bridge-nf-call-ip6tables", "ip6tables"}})
        if (is_on(bridges + "/" + setting))
            found.push_back(fmt::format("frames between guests of a bridge go through the host's {} (net.bridge.{} is 1; Docker and Kubernetes set it): its FORWARD chain may drop them", program, setting));
    return found;
}

}  // namespace observe
