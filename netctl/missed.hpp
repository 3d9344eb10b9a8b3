// Which events did not reach us, found by the holes in their numbers.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace netctl {

class Missed {
public:
    // What happened between the last event and this one, in words; "" if nothing is missing.
    std::string before(const nlohmann::json& event);

private:
    std::optional<std::uint64_t> last_ = {};
    std::string boot_ = {};  // numbers of another run of netd begin anew
};

}  // namespace netctl
