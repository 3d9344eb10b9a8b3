// What a network is for, and what the host answers on it: the classes of traffic (../docs/protocol.md, 5.4).
#pragma once

#include "topology/result.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace topology {

enum class Role { management, vm, migration, display, storage, gluster };
inline constexpr std::array<const char*, 6> role_names = {"management", "vm", "migration", "display", "storage", "gluster"};
// Whose connections leave by networks of that role, where the host has an address on one.
inline constexpr std::array<Role, 2> bound_roles = {Role::migration, Role::display};
constexpr const char* name_of(Role role) { return role_names[static_cast<unsigned>(role)]; }

// What a device is to the host: apart from all networks, or the device of one with these roles. One without a role, or that
// carries other networks only, is an island like every other, and what it answers is its own affair.
class Standing {
public:
    Standing() = default;  // of no network
    static Standing in_network(const std::set<Role>& roles);
    static Standing closed() { return of_bits(closed_bit); }  // what the host hears there is nothing to it, not even broadcasts

    // "apart", "network", "network management vm", "network closed".
    static Result<Standing> parse(std::string_view text);
    std::string text() const;

    bool is_of_network() const { return is_of_network_; }
    bool has(Role role) const { return roles_ & bit(role); }

    static constexpr std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(role)); }
    std::uint8_t bits() const { return roles_; }
    static Standing of_bits(std::uint8_t bits);
    bool operator==(const Standing&) const = default;

private:
    static constexpr std::uint8_t closed_bit = 0x80;
    bool is_of_network_ = false;
    std::uint8_t roles_ = 0;
};

}  // namespace topology
