// netctl: reads the line, does the one verb in it, and ends with a number that scripts can rely on.
#include "netctl/options.hpp"
#include "netctl/verbs.hpp"

int main(int count, char** words) {
    using namespace netctl;
    const auto read = read_options(count, words);
    if (const auto* ending = std::get_if<Exit>(&read)) return number(*ending);
    const auto& invocation = std::get<Invocation>(read);

    Screen screen(invocation.json, invocation.quiet, invocation.color);
    Connections netd(invocation.endpoints);
    Session session{netd, screen, invocation.timeout.value_or(std::chrono::seconds(10))};
    const auto ending = std::visit([&session](const auto& wish) { return run(wish, session); }, invocation.verb);
    if (!screen.flush() && ending == Exit::done) {
        screen.complain("standard output could not be written");
        return number(Exit::failed);
    }
    return number(ending);
}
