// Who may change a thing: the mark is written on the thing itself, so a restart needs no memory of its own.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace topology {

// Ours (made for `role`, e.g. "network web", "base eth0", "nic 52:54:…") or foreign. Written on a link as its alias
// "netd: network web", in OVSDB as external_ids:netd="network web".
struct Owner {
    std::optional<std::string> role = {};

    static Owner foreign() { return {}; }
    static Owner ours(std::string_view role);  // a role too long for an alias is shortened, and stays told from others
    static Owner from_alias(std::string_view alias);

    bool is_ours() const { return role.has_value(); }
    std::string alias() const;  // "" for foreign; at most 255 bytes, as the kernel allows; from_alias() is its inverse
    auto operator<=>(const Owner&) const = default;
};

// What nobody knows the owner of is not.
inline bool is_ours(const std::optional<Owner>& owner) { return owner && owner->is_ours(); }

}  // namespace topology
