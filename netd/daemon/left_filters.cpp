// See left_filters.hpp.
#include "netd/daemon/left_filters.hpp"

#include "netd/daemon/log.hpp"

#include <vector>

namespace netd {

void forget_filters(bridges::Kernel& kernel, const std::set<topology::IfName>& released) {
    if (auto forgotten = kernel.forget_filters(released); !forgotten) log::warn("filters of ports that are gone stay: {}", forgotten.error().what);
}

void let_go_of(const std::set<topology::IfName>& ports, bridges::Kernel& kernel) {
    std::vector<bridges::Op> ops;
    for (const topology::IfName& port : ports) {
        const bridges::Link* there = kernel.state().links.find(port);
        if (!there) continue;
        log::info("{} is in no definition, and on a bridge of others: netd's filter goes", port.text());
        bridges::Link bare{port};
        bare.traffic = bridges::Traffic();
        if (there->traffic && !(*there->traffic == *bare.traffic)) ops.push_back(topology::Update<bridges::Link>{*there, bare});
    }
    if (!ops.empty())
        if (const auto progress = kernel.apply(ops); progress.stopped) log::warn("{}", sentence(*progress.stopped));
    forget_filters(kernel, ports);
}

}  // namespace netd
