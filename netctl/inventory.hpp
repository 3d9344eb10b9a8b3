// What several verbs ask netd for before they show anything.
#pragma once

#include "netctl/verbs.hpp"

#include <vector>

namespace netctl {

struct Inventory {
    nlohmann::json capabilities = {};
    nlohmann::json statistics = {};  // null if netd could not give any
};
std::variant<Inventory, Trouble> take_inventory(Session& session);

// Only the objects whose `key` is the name; all of them without a name. Trouble where a name finds none.
std::variant<nlohmann::json, Trouble> pick(nlohmann::json list, const char* key, const std::string& name, const char* kind);

// The "nics" of VM.getNics, each with the address and ifname that iproute2 would call so; of one guest, by name or UUID, if it is
// not "". Trouble where that one has none.
std::variant<nlohmann::json, Trouble> take_guest_nics(const std::string& vm, Session& session);

// "192.0.2.10/24, 2001:db8::10/64" of an object with addr_info.
std::string addresses_of(const nlohmann::json& object);

// The word for an operstate, with its tone: "up", "no-carrier", "down", "missing".
Cell state_cell(const nlohmann::json& object);

// "1.5M" of stats64.rx.bytes; "" where it is not known.
std::string traffic_of(const nlohmann::json& object, const char* direction);

}  // namespace netctl
