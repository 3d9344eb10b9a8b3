// `definitions`: what the host shall be, as a file that `apply` takes and a person changes.
#include "netctl/definitions.hpp"

#include "netctl/answer.hpp"
#include "netctl/verbs.hpp"

#include <map>

namespace netctl {

using nlohmann::json;

namespace {

std::string kind_of(const json& definition) {
    const std::string kind = text_at(definition, "switch");
    return kind.empty() ? "legacy" : kind;
}

}  // namespace

json of_kind(const json& definitions, const std::string& kind) {
    json networks = json::object(), bonds = json::object();
    std::map<std::string, std::string> kinds;  // of the networks on a bond, which are of one
    for (const auto& [name, network] : object_at(definitions, "networks").items()) {
        kinds.emplace(text_at(network, "bonding"), kind_of(network));
        if (kind_of(network) == kind) networks[name] = network;
    }
    for (const auto& [name, bond] : object_at(definitions, "bondings").items()) {
        const auto carried = kinds.find(name);
        if ((carried == kinds.end() ? kind_of(bond) : carried->second) == kind) bonds[name] = bond;
    }
    return {{"networks", networks}, {"bondings", bonds}};
}

// What netd tells beside them, as the number of a change that waits, is left out: a file may not have it.
Exit run(const Defined& wish, Session& session) {
    const auto answer = session.netd.call("Host.getRunningConfig", json{{"which", wish.committed ? "committed" : "running"}}, session.patience);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return session.screen.fail(*trouble);
    const auto& told = std::get<json>(answer);
    const json all = {{"networks", object_at(told, "networks")}, {"bondings", object_at(told, "bondings")}}, file = wish.kind.empty() ? all : of_kind(all, wish.kind);
    if (session.screen.wants_json()) session.screen.document(file);
    else session.screen.line(file.dump(2, ' ', true, json::error_handler_t::replace));
    return Exit::done;
}

}  // namespace netctl
