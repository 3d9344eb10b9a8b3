// The rows in words, for plans and reports.
#include "ovs-driver/resources.hpp"

namespace ovs {

std::string describe(const Bridge& bridge) { return "OVS bridge " + bridge.name.text(); }

std::string describe(const Port& port) {
    std::string text = "OVS port " + port.name.text();
    if (port.bridge) text += " on " + port.bridge->text();
    return text;
}

}  // namespace ovs
