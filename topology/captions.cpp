// The words are the administrator's, the numbers are the kernel's.
#include "topology/captions.hpp"

#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <fmt/format.h>

#include <initializer_list>

namespace topology {
namespace {

std::string joined(std::initializer_list<std::string> parts, std::string_view separator) {
    std::string text;
    for (const auto& part : parts) {
        if (part.empty()) continue;
        if (!text.empty()) text += separator;
        text += part;
    }
    return text;
}

std::string prefixed(std::string_view prefix, const std::string& text) {
    return text.empty() ? text : std::string(prefix) + text;
}

std::string device_if_other(const Node& node) {
    const auto device = node.attribute(attribute::device);
    return device == node.title() ? "" : device;
}

std::string text_of_details(const Node& node) {
    const auto vlan = prefixed("VLAN ", node.attribute(attribute::vlan));
    const auto addresses = node.attribute(attribute::addresses);
    switch (node.kind()) {
        case NodeKind::nic: return joined({addresses, unusual_mtu_of(node)}, " · ");
        case NodeKind::bond: {
            const auto active = node.attribute(attribute::active);
            return joined(
                {node.attribute(attribute::mode), active.empty() ? "" : active + "*", addresses, unusual_mtu_of(node)},
                ", ");
        }
        case NodeKind::vlan: return joined({vlan, addresses, unusual_mtu_of(node)}, " · ");
        case NodeKind::bridge:
        case NodeKind::ovs_bridge: return joined({vlan, addresses, unusual_mtu_of(node)}, " · ");
        case NodeKind::network: return joined({vlan, addresses, device_if_other(node), unusual_mtu_of(node)}, " · ");
        case NodeKind::port: return joined({node.attribute(attribute::mac), vlan}, " · ");
        case NodeKind::guest:
        case NodeKind::namespace_: return node.title() == node.id.name ? "" : node.id.name;
    }
    return {};
}

}  // namespace

std::string caption_of(const Node& node) { return escaped(node.title()); }

std::string speed_of(const Node& node) {
    const auto megabits = parse_number(node.attribute(attribute::speed), 1, 100'000'000);
    if (!megabits) return {};
    if (*megabits < 1000) return fmt::format("{}M", *megabits);
    if (*megabits % 1000 == 0) return fmt::format("{}G", *megabits / 1000);
    return fmt::format("{:.1f}G", static_cast<double>(*megabits) / 1000);
}

std::string state_of(const Node& node) {
    const auto state = text_of(node.state);
    return node.state == NodeState::up ? joined({speed_of(node), state}, " ") : state;
}

std::string problem_of(const Node& node) {
    const bool says_it_all = node.state == NodeState::missing && node.problem == "is missing";
    if (node.problem && !says_it_all) return "DRIFT " + escaped(*node.problem);
    if (node.state != NodeState::up) return {};
    const auto verdict = node.attribute(attribute::verdict);
    return escaped(verdict.substr(0, verdict.find(" (")));  // how it is known, and what to do, are in the status
}

std::string unusual_mtu_of(const Node& node) {
    const auto mtu = node.attribute(attribute::mtu);
    return mtu.empty() || mtu == std::to_string(Mtu::standard) ? "" : "mtu " + escaped(mtu);
}

std::string details_of(const Node& node) { return escaped(text_of_details(node)); }

std::string counted(std::size_t count, std::string_view one) {
    if (count == 0) return {};
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

}  // namespace topology
