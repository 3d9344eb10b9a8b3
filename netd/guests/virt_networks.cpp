// Logical networks as libvirt knows them: those with a UUID of ours are ours, all others are left alone.
#include "netd/guests/domain_xml.hpp"
#include "netd/guests/virt_session.hpp"

#include <fmt/format.h>

namespace guests {
namespace {

// libvirt adds to what it was given, but says each of these as it was said.
bool is_as_offered(virNetwork* network, const Offer& offer) {
    const TextPtr told(virt().virNetworkGetXMLDesc(network, 0));
    if (!told || virt().virNetworkIsActive(network) != 1) return false;
    const std::string xml = told.get();
    const auto has = [&](const std::string& part) { return xml.find(part) != std::string::npos; };
    return has(fmt::format("<bridge name='{}'/>", offer.bridge)) && has("openvswitch") == offer.ovs && has("<vlan") == offer.tag.has_value() &&
           (!offer.tag || has(fmt::format("<tag id='{}'", *offer.tag)));
}

}  // namespace

// Guests that are on it stay where they are: only the offer is taken back.
Result<> Session::withdraw(virNetwork* network) const {
    const char* name = virt().virNetworkGetName(network);
    const std::string subject = fmt::format("libvirt's network {}", name ? name : "");
    if (virt().virNetworkIsActive(network) == 1 && virt().virNetworkDestroy(network) < 0) return last_error(subject);
    if (virt().virNetworkIsPersistent(network) == 1 && virt().virNetworkUndefine(network) < 0) return last_error(subject);
    return {};
}

Result<> Session::offer(const Offer& offer) const {
    const std::string subject = fmt::format("libvirt's network {}", offer.name);
    const NetworkPtr network(virt().virNetworkDefineXML(connection_.get(), write_network(offer).c_str()));
    if (!network) return last_error(subject);
    // A domain that starts with libvirtd finds its network there.
    if (virt().virNetworkSetAutostart(network.get(), 1) < 0) return last_error(subject);
    if (virt().virNetworkIsActive(network.get()) != 1 && virt().virNetworkCreate(network.get()) < 0) return last_error(subject);
    return {};
}

Result<> Session::offer(const Offers& offers, const Offers& standing) const {
    virNetworkPtr* listed = nullptr;
    const int count = virt().virConnectListAllNetworks(connection_.get(), &listed, 0);
    if (count < 0) return last_error("libvirt's networks");
    const std::vector<NetworkPtr> networks(listed, listed + count);
    std::free(listed);
    Offers missing = offers;
    Result<> all;
    const auto note = [&](const Result<>& done) { if (!done && all) all = done; };
    for (const auto& network : networks) {
        char uuid[VIR_UUID_STRING_BUFLEN] = {};
        const std::string name = virt().virNetworkGetName(network.get());
        const Offer *wanted = missing.find(Text{name}), *stands = standing.find(Text{name});
        const bool ours = virt().virNetworkGetUUIDString(network.get(), uuid) == 0 && is_uuid_of_offer(uuid);
        if (!ours && !wanted) continue;
        const bool is_known = stands && wanted && *stands == *wanted && virt().virNetworkIsActive(network.get()) == 1;
        const bool fits = ours && wanted && (is_known || is_as_offered(network.get(), *wanted));
        if (!ours) note(Error{Fault::conflict, "libvirt's network " + name, "somebody else has defined one of this name; it is not offered"});
        else if (!fits) {
            note(withdraw(network.get()));
            continue;
        }
        missing.erase(Text{name});
    }
    for (const Offer& one : missing) note(offer(one));
    return all;
}

}  // namespace guests
