// `try -- CMD`: a program decides whether a change is good, and a change that nobody found good is taken back.
#include "netctl/answer.hpp"
#include "netctl/apply.hpp"
#include "netctl/setup.hpp"
#include "netctl/text.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

namespace netctl {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr milliseconds a_look{100};

// While CMD runs, Ctrl-C is meant for it; we stay to tell how the change ended.
class InterruptsLeftToOthers {
public:
    InterruptsLeftToOthers() : before_(std::signal(SIGINT, SIG_IGN)) {}
    ~InterruptsLeftToOthers() { std::signal(SIGINT, before_); }
    InterruptsLeftToOthers(const InterruptsLeftToOthers&) = delete;
    InterruptsLeftToOthers& operator=(const InterruptsLeftToOthers&) = delete;

private:
    void (*before_)(int);
};

class Program {
public:
    explicit Program(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        posix_spawnattr_t attributes;
        sigset_t as_usual;
        sigemptyset(&as_usual);
        sigaddset(&as_usual, SIGINT);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &as_usual);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        failed_ = posix_spawnp(&pid_, arguments[0], nullptr, &attributes, arguments.data(), environ);
        posix_spawnattr_destroy(&attributes);
    }

    // How it ended, in words: "" is success. Nothing while it runs.
    std::optional<std::string> ending() {
        if (failed_ != 0) return fmt::format("it can't be started: {}", std::strerror(failed_));
        if (ending_) return ending_;
        int status = 0;
        if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
        if (WIFSIGNALED(status)) ending_ = fmt::format("signal {} ended it", WTERMSIG(status));
        else ending_ = WEXITSTATUS(status) == 0 ? "" : fmt::format("it ended with {}", WEXITSTATUS(status));
        return ending_;
    }

private:
    pid_t pid_ = -1;
    int failed_ = 0;
    std::optional<std::string> ending_;
};

// The change stands and waits for its confirmation; or it is over already.
std::optional<Answer> wait_until_made(Setup& setup, Clock::time_point deadline) {
    while (Clock::now() < deadline) {
        if (auto answer = setup.wait(a_look)) return answer;
        if (setup.phase() == Phase::waits_for_confirmation) return std::nullopt;
    }
    return Trouble{Exit::timeout, "netd did not finish the change", "netctl status"};
}

// CMD's judgement; while it thinks, the change may come to its end by itself.
std::string judge(Program& program, Setup& setup, std::optional<Answer>& ending) {
    for (;;) {
        if (auto judgement = program.ending()) return *judgement;
        if (ending) pause(a_look);
        else ending = setup.wait(a_look);
    }
}

Answer wait_for_end(Setup& setup, bool good, Clock::time_point deadline) {
    while (Clock::now() < deadline) {
        if (good) (void)setup.confirm();  // a refusal shows in how the change ends
        if (auto answer = setup.wait(milliseconds(500))) return std::move(*answer);
    }
    return Trouble{Exit::timeout, "netd did not say how the change ended", "netctl status"};
}

bool is_unchanged(const Answer& answer) {
    const auto* result = std::get_if<json>(&answer);
    return result && !flag_at(*result, "changed", true);
}

// The end of a change that CMD has judged.
Exit report(const Answer& ending, const std::string& judgement, const Planned& planned, Session& session) {
    const auto name = in_quotes("CMD");
    if (const auto* trouble = std::get_if<Trouble>(&ending)) {
        if (trouble->exit != Exit::rolled_back) return session.screen.fail(*trouble, planned.definitions.source);
        const auto why = judgement.empty() ? trouble->what : fmt::format("{}: {}; it was taken back", name, judgement);
        return session.screen.fail({Exit::rolled_back, why, "netctl status", trouble->code}, {});
    }
    if (!judgement.empty()) {
        const auto stays = is_unchanged(ending) ? "nothing had to be changed" : "but somebody else confirmed the change, and it stays";
        return session.screen.fail({Exit::failed, fmt::format("{}: {}; {}", name, judgement, stays)});
    }
    return report_success(std::get<json>(ending), planned, session);
}

}  // namespace

Exit run(const Try& wish, Session& session) {
    auto read = read_definitions(wish.file);
    if (const auto* trouble = std::get_if<Trouble>(&read)) return session.screen.fail(*trouble, source_of(wish.file));
    Planned planned{std::move(std::get<Definitions>(read))};
    set_fate(planned.definitions, wish.commit, wish.confirm_within);
    auto& options = planned.definitions.params["options"];
    options["connectivityCheck"] = true;

    if (option(planned.definitions, "dryRun", false))
        return session.screen.fail({Exit::rejected, "the file asks for a dry run, of which CMD can see nothing", "netctl plan -f " + printable(wish.file)});

    auto plan = ask_plan(planned.definitions, session);
    if (const auto* trouble = std::get_if<Trouble>(&plan)) return session.screen.fail(*trouble, planned.definitions.source);
    planned.plan = std::move(std::get<json>(plan));

    const auto deadline = Clock::now() + longest(options);
    Setup setup(session, planned.definitions.params);
    auto ending = wait_until_made(setup, deadline);
    if (ending && !is_unchanged(*ending)) return report(*ending, "", planned, session);

    const InterruptsLeftToOthers while_it_runs;
    Program program(wish.command);
    const auto judgement = judge(program, setup, ending);
    if (!ending && !judgement.empty()) setup.roll_back();
    if (!ending) ending = wait_for_end(setup, judgement.empty(), deadline);
    return report(*ending, judgement, planned, session);
}

}  // namespace netctl
