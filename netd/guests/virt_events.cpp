// Each callback gets hints of its own, which libvirt frees with it, so that none outlives what it speaks to.
#include "netd/guests/virt_events.hpp"

#include <mutex>
#include <system_error>
#include <thread>

namespace guests {

using topology::Error;
using topology::Fault;
using topology::Result;

Error last_error(const std::string& subject) {
    const virError* said = virt().virGetLastError();
    if (!said) return {Fault::backend, subject, "libvirt refused and did not say why"};
    Fault fault = Fault::backend;
    switch (said->code) {
        case VIR_ERR_NO_DOMAIN:
        case VIR_ERR_NO_NETWORK:
        case VIR_ERR_DEVICE_MISSING: fault = Fault::not_found; break;
        case VIR_ERR_OPERATION_INVALID: fault = Fault::conflict; break;
        case VIR_ERR_OPERATION_TIMEOUT: fault = Fault::timeout; break;
        default: break;
    }
    return {fault, subject, std::string("libvirt says: ") + (said->message ? said->message : "nothing")};
}

namespace {

void free_hints(void* opaque) { delete static_cast<Hints*>(opaque); }

void tell(virDomainPtr domain, void* opaque) {
    if (const char* name = virt().virDomainGetName(domain)) static_cast<Hints*>(opaque)->changed(name);
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int, int, void* opaque) {
    tell(domain, opaque);
    return 0;
}
void on_device(virConnectPtr, virDomainPtr domain, const char*, void* opaque) { tell(domain, opaque); }
// Undefined alone it is there still. What netd itself withdraws is told, too, and misses nothing.
void on_network(virConnectPtr, virNetworkPtr network, int event, int, void* opaque) {
    const char* name = event == VIR_NETWORK_EVENT_STOPPED ? virt().virNetworkGetName(network) : nullptr;
    if (name) static_cast<Hints*>(opaque)->withdrawn(name);
}
void on_close(virConnectPtr, int, void* opaque) { static_cast<Hints*>(opaque)->lost(); }

}  // namespace

Result<> start_virt_loop() {
    static std::once_flag once;
    try {
        std::call_once(once, [] {
            virt().virInitialize();
            virt().virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
            virt().virEventRegisterDefaultImpl();
            std::thread([] {
                while (virt().virEventRunDefaultImpl() == 0) {}
            }).detach();
        });
    } catch (const std::system_error& none) {  // it was not done then
        return Error{Fault::backend, "libvirt", std::string("no thread turns its loop: ") + none.what()};
    }
    return {};
}

Result<std::unique_ptr<Ear>> Ear::open(virConnect* connection, const Hints& hints) {
    std::unique_ptr<Ear> ear(new Ear(connection));
    if (auto listening = ear->listen(hints); !listening) return listening.error();
    return ear;
}

Ear::~Ear() {
    for (const int event : events_) virt().virConnectDomainEventDeregisterAny(connection_, event);
    if (of_networks_) virt().virConnectNetworkEventDeregisterAny(connection_, *of_networks_);
    if (hears_the_end_) virt().virConnectUnregisterCloseCallback(connection_, on_close);
}

Result<> Ear::listen(const Hints& hints) {
    auto closing = std::make_unique<Hints>(hints);
    if (virt().virConnectRegisterCloseCallback(connection_, on_close, closing.get(), free_hints) < 0) return last_error("libvirt");
    hears_the_end_ = true;
    closing.release();
    const std::pair<int, virConnectDomainEventGenericCallback> wanted[] = {
        {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
        {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
        {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)}};
    for (const auto& [event, callback] : wanted) {
        auto own = std::make_unique<Hints>(hints);
        const int registered = virt().virConnectDomainEventRegisterAny(connection_, nullptr, event, callback, own.get(), free_hints);
        if (registered < 0) return last_error("libvirt");
        events_.push_back(registered);
        own.release();
    }
    auto own = std::make_unique<Hints>(hints);
    const int registered = virt().virConnectNetworkEventRegisterAny(connection_, nullptr, VIR_NETWORK_EVENT_ID_LIFECYCLE, VIR_NETWORK_EVENT_CALLBACK(on_network), own.get(), free_hints);
    if (registered < 0) return {};  // a libvirt that knows no networks; that nothing can be offered there is said when it is tried
    of_networks_ = registered;
    own.release();
    return {};
}

}  // namespace guests
