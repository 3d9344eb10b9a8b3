// What the rows of OVSDB mean: row in, value out.
#pragma once

#include "ovs-driver/resources.hpp"

struct ovsrec_bridge;
struct ovsrec_interface;
struct ovsrec_mirror;
struct ovsrec_port;

namespace ovs {

// What a row says that has none.
inline const Mac no_mac = Mac::of({});

// The highest that the schema takes, and no network's (VlanId ends at 4094).
inline constexpr std::int64_t tag_of_nowhere = 4095;

// Several in one: by commas, in their alphabet's order.
std::string read_protocols(const ovsrec_bridge& row);
std::string read_controllers(const ovsrec_bridge& row);
Bridge read_bridge(const ovsrec_bridge& row);

// A port of that bridge. One with several interfaces (a bond of OVS' own) that is not netd's has neither details nor facts.
Port read_port(const ovsrec_port& row, const IfName& bridge);

PortMirror read_mirror(const ovsrec_mirror& row, const IfName& bridge);

// The type of the QoS row that netd made for the port, or "".
std::string read_qos(const ovsrec_port& row);

PortFacts read_facts(const ovsrec_interface& row);

// Null where OVS does what netd has no word for: native-tagged, QinQ.
std::optional<Tagging> read_tagging(const ovsrec_port& row);

Owner read_owner(const char* mark);  // the text of external_ids:netd, or null

// True for the port that every bridge has under its own name.
bool is_local_port(const ovsrec_port& row, const IfName& bridge);

}  // namespace ovs
