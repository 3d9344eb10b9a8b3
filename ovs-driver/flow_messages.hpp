#pragma once
// OpenFlow 1.4 with bundles, message by message; included last, as flow_handles.hpp is.

#include "ovs-driver/flow_rules.hpp"
#include "topology/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include "ovs-driver/flow_handles.hpp"

namespace ovs {

inline constexpr auto protocol = OFPUTIL_P_OF14_OXM;
inline constexpr auto version = OFP14_VERSION;

// A flow in the words of ovs-ofctl, to be added or deleted (OFPFC_...). Fault::invalid with what is wrong.
topology::Result<Message> encode_flow(const std::string& text, int command);

// A bundle is one moment: it is opened and committed (OFPBCT_..._REQUEST), and has messages in between.
Message encode_bundle(std::uint16_t type);
Message in_bundle(const ofpbuf& message);

// One that can't be read counts as a greeting: it is nobody's answer.
ofptype type_of(const ofpbuf& message);

// Whether this is somebody else's change of flows of netd's, or of what stands in their place.
bool disturbs(const ofputil_flow_update& update);

// The flow that somebody else put among netd's filters or above them, in the words in which ovs-ofctl deletes it: what it lets pass no filter sees.
std::optional<std::string> intruder(const ofputil_flow_update& update);

}  // namespace ovs
