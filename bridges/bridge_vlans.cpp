// See bridge_vlans.hpp.
#include "bridges/bridge_vlans.hpp"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace bridges {

namespace {

// The kernel holds its global lock for a whole message: 4094 VLANs at once would stop every tap on the host for 0.1 s.
constexpr int slice = 256;

void set_tag(PortTags& tags, std::int64_t number, std::uint16_t flags) {
    const auto id = VlanId::from(number);
    if (!id) return;
    tags.members.insert(*id);
    if (flags & BRIDGE_VLAN_INFO_UNTAGGED) tags.leaving_untagged.insert(*id);
    else tags.leaving_untagged.erase(*id);
    if (flags & BRIDGE_VLAN_INFO_PVID) tags.pvid = *id;  // there is one: the kernel does not tell the old one again
    else if (tags.pvid == *id) tags.pvid.reset();
}

void drop_tag(PortTags& tags, std::int64_t number) {
    const auto id = VlanId::from(number);
    if (!id) return;
    tags.members.erase(*id);
    tags.leaving_untagged.erase(*id);
    if (tags.pvid == *id) tags.pvid.reset();
}

void put_range(Message& message, int first, int last, std::uint16_t flags) {
    if (first == last) {
        message.number(IFLA_BRIDGE_VLAN_INFO, bridge_vlan_info{flags, static_cast<std::uint16_t>(first)});
        return;
    }
    const auto begin = static_cast<std::uint16_t>(flags | BRIDGE_VLAN_INFO_RANGE_BEGIN);
    const auto end = static_cast<std::uint16_t>(flags | BRIDGE_VLAN_INFO_RANGE_END);
    message.number(IFLA_BRIDGE_VLAN_INFO, bridge_vlan_info{begin, static_cast<std::uint16_t>(first)});
    message.number(IFLA_BRIDGE_VLAN_INFO, bridge_vlan_info{end, static_cast<std::uint16_t>(last)});
}

struct Run {
    int first, last;
};

// The runs cut so that no group of them has more than `slice` VLANs.
std::vector<std::vector<Run>> slices(const VlanSet& set) {
    std::vector<std::vector<Run>> all;
    int room = 0;
    for (const auto& [from, to] : set.ranges()) {
        for (int first = from.number(); first <= to.number();) {
            if (room == 0) {
                all.emplace_back();
                room = slice;
            }
            const int last = std::min<int>(to.number(), first + room - 1);
            all.back().push_back({first, last});
            room -= last - first + 1;
            first = last + 1;
        }
    }
    return all;
}

void write_slices(std::vector<Message>& into, int type, int index, bool itself, const VlanSet& set, std::uint16_t flags) {
    for (const auto& runs : slices(set)) {
        ifinfomsg header = {};
        header.ifi_family = AF_BRIDGE;
        header.ifi_index = index;
        Message message(type, 0, header, 64 + runs.size() * 16);
        message.nest(IFLA_AF_SPEC, [&] {
            if (itself) message.number<std::uint16_t>(IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
            for (const Run& run : runs) put_range(message, run.first, run.last, flags);
        });
        into.push_back(std::move(message));
    }
}

VlanSet all_of(const PortVlans& vlans) {
    VlanSet all = vlans.tagged;
    for (const auto& [first, last] : vlans.stripped.ranges())
        for (int id = first.number(); id <= last.number(); ++id) all.insert(*VlanId::from(id));
    for (const auto& pvid : {vlans.untagged, vlans.pvid_tagged})
        if (pvid) all.insert(*pvid);
    return all;
}

VlanSet only(const VlanId& id) {
    VlanSet one;
    one.insert(id);
    return one;
}

VlanSet tagged_of(const PortVlans& vlans) {
    VlanSet tagged = vlans.tagged;
    if (vlans.untagged) tagged.erase(*vlans.untagged);
    return tagged;
}

}  // namespace

PortVlans PortTags::visible() const {
    PortVlans vlans;
    vlans.stripped = leaving_untagged;
    if (pvid) (leaving_untagged.contains(*pvid) ? vlans.untagged : vlans.pvid_tagged) = pvid;
    if (pvid) vlans.stripped.erase(*pvid);
    vlans.tagged = members.minus(leaving_untagged);
    if (pvid) vlans.tagged.erase(*pvid);
    return vlans;
}

PortTags read_port_tags(Bytes af_spec) {
    PortTags tags;
    int begin = -1;
    Attributes::each(af_spec, [&](int type, const nlattr* attribute) {
        if (type != IFLA_BRIDGE_VLAN_INFO) return;
        const auto info = Attributes::value<bridge_vlan_info>(attribute);
        if (!info || info->vid > 4094) return;
        if (info->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
            begin = info->vid;
            return;
        }
        const int first = (info->flags & BRIDGE_VLAN_INFO_RANGE_END) && begin >= 0 ? begin : info->vid;
        for (int vid = first; vid <= info->vid; ++vid) set_tag(tags, vid, info->flags);
        begin = -1;
    });
    return tags;
}

void take_vlan_entries(PortTags& tags, Bytes entries, bool gone) {
    Attributes::each(entries, [&](int type, const nlattr* attribute) {
        if (type != BRIDGE_VLANDB_ENTRY) return;
        const Attributes entry(Attributes::payload(attribute));
        const auto info = entry.get<bridge_vlan_info>(BRIDGE_VLANDB_ENTRY_INFO);
        if (!info) return;
        const int last = std::min<int>(entry.get<std::uint16_t>(BRIDGE_VLANDB_ENTRY_RANGE).value_or(info->vid), 4094);
        for (int vid = info->vid; vid <= last; ++vid) {
            if (gone) drop_tag(tags, vid);
            else set_tag(tags, vid, info->flags);
        }
    });
}

void write_vlans(std::vector<Message>& into, int index, bool itself, const PortVlans& was, const PortVlans& now) {
    write_slices(into, RTM_DELLINK, index, itself, all_of(was).minus(all_of(now)), 0);
    // A VLAN whose flags change is simply set again.
    write_slices(into, RTM_SETLINK, index, itself, tagged_of(now).minus(tagged_of(was)), 0);
    write_slices(into, RTM_SETLINK, index, itself, now.stripped.minus(was.stripped), BRIDGE_VLAN_INFO_UNTAGGED);
    if (now.untagged && now.untagged != was.untagged) write_slices(into, RTM_SETLINK, index, itself, only(*now.untagged), BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
    if (now.pvid_tagged && now.pvid_tagged != was.pvid_tagged) write_slices(into, RTM_SETLINK, index, itself, only(*now.pvid_tagged), BRIDGE_VLAN_INFO_PVID);
}

}  // namespace bridges
