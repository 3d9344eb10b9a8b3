// A step in words that an administrator understands at night.
#include "netd/plan/plan.hpp"

#include "topology/compare.hpp"

namespace plan {
namespace {

template <class R>
std::string words(const topology::Create<R>& op) {
    return "create " + describe(op.now);
}
template <class R>
std::string words(const topology::Remove<R>& op) {
    return "remove " + describe(op.was);
}
// What comes with another change, as the flags of a bridge's new port do, and is as everybody takes for granted.
bool goes_without_saying(const topology::Difference& difference) {
    return (difference.attribute == "isolated" && difference.found == "none" && difference.wanted == "false") ||
           (difference.attribute == "flags" && difference.found == difference.wanted);
}

template <class R>
std::string words(const topology::Update<R>& op) {
    std::string text = "change " + describe(op.was) + ":";
    const char* separator = " ";
    for (const auto& difference : topology::differences(op.now, op.was)) {
        if (goes_without_saying(difference)) continue;
        text += separator + difference.attribute + " " + difference.found + " becomes " + difference.wanted;
        separator = ", ";
    }
    return text;
}

template <class R> std::string name(const topology::Create<R>& op) { return op.now.key().text(); }
template <class R> std::string name(const topology::Update<R>& op) { return op.now.key().text(); }
template <class R> std::string name(const topology::Remove<R>& op) { return op.was.key().text(); }

}  // namespace

std::string describe(const Op& op) {
    return std::visit([](const auto& backend) { return std::visit([](const auto& change) { return words(change); }, backend); }, op);
}

std::string subject(const Op& op) {
    return std::visit([](const auto& backend) { return std::visit([](const auto& change) { return name(change); }, backend); }, op);
}

}  // namespace plan
