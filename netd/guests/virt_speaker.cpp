// A guest that can't be made to speak will do so by itself, sooner or later; nobody waits for it.
#include "netd/guests/virt_handles.hpp"
#include "netd/guests/virt_worker.hpp"

#include <poll.h>

namespace guests {
namespace {

void announce(virConnect* connection, const std::string& name) {
    constexpr const char* command =
        R"({"execute":"announce-self","arguments":{"initial":20,"max":500,"rounds":5,"step":100}})";
    const DomainPtr domain(virt().virDomainLookupByName(connection, name.c_str()));
    if (!domain) return;
    char* answered = nullptr;
    virt().virDomainQemuMonitorCommand(domain.get(), command, &answered, 0);
    const TextPtr answer(answered);
}

}  // namespace

void speak(const std::shared_ptr<Desk>& desk) {
    for (bool is_over = false; !is_over;) {
        pollfd waiting{desk->speeches->descriptor(), POLLIN, 0};
        ::poll(&waiting, 1, -1);
        Speech all;
        for (const Speech& speech : desk->speeches->take()) {
            is_over = is_over || speech.empty();
            all.insert(speech.begin(), speech.end());
        }
        const ConnectionPtr connection(is_over || all.empty() ? nullptr : virt().virConnectOpen(desk->uri.c_str()));
        if (!connection) continue;
        for (const std::string& domain : all) announce(connection.get(), domain);
    }
    desk->silent.set_value();
}

}  // namespace guests
