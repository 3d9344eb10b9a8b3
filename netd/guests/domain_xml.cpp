// Written by hand, since it is a handful of elements; read by pugixml, since what comes may be anything.
#include "netd/guests/domain_xml.hpp"

#include "topology/escape.hpp"
#include "topology/hash.hpp"
#include "topology/numbers.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <limits>

namespace guests {
namespace {

using topology::Error;
using topology::Fault;
using topology::hash_of;
using topology::Result;
using topology::xml_marked;

// Open vSwitch's userspace datapath forwards a frame whose checksum is still to be computed as it is, and the receiver
// drops it; so there the guest computes it.
constexpr std::string_view no_offloads =
    "<host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off'/><guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/>";

std::string driver(const Nic& nic) {
    if (nic.model.value_or("virtio") != "virtio") return {};
    const std::string queues = nic.queues.value_or(1) > 1 ? fmt::format(" queues='{}'", *nic.queues) : "";
    const std::string_view inside = nic.offloads == false ? no_offloads : std::string_view();
    if (queues.empty() && inside.empty()) return {};
    return fmt::format("<driver{}>{}</driver>", queues, inside);
}

std::optional<std::uint32_t> number(std::string_view text) {
    const auto value = topology::parse_number(text, 0, std::numeric_limits<std::uint32_t>::max());
    return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

// What is not there is an empty text.
std::optional<Nic> read_interface(const pugi::xml_node& element, const std::string& domain) {
    const auto mac = Mac::parse(element.child("mac").attribute("address").value());
    const pugi::xml_node target = element.child("target"), source = element.child("source"), driver = element.child("driver");
    const std::string device = target.attribute("dev").value();
    if (!mac || device.empty()) return std::nullopt;
    Nic nic{domain, *mac};
    nic.device = IfName::observed(device);
    nic.alias = element.child("alias").attribute("name").value();
    nic.model = element.child("model").attribute("type").value();
    nic.queues = number(driver.attribute("queues").value()).value_or(1);
    nic.link = element.child("link").attribute("state").value() != std::string_view("down");
    if (const auto mtu = number(element.child("mtu").attribute("size").value())) nic.mtu = Mtu::observed(*mtu);
    nic.offloads = driver.child("host").attribute("csum").value() != std::string_view("off");
    const std::string_view type = element.attribute("type").value(), managed = target.attribute("managed").value();
    nic.facts.ours = type == "ethernet" && managed == "no" && nic.alias->starts_with("ua-");
    // Of a running domain libvirt says type='bridge' where it was defined by network, and names both.
    if (type == "bridge" || type == "network") {
        nic.facts.bridge = source.attribute("bridge").value();
        nic.facts.network = source.attribute("network").value();
    }
    for (const pugi::xml_node& one : element.child("vlan").children("tag"))
        if (const auto tag = number(one.attribute("id").value()); tag && *tag < 4095) nic.facts.tags.push_back(static_cast<std::uint16_t>(*tag));
    nic.facts.isolated = element.child("port").attribute("isolated").value() == std::string_view("yes");
    return nic;
}

// A NIC is known by its MAC. Of several that share one netd's own counts, else the first.
void add(Nic nic, std::vector<Nic>& nics) {
    const auto first = std::ranges::find(nics, nic.mac, &Nic::mac);
    if (first == nics.end()) return nics.push_back(std::move(nic));
    if (nic.facts.ours && !first->facts.ours) std::swap(*first, nic);
    first->facts.twins.merge(nic.facts.twins);
    first->facts.twins.insert(*nic.device);
}

constexpr std::string_view offered = "6e657464-";  // "netd"

}  // namespace

std::string write_interface(const Nic& nic) {
    std::string xml = fmt::format("<interface type='ethernet'><mac address='{}'/><target dev='{}' managed='no'/><model type='{}'/>", nic.mac.text(),
                                  xml_marked(nic.device ? nic.device->text() : ""), xml_marked(nic.model.value_or("virtio")));
    xml += driver(nic);
    if (nic.link == false) xml += "<link state='down'/>";
    if (nic.mtu) xml += fmt::format("<mtu size='{}'/>", nic.mtu->number());
    if (nic.alias) xml += fmt::format("<alias name='{}'/>", xml_marked(*nic.alias));
    return xml + "</interface>";
}

Result<std::vector<Nic>> read_interfaces(std::string_view xml, const std::string& domain) {
    pugi::xml_document document;
    const pugi::xml_node root = document.load_buffer(xml.data(), xml.size()) ? document.child("domain") : pugi::xml_node();
    if (!root) return Error{Fault::invalid, "domain " + domain, "libvirt's description of it can't be read"};
    std::vector<Nic> nics;
    for (const pugi::xml_node& element : root.child("devices").children("interface"))
        if (auto nic = read_interface(element, domain)) add(std::move(*nic), nics);
    return nics;
}

std::string write_network(const Offer& offer) {
    std::string xml = fmt::format("<network><name>{}</name><uuid>{}</uuid><forward mode='bridge'/><bridge name='{}'/>", xml_marked(offer.name),
                                  uuid_of_offer(offer.name), xml_marked(offer.bridge));
    if (offer.ovs) xml += "<virtualport type='openvswitch'/>";
    if (offer.tag) xml += fmt::format("<vlan><tag id='{}'/></vlan>", *offer.tag);
    return xml + "</network>";
}

std::string uuid_of_offer(std::string_view name) {
    const std::uint64_t hash = hash_of(name);
    const std::uint32_t more = static_cast<std::uint32_t>(hash_of(fmt::format("{} offered", name)));
    return fmt::format("{}{:04x}-4{:03x}-8{:03x}-{:04x}{:08x}", offered, hash & 0xffff, hash >> 16 & 0xfff, hash >> 28 & 0xfff, hash >> 40 & 0xffff, more);
}

bool is_uuid_of_offer(std::string_view uuid) { return uuid.starts_with(offered); }

}  // namespace guests
