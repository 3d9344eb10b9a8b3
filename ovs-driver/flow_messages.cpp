// See flow_messages.hpp. OVS' library knows the words.
#include <endian.h>
#include <fmt/format.h>

#include "ovs-driver/flow_messages.hpp"

namespace ovs {
namespace {

bool is_ours(std::uint64_t cookie) { return (cookie & Cookie::netd_mask) == Cookie::netd; }

}  // namespace

topology::Result<Message> encode_flow(const std::string& text, int command) {
    ofputil_flow_mod flow;
    ofputil_protocol usable;
    if (const Text wrong{parse_ofp_flow_mod_str(&flow, text.c_str(), nullptr, nullptr, command, &usable)})
        return topology::Error{topology::Fault::invalid, text, wrong.get()};
    Message message(ofputil_encode_flow_mod(&flow, protocol));
    minimatch_destroy(&flow.match);
    free(flow.ofpacts);
    return message;
}

Message encode_bundle(std::uint16_t type) {
    ofputil_bundle_ctrl_msg control{1, type, OFPBF_ATOMIC | OFPBF_ORDERED};
    return Message(ofputil_encode_bundle_ctrl_request(version, &control));
}

Message in_bundle(const ofpbuf& message) {
    ofputil_bundle_add_msg add{1, OFPBF_ATOMIC | OFPBF_ORDERED, static_cast<const ofp_header*>(message.data)};
    return Message(ofputil_encode_bundle_add(version, &add));
}

ofptype type_of(const ofpbuf& message) {
    ofptype type;
    return ofptype_decode(&type, static_cast<const ofp_header*>(message.data)) ? OFPTYPE_HELLO : type;
}

// A flow that was modified may have lost its cookie; one that takes another's place is told as added.
bool disturbs(const ofputil_flow_update& update) {
    const bool is_place_of_ours = update.priority == 0 || update.priority >= lowest_of_filters;
    switch (update.event) {
        case OFPFME_MODIFIED: return true;
        case OFPFME_ADDED: return is_place_of_ours && !is_ours(be64toh(update.cookie));
        case OFPFME_REMOVED: return update.priority == 0 || is_ours(be64toh(update.cookie));
        default: return false;
    }
}

std::optional<std::string> intruder(const ofputil_flow_update& update) {
    if (update.event != OFPFME_ADDED || update.priority < lowest_of_filters || is_ours(be64toh(update.cookie))) return std::nullopt;
    const Text match{match_to_string(&update.match, nullptr, update.priority)};
    // What has taken its place meanwhile, as a flow of netd's, is another one's.
    const auto flow = fmt::format("cookie={:#x}/{:#x},table=0,{}", be64toh(update.cookie), UINT64_MAX, match.get());
    if (!encode_flow(flow, OFPFC_DELETE_STRICT)) return std::nullopt;  // nothing else of what is said with it would be done
    return flow;
}

}  // namespace ovs
