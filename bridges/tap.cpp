// See tap.hpp.
#include "bridges/tap.hpp"

#include "bridges/nl_handles.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

Error refused(const IfName& name, const char* what) {
    const Fault fault = errno == EBUSY || errno == EEXIST ? Fault::conflict
                        : errno == EPERM || errno == EACCES ? Fault::denied
                                                            : Fault::backend;
    return {fault, name.text(), fmt::format("cannot {}: {}", what, strerror(errno))};
}

}  // namespace

Result<> make_tap(const IfName& name, const Tap& tap, const std::function<Result<>()>& mark) {
    const Descriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!device) return refused(name, "open /dev/net/tun (is the module tun there?)");
    ifreq request = {};
    std::memcpy(request.ifr_name, name.c_str(), std::min<std::size_t>(name.text().size(), IFNAMSIZ - 1));
    // EXCL: a tap of that name that is there already is somebody's.
    int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL;
    if (tap.queues.number() > 1) flags |= IFF_MULTI_QUEUE;
    request.ifr_flags = static_cast<short>(flags);
    if (ioctl(device.get(), TUNSETIFF, &request) < 0) return refused(name, "make the tap");
    if (tap.user && ioctl(device.get(), TUNSETOWNER, static_cast<unsigned long>(*tap.user)) < 0) {
        return refused(name, "give the tap to its user");
    }
    if (auto marked = mark(); !marked) return marked.error();
    if (ioctl(device.get(), TUNSETPERSIST, 1UL) < 0) return refused(name, "make the tap stay");
    return {};
}

bool can_make_taps() {
    const Descriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    unsigned features = 0;
    if (!device || ioctl(device.get(), TUNGETFEATURES, &features) < 0) return false;
    return (features & IFF_TAP) && (features & IFF_VNET_HDR);
}

}  // namespace bridges
