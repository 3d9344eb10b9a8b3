// See role.hpp.
#include "topology/role.hpp"

#include <algorithm>

namespace topology {

Standing Standing::in_network(const std::set<Role>& roles) {
    Standing standing;
    standing.is_of_network_ = true;
    for (const Role role : roles) standing.roles_ |= bit(role);
    return standing;
}

Standing Standing::of_bits(std::uint8_t bits) {
    Standing standing = in_network({});
    standing.roles_ = bits;
    return standing;
}

Result<Standing> Standing::parse(std::string_view text) {
    if (text == "apart") return Standing();
    const auto word = [&text] {
        const auto end = std::min(text.find(' '), text.size());
        const auto found = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return found;
    };
    if (word() != "network") return Error{Fault::invalid, std::string(text), "\"apart\", or \"network\" and its roles, is due here"};
    std::set<Role> roles;
    std::uint8_t others = 0;
    while (!text.empty()) {
        const auto name = word();
        if (name == "closed") {
            others = closed_bit;
            continue;
        }
        const auto found = std::ranges::find(role_names, name);
        if (found == role_names.end()) return Error{Fault::invalid, std::string(name), "there is no such role"};
        roles.insert(static_cast<Role>(found - role_names.begin()));
    }
    return of_bits(in_network(roles).bits() | others);
}

std::string Standing::text() const {
    if (!is_of_network_) return "apart";
    std::string text = "network";
    for (std::size_t i = 0; i < role_names.size(); ++i)
        if (has(static_cast<Role>(i))) text += std::string(" ") + role_names[i];
    if (roles_ & closed_bit) text += " closed";
    return text;
}

}  // namespace topology
