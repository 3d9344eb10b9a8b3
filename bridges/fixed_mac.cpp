// See fixed_mac.hpp.
#include "bridges/fixed_mac.hpp"

#include "bridges/nl_handles.hpp"

#include <cerrno>
#include <cstring>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace bridges {

// A driver that can't do it refuses before anybody looks at the address (dev_set_mac_address), and one of no kind is refused by all others.
bool has_fixed_mac(const IfName& device) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return false;
    ifreq request{};
    std::strncpy(request.ifr_name, device.c_str(), IFNAMSIZ - 1);
    request.ifr_hwaddr.sa_family = ARPHRD_VOID;
    return ::ioctl(socket.get(), SIOCSIFHWADDR, &request) != 0 && errno == EOPNOTSUPP;
}

}  // namespace bridges
