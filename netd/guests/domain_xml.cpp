// Written by hand, since it is a handful of elements; read by libxml2, since what comes may be anything.
#include "netd/guests/domain_xml.hpp"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <charconv>
#include <memory>

namespace guests {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\'': out += "&apos;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

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

struct FreeDocument {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, FreeDocument>;

bool is_named(const xmlNode* node, const char* name) {
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, reinterpret_cast<const xmlChar*>(name));
}

const xmlNode* child(const xmlNode* parent, const char* name) {
    if (!parent) return nullptr;
    for (const xmlNode* node = parent->children; node; node = node->next)
        if (is_named(node, name)) return node;
    return nullptr;
}

std::string attribute(const xmlNode* node, const char* name) {
    if (!node) return {};
    xmlChar* text = xmlGetNoNsProp(node, reinterpret_cast<const xmlChar*>(name));
    if (!text) return {};
    std::string value(reinterpret_cast<const char*>(text));
    xmlFree(text);
    return value;
}

std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Nic> read_interface(const xmlNode* element, const std::string& domain) {
    const auto mac = Mac::parse(attribute(child(element, "mac"), "address"));
    const xmlNode* target = child(element, "target");
    const std::string device = attribute(target, "dev");
    if (!mac || device.empty()) return std::nullopt;
    Nic nic{domain, *mac};
    nic.device = IfName::observed(device);
    nic.alias = attribute(child(element, "alias"), "name");
    nic.model = attribute(child(element, "model"), "type");
    const xmlNode* driver = child(element, "driver");
    nic.queues = number(attribute(driver, "queues")).value_or(1);
    nic.link = attribute(child(element, "link"), "state") != "down";
    if (const auto mtu = number(attribute(child(element, "mtu"), "size"))) nic.mtu = Mtu::observed(*mtu);
    nic.offloads = attribute(child(driver, "host"), "csum") != "off";
    const std::string type = attribute(element, "type");
    const xmlNode* source = child(element, "source");
    nic.facts.ours = type == "ethernet" && attribute(target, "managed") == "no" && nic.alias->starts_with("ua-");
    // Of a running domain libvirt says type='bridge' where it was defined by network, and names both.
    if (type == "bridge" || type == "network") {
        nic.facts.bridge = attribute(source, "bridge");
        nic.facts.network = attribute(source, "network");
    }
    if (const auto tag = number(attribute(child(child(element, "vlan"), "tag"), "id")); tag && *tag < 4095) nic.facts.tag = static_cast<std::uint16_t>(*tag);
    return nic;
}

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
    return hash;
}

constexpr std::string_view offered = "6e657464-";  // "netd"

}  // namespace

std::string write_interface(const Nic& nic) {
    std::string xml = fmt::format("<interface type='ethernet'><mac address='{}'/><target dev='{}' managed='no'/><model type='{}'/>", nic.mac.text(),
                                  escaped(nic.device ? nic.device->text() : ""), escaped(nic.model.value_or("virtio")));
    xml += driver(nic);
    if (nic.link == false) xml += "<link state='down'/>";
    if (nic.mtu) xml += fmt::format("<mtu size='{}'/>", nic.mtu->number());
    if (nic.alias) xml += fmt::format("<alias name='{}'/>", escaped(*nic.alias));
    return xml + "</interface>";
}

Result<std::vector<Nic>> read_interfaces(std::string_view xml, const std::string& domain) {
    // No network, no entities of its own, no word on standard error.
    constexpr int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    const Document document(xmlReadMemory(xml.data(), static_cast<int>(xml.size()), "domain.xml", nullptr, options));
    const xmlNode* root = document ? xmlDocGetRootElement(document.get()) : nullptr;
    if (!root || !is_named(root, "domain")) return Error{Fault::invalid, "domain " + domain, "libvirt's description of it can't be read"};
    std::vector<Nic> nics;
    const xmlNode* devices = child(root, "devices");
    for (const xmlNode* node = devices ? devices->children : nullptr; node; node = node->next)
        if (is_named(node, "interface"))
            if (auto nic = read_interface(node, domain)) nics.push_back(std::move(*nic));
    return nics;
}

std::string write_network(const Offer& offer) {
    std::string xml = fmt::format("<network><name>{}</name><uuid>{}</uuid><forward mode='bridge'/><bridge name='{}'/>", escaped(offer.name),
                                  uuid_of_offer(offer.name), escaped(offer.bridge));
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
