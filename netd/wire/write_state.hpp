// The host's state as JSON and back, for the journal: what is read back plans to exactly what was written.
#pragma once

#include "netd/intent/intent.hpp"
#include "netd/lower/host_state.hpp"
#include "netd/wire/json.hpp"

namespace wire {

nlohmann::json write_state(const lower::HostState& state);
Result<lower::HostState> read_state(const nlohmann::json& value);

// All definitions, guests' NICs among them, for our own files.
nlohmann::json write_intent(const intent::Intent& intent);
Result<intent::Intent> read_intent(const nlohmann::json& value);

// {networks: {name: definition or null}, …}: null is "gone". As text: of thousands of definitions the values cost more than writing them.
std::string write_delta(const intent::Delta& delta);
Result<intent::Delta> read_delta(const nlohmann::json& value);

}  // namespace wire
