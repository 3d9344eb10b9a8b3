// An event as subscribers get it: its subject and what belongs to it, flat.
#pragma once

#include "netd/observe/events.hpp"
#include "netd/wire/json.hpp"

namespace wire {

nlohmann::json write_event(const observe::Event& event);

}  // namespace wire
