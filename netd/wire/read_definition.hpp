// Definitions and requests from JSON, with every complaint at once and a pointer to each.
#pragma once

#include "netd/intent/request.hpp"
#include "netd/wire/json.hpp"

namespace wire {

// params of Host.setupNetworks and planNetworks. What could not be read is in `complaints`, the rest in the request.
intent::Request read_setup(const nlohmann::json& params, intent::Complaints& complaints);

// One network or bond in canonical or loose form.
intent::Network read_network(const intent::NetworkName& name, const nlohmann::json& value, intent::Complaints& complaints, From from = From::client);
intent::Bond read_bond(const intent::IfName& name, const nlohmann::json& value, intent::Complaints& complaints, From from = From::client);

// What `nic` of VM.hotplugNic says of a guest's NIC; attributes that are not given stay as they are in `nic`.
void read_nic(const nlohmann::json& value, intent::GuestNic& nic, int code, intent::Complaints& complaints, From from = From::client);

// The canonical form: what reading it gives back is the same definition.
nlohmann::json write_network(const intent::Network& network);
nlohmann::json write_bond(const intent::Bond& bond);
nlohmann::json write_nic(const intent::GuestNic& nic);

// {networks: {…}, bondings: {…}}, as getRunningConfig answers.
nlohmann::json write_definitions(const intent::Intent& intent);

nlohmann::json write_complaints(const intent::Complaints& complaints);

}  // namespace wire
