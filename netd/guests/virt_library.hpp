// libvirt's functions, found when netd first connects to it: a host whose guests are not libvirt's carries none of its forty libraries.
#pragma once

#include "topology/result.hpp"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

namespace guests {

#define NETD_OF_LIBVIRT(each)                                                                                                          \
    each(virConnectClose) each(virConnectDomainEventDeregisterAny) each(virConnectDomainEventRegisterAny) each(virConnectIsAlive) each(virConnectListAllDomains)               \
    each(virConnectListAllNetworks) each(virConnectNetworkEventDeregisterAny) each(virConnectNetworkEventRegisterAny) each(virConnectOpen)     \
    each(virConnectRegisterCloseCallback) each(virConnectSetKeepAlive) each(virConnectUnregisterCloseCallback)                        \
    each(virDomainAttachDeviceFlags) each(virDomainDetachDeviceAlias) each(virDomainFree) each(virDomainGetControlInfo)               \
    each(virDomainGetJobStats) each(virDomainGetName) each(virDomainGetState) each(virDomainGetUUIDString) each(virDomainGetXMLDesc) each(virDomainIsActive) each(virDomainLookupByName) \
    each(virDomainUpdateDeviceFlags) each(virEventRegisterDefaultImpl) each(virEventRunDefaultImpl) each(virGetLastError)             \
    each(virInitialize) each(virNetworkCreate) each(virNetworkDefineXML) each(virNetworkDestroy) each(virNetworkFree)                 \
    each(virNetworkGetName) each(virNetworkGetUUIDString) each(virNetworkGetXMLDesc) each(virNetworkIsActive)                         \
    each(virNetworkIsPersistent) each(virNetworkSetAutostart) each(virNetworkUndefine) each(virSetErrorFunc)                          \
    each(virTypedParamsFree) each(virTypedParamsGetInt)
#define NETD_OF_LIBVIRT_QEMU(each) each(virDomainQemuMonitorCommand)

// Each under its own name, with the type that libvirt's header gives it.
struct VirtLibrary {
#define NETD_MEMBER(function) decltype(&::function) function = nullptr;
    NETD_OF_LIBVIRT(NETD_MEMBER)
    NETD_OF_LIBVIRT_QEMU(NETD_MEMBER)
#undef NETD_MEMBER
};

// Tried until it has succeeded; it is never let go. By the thread that connects. Errors: backend, where libvirt is not installed or is
// too old, in the linker's words.
topology::Result<> load_virt();

// To be called only after load_virt() has succeeded, as holding anything of libvirt's implies.
const VirtLibrary& virt();

}  // namespace guests
