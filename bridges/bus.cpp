// By ethtool's question: it is answered for the namespace that we are in, which sysfs is not.
#include "bridges/bus.hpp"

#include <cstring>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bridges {

std::string bus_of(const topology::IfName& name) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return {};
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&info);
    const bool answered = ::ioctl(socket, SIOCETHTOOL, &request) == 0;
    ::close(socket);
    // Devices of the kernel's own making have "N/A", "tap" and the like: a place has a colon or a dash in it.
    const std::string bus = answered ? std::string(info.bus_info, ::strnlen(info.bus_info, sizeof info.bus_info)) : "";
    return bus.find_first_of(":-") == std::string::npos ? "" : bus;
}

}  // namespace bridges
