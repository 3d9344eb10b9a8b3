// A plan, and complaints, as the client sees them.
#pragma once

#include "netd/intent/request.hpp"
#include "netd/plan/plan.hpp"
#include "netd/wire/json.hpp"

namespace wire {

// {steps: [{do, because, subject, stage}]}
nlohmann::json write_plan(const plan::Plan& plan);

// The first complaint in a sentence, and how many more there are.
std::string summary(const intent::Complaints& complaints);

}  // namespace wire
