// See unlearning.hpp.
#include "ovs-driver/unlearning.hpp"

namespace ovs {
namespace {

constexpr const char *a_round = "revalidator/wait", *forget = "fdb/flush";

}  // namespace

Unlearning::Unlearning(const std::string& folder, const topology::IfName& bridge)
    : steps_{Vswitchd(folder, a_round), Vswitchd(folder, a_round), Vswitchd(folder, forget, bridge.text())} {
    steps_[step_].ask();
}

bool Unlearning::run() {
    for (steps_[step_].run(); steps_[step_].has_answered(); steps_[step_].ask())
        if (++step_ == steps_.size()) return true;
    return false;
}

void Unlearning::wait() const { steps_[step_].wait(); }

}  // namespace ovs
