// `definitions`: what the host shall be, as a file that `apply` takes and a person changes.
#include "netctl/answer.hpp"
#include "netctl/verbs.hpp"

namespace netctl {

// What netd tells beside them, as the number of a change that waits, is left out: a file may not have it.
Exit run(const Defined& wish, Session& session) {
    using nlohmann::json;
    const auto answer = session.netd.call("Host.getRunningConfig", json{{"which", wish.committed ? "committed" : "running"}}, session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    const auto& told = std::get<json>(answer);
    const json file = {{"networks", object_at(told, "networks")}, {"bondings", object_at(told, "bondings")}};
    if (session.screen.wants_json()) session.screen.document(file);
    else session.screen.line(file.dump(2, ' ', true, json::error_handler_t::replace));
    return Exit::done;
}

}  // namespace netctl
