// One object an interface.
#include "netd/wire/write_statistics.hpp"

namespace wire {

using nlohmann::json;

json write_statistics(const observe::Statistics& statistics, std::chrono::nanoseconds sampled) {
    const double time = std::chrono::duration<double>(sampled).count();
    json links = json::object();
    for (const auto& [name, of] : statistics)
        links[name] = {{"name", name},
                       {"rx", of.rx},
                       {"tx", of.tx},
                       {"rxErrors", of.rx_errors},
                       {"txErrors", of.tx_errors},
                       {"rxDropped", of.rx_dropped},
                       {"txDropped", of.tx_dropped},
                       {"rxPackets", of.rx_packets},
                       {"txPackets", of.tx_packets},
                       {"multicast", of.multicast},
                       {"speed", of.speed},
                       {"state", of.state},
                       {"duplex", of.duplex},
                       {"sampleTime", time}};
    return {{"network", std::move(links)}};
}

}  // namespace wire
