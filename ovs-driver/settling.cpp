// See settling.hpp.
#include "ovs-driver/settling.hpp"

namespace ovs {
namespace {

constexpr const char *a_round = "revalidator/wait", *forget = "fdb/flush";

}  // namespace

Settling::Settling(const std::string& folder, const std::optional<topology::IfName>& taught)
    : steps_{Vswitchd(folder, a_round), Vswitchd(folder, a_round), Vswitchd(folder, forget, taught ? taught->text() : std::string_view())}, end_(taught ? 3 : 2) {
    steps_[step_].ask();
}

bool Settling::run() {
    for (steps_[step_].run(); steps_[step_].has_answered(); steps_[step_].ask())
        if (++step_ == end_) return true;
    return false;
}

void Settling::wait() const { steps_[step_].wait(); }

}  // namespace ovs
