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
#include <vector>

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

Result<Descriptor> attach(const IfName& name, const Tap& tap, int more_flags, const char* what) {
    Descriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!device) return refused(name, "open /dev/net/tun (is the module tun there?)");
    ifreq request = {};
    std::memcpy(request.ifr_name, name.c_str(), std::min<std::size_t>(name.text().size(), IFNAMSIZ - 1));
    int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | more_flags;
    if (tap.queues.number() > 1) flags |= IFF_MULTI_QUEUE;
    request.ifr_flags = static_cast<short>(flags);
    if (ioctl(device.get(), TUNSETIFF, &request) < 0) return refused(name, what);
    return device;
}

}  // namespace

Result<> make_tap(const IfName& name, const Tap& tap, const std::function<Result<>()>& mark) {
    // EXCL: a tap of that name that is there already is somebody's.
    const auto made = attach(name, tap, IFF_TUN_EXCL, "make the tap");
    if (!made) return made.error();
    const Descriptor& device = *made;
    if (tap.user && ioctl(device.get(), TUNSETOWNER, static_cast<unsigned long>(*tap.user)) < 0) {
        return refused(name, "give the tap to its user");
    }
    if (auto marked = mark(); !marked) return marked.error();
    if (ioctl(device.get(), TUNSETPERSIST, 1UL) < 0) return refused(name, "make the tap stay");
    return {};
}

Result<> lend_tap(const IfName& name, const Tap& tap, const UseOfTap& use) {
    std::vector<Descriptor> held;
    std::vector<int> queues, vhosts;
    for (std::uint32_t i = 0; i < tap.queues.number(); ++i) {
        auto queue = attach(name, tap, 0, "open a queue of the tap");
        if (!queue) return queue.error();
        // One that is gone meanwhile would be made anew, by nobody's wish: it does not stay.
        ifreq told = {};
        if (ioctl(queue->get(), TUNGETIFF, &told) < 0 || !(told.ifr_flags & IFF_PERSIST)) return Error{Fault::not_found, name.text(), "the tap is gone"};
        queues.push_back(queue->get());
        held.push_back(std::move(*queue));
    }
    while (vhosts.size() < queues.size()) {
        Descriptor vhost(::open("/dev/vhost-net", O_RDWR | O_CLOEXEC));
        if (!vhost) break;
        vhosts.push_back(vhost.get());
        held.push_back(std::move(vhost));
    }
    if (vhosts.size() < queues.size()) vhosts.clear();
    return use(queues, vhosts);
}

bool can_make_taps() {
    const Descriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    unsigned features = 0;
    if (!device || ioctl(device.get(), TUNGETFEATURES, &features) < 0) return false;
    return (features & IFF_TAP) && (features & IFF_VNET_HDR);
}

}  // namespace bridges
