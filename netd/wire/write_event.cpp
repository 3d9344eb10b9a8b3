// The attributes of an event beside its subject.
#include "netd/wire/write_event.hpp"

namespace wire {

nlohmann::json write_event(const observe::Event& event) {
    nlohmann::json body = nlohmann::json::object();
    for (const auto& [name, value] : event.attributes) body[name] = value;
    body["subject"] = event.subject;
    return body;
}

}  // namespace wire
