// The resources in words.
#include "ovs-driver/resources.hpp"

#include <fmt/format.h>

namespace ovs {
namespace {

std::string words(const Access& access) { return access.tag.number() == 0 ? " untagged" : fmt::format(" with tag {}", access.tag.number()); }

std::string words(const Trunk& trunk) {
    const auto tags = trunk.tags.empty() ? std::string("every tag") : "tags " + trunk.tags.text();
    return " with " + tags + (trunk.native ? fmt::format(", {} untagged", trunk.native->number()) : "");
}

std::string words(const Nowhere&) { return " on no network"; }

}  // namespace

std::string describe(const Bridge& bridge) { return fmt::format("OVS bridge {}", bridge.name.text()); }

std::string describe(const Port& port) {
    const auto on = port.bridge ? fmt::format(" of {}", port.bridge->text()) : "";
    const auto tags = port.tagging ? std::visit([](const auto& tagging) { return words(tagging); }, *port.tagging) : "";
    return fmt::format("OVS port {}{}{}", port.name.text(), on, tags);
}

std::string describe(const PortMirror& mirror) {
    const auto tags = mirror.tags && !mirror.tags->empty() ? fmt::format(" of tags {}", mirror.tags->text()) : "";
    return fmt::format("OVS mirror {}{}", mirror.name.text(), tags);
}

}  // namespace ovs
