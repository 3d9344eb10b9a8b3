// Traffic control as the kernel keeps it (qdiscs, classes, filters), made of a link's Traffic and read back into it.
//
// What is netd's own has netd's own numbers, which are its mark: the root qdisc 6e64: with its classes, and filters of the
// priorities below at the clsact qdisc. All else is somebody else's.
#pragma once

#include "bridges/nl_write.hpp"
#include "bridges/state.hpp"

#include <functional>
#include <map>

namespace bridges {

namespace tc {
constexpr std::uint32_t root = 0x6e640000;
constexpr std::uint32_t whole = root | 0xffff;          // HFSC: the class that all shares are parts of
constexpr std::uint32_t limited = root | 1;             // HTB: the one class
constexpr std::uint32_t untagged = root | 0x1000;       // HFSC: of frames that no filter is about; VLAN v has v + 1
constexpr std::uint16_t guard_priority = 0x6e63;        // before all others: what it drops is limited and copied nowhere
constexpr std::uint16_t limit_priority = 0x6e64, copy_priority = 0x6e65;
// Of what comes in, by VLAN: each tag's filter, one that lets all other tags pass, and one for what has no tag.
constexpr std::uint16_t tagged_priority = 0x6e66, pass_priority = 0x6e67, untagged_priority = 0x6e68;
constexpr std::uint32_t class_of(int vlan) { return vlan == Share::untagged ? untagged : root | (vlan + 1); }
}  // namespace tc

// Whether it is about traffic control; and of which link.
bool is_about_traffic(const nlmsghdr& message);
int traffic_link_of(const nlmsghdr& message);

// What the kernel has told of one link's traffic control.
class TrafficSeen {
public:
    void take(const nlmsghdr& message);

    // Targets of copies are named by `name`. One that is gone is "(gone)": its filters stay until they are taken away.
    Traffic shown(const std::function<std::optional<IfName>(int)>& name) const;
    const std::string& foreign_qdisc() const { return foreign_; }
    bool has_foreign_filters() const { return !others_.empty(); }
    std::set<int> targets() const;

    bool operator==(const TrafficSeen&) const = default;

    // What a list of qdiscs does not say and must be asked for.
    std::vector<Message> questions(int link) const;

private:
    struct Key {
        std::uint32_t parent, handle;
        auto operator<=>(const Key&) const = default;
    };
    void take_qdisc(const nlmsghdr& message);
    void take_class(const nlmsghdr& message);
    void take_filter(const nlmsghdr& message);
    void take_foreign(const nlmsghdr& message);
    void take_lead(const nlmsghdr& message);
    void take_intake(const nlmsghdr& message);
    void take_copy_or_limit(const nlmsghdr& message);
    void forget_root();

    bool has_root_ = false, has_clsact_ = false, has_guard_ = false;
    std::string foreign_ = {};
    std::map<std::uint32_t, Share> shares_ = {};   // by class
    std::map<std::uint32_t, Limit> limits_ = {};
    std::set<std::uint32_t> led_ = {};             // classes that a filter leads frames of their VLAN to
    std::map<Key, Limit> policed_ = {};
    std::map<int, Limit> intakes_ = {};            // by VLAN
    bool others_pass_ = false;                     // frames of other VLANs get past the limit of those without a tag
    std::map<Key, std::set<int>> copies_ = {};
    std::set<Key> others_ = {};                    // somebody else's filters at the clsact qdisc: by direction, priority and protocol
};

Message ask_qdiscs();

// What makes the traffic control that `have` says into what `now` says; nothing that stays is touched. Error: a link that
// gets a copy is not there. `shared`: others have filters at the clsact qdisc, which stays for them.
struct TrafficRequest {
    Message message;
    std::set<int> fine = {};  // errnos that mean that it is so already, or can be done without
};
// `guard` is ChecksumGuard's program.
Result<> write_traffic(int link, const Traffic& now, const Traffic& have, const State& host, int guard, bool shared, std::vector<TrafficRequest>& into);

}  // namespace bridges
