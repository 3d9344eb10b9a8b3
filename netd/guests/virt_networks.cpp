// Logical networks as libvirt knows them: those with a UUID of ours are ours, all others are left alone.
#include "netd/guests/domain_xml.hpp"
#include "netd/guests/virt_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace guests {
namespace {

// libvirt adds to what it was given, but says each of these as it was said.
bool is_as_offered(virNetwork* network, const Offer& offer) {
    const TextPtr told(virNetworkGetXMLDesc(network, 0));
    if (!told || virNetworkIsActive(network) != 1) return false;
    const std::string xml = told.get();
    const auto has = [&](const std::string& part) { return xml.find(part) != std::string::npos; };
    return has(fmt::format("<bridge name='{}'/>", offer.bridge)) && has("openvswitch") == offer.ovs && has("<vlan") == offer.tag.has_value() &&
           (!offer.tag || has(fmt::format("<tag id='{}'", *offer.tag)));
}

}  // namespace

// Guests that are on it stay where they are: only the offer is taken back.
Result<> Session::withdraw(virNetwork* network) const {
    const char* name = virNetworkGetName(network);
    const std::string subject = fmt::format("libvirt's network {}", name ? name : "");
    if (virNetworkIsActive(network) == 1 && virNetworkDestroy(network) < 0) return last_error(subject);
    if (virNetworkIsPersistent(network) == 1 && virNetworkUndefine(network) < 0) return last_error(subject);
    return {};
}

Result<> Session::offer(const Offer& offer) const {
    const std::string subject = fmt::format("libvirt's network {}", offer.name);
    const NetworkPtr network(virNetworkDefineXML(connection_.get(), write_network(offer).c_str()));
    if (!network) return last_error(subject);
    // A domain that starts with libvirtd finds its network there.
    if (virNetworkSetAutostart(network.get(), 1) < 0) return last_error(subject);
    if (virNetworkIsActive(network.get()) != 1 && virNetworkCreate(network.get()) < 0) return last_error(subject);
    return {};
}

Result<> Session::offer(const std::vector<Offer>& offers) const {
    virNetworkPtr* listed = nullptr;
    const int count = virConnectListAllNetworks(connection_.get(), &listed, 0);
    if (count < 0) return last_error("libvirt's networks");
    const std::vector<NetworkPtr> networks(listed, listed + count);
    std::free(listed);
    std::vector<Offer> missing = offers;
    Result<> all;
    const auto note = [&](const Result<>& done) { if (!done && all) all = done; };
    for (const auto& network : networks) {
        char uuid[VIR_UUID_STRING_BUFLEN] = {};
        const std::string name = virNetworkGetName(network.get());
        const auto wanted = std::find_if(missing.begin(), missing.end(), [&](const Offer& offer) { return offer.name == name; });
        const bool ours = virNetworkGetUUIDString(network.get(), uuid) == 0 && is_uuid_of_offer(uuid);
        if (!ours && wanted == missing.end()) continue;
        if (!ours) note(Error{Fault::conflict, "libvirt's network " + name, "somebody else has defined one of this name; it is not offered"});
        else if (wanted == missing.end() || !is_as_offered(network.get(), *wanted)) {
            note(withdraw(network.get()));
            continue;
        }
        missing.erase(wanted);
    }
    for (const Offer& one : missing) note(offer(one));
    return all;
}

}  // namespace guests
