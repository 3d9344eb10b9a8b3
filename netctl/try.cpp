// `try`: a program, or a person, decides whether a change is good, and a change that nobody found good is taken back.
#include "netctl/answer.hpp"
#include "netctl/apply.hpp"
#include "netctl/setup.hpp"
#include "netctl/text.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char** environ;

namespace netctl {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr milliseconds a_look{100};

bool is_program(const std::string& path) {
    struct stat found = {};
    return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && access(path.c_str(), X_OK) == 0;
}

// By its path, or as posix_spawnp() looks for it.
bool can_be_found(const std::string& command) {
    if (command.find('/') != command.npos) return is_program(command);
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/bin:/usr/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (is_program((folder.empty() ? "." : folder) + "/" + command)) return true;
    return false;
}

// Nothing if somebody is there who can judge; found out before anything is changed.
std::optional<Trouble> lack_of_a_judge(const Try& wish) {
    if (wish.command.empty()) {
        const bool is_there = isatty(STDIN_FILENO) == 1 && wish.file != "-";  // who typed the file has closed his input
        return is_there ? std::nullopt : std::optional(Trouble{Exit::usage, "nobody is here to ask, so CMD is due", "netctl try --help"});
    }
    const auto& command = wish.command.front();
    return can_be_found(command) ? std::nullopt : std::optional(Trouble{Exit::usage, fmt::format("there is no program {}, so nothing was changed", in_quotes(command))});
}

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
std::optional<Answer> wait_until_made(Setup& setup) {
    while (Clock::now() < setup.deadline()) {
        if (auto answer = setup.wait(a_look)) return answer;
        if (setup.phase() == Phase::waits_for_confirmation) return std::nullopt;
    }
    return Trouble{Exit::timeout, "netd did not finish the change", "netctl status"};
}

// What is wrong with the change in CMD's judgement, "" if nothing is; while it thinks, the change may come to its end by itself.
std::string judgement_of(const std::vector<std::string>& command, Setup& setup, std::optional<Answer>& ending) {
    Program program(command);
    for (;;) {
        if (const auto judgement = program.ending()) return judgement->empty() ? "" : fmt::format("{}: {}", in_quotes(command.front()), *judgement);
        if (ending) pause(a_look);
        else ending = setup.wait(a_look);
    }
}

// The same of a person. A yes that comes by the network proves the way to be there; what was typed before the question does not.
std::string judgement_of_person(Setup& setup, std::optional<Answer>& ending) {
    tcflush(STDIN_FILENO, TCIFLUSH);
    fmt::print(stderr, "It stands. Keep it? [y/N] ");
    for (pollfd person{STDIN_FILENO, POLLIN, 0}; !ending; ending = setup.wait(a_look))
        if (poll(&person, 1, 0) > 0) return person_says_yes() ? "" : "it is not wanted";
    fmt::print(stderr, "\n");
    return {};
}

Answer wait_for_end(Setup& setup, bool good) {
    while (Clock::now() < setup.deadline()) {
        if (good) (void)setup.confirm();  // a refusal shows in how the change ends
        if (auto answer = setup.wait(milliseconds(500))) return std::move(*answer);
    }
    return Trouble{Exit::timeout, "netd did not say how the change ended", "netctl status"};
}

bool is_unchanged(const Answer& answer) {
    const auto* result = std::get_if<json>(&answer);
    return result && !flag_at(*result, "changed", true);
}

// The end of a change that was judged.
Exit report(const Answer& ending, const std::string& judgement, const Planned& planned, Session& session) {
    if (const auto* trouble = std::get_if<Trouble>(&ending)) {
        if (trouble->exit != Exit::rolled_back) return session.screen.fail(*trouble, planned.definitions.source);
        const auto why = judgement.empty() ? trouble->what : judgement + "; it was taken back";
        return session.screen.fail({Exit::rolled_back, why, "netctl status", trouble->code}, {});
    }
    if (!judgement.empty()) {
        const auto stays = is_unchanged(ending) ? "nothing had to be changed" : "but somebody else confirmed the change, and it stays";
        return session.screen.fail({Exit::failed, fmt::format("{}; {}", judgement, stays)});
    }
    return report_success(std::get<json>(ending), planned, session);
}

}  // namespace

Exit run(const Try& wish, Session& session) {
    if (const auto lack = lack_of_a_judge(wish)) return session.screen.fail(*lack);
    auto read = read_definitions(wish.file);
    if (const auto* trouble = std::get_if<Trouble>(&read)) return session.screen.fail(*trouble, source_of(wish.file));
    Planned planned{std::move(std::get<Definitions>(read))};
    set_fate(planned.definitions, wish.commit, wish.confirm_within);
    auto& options = planned.definitions.params["options"];
    options["connectivityCheck"] = true;

    if (option(planned.definitions, "dryRun", false))
        return session.screen.fail({Exit::rejected, "the file asks for a dry run, which leaves nothing to judge", "netctl plan -f " + printable(wish.file)});

    auto plan = ask_plan(planned.definitions, session);
    if (const auto* trouble = std::get_if<Trouble>(&plan)) return session.screen.fail(*trouble, planned.definitions.source);
    planned.plan = std::move(std::get<json>(plan));

    Setup setup(session, planned.definitions.params);
    auto ending = wait_until_made(setup);
    const bool asks_person = wish.command.empty();
    if (ending && (asks_person || !is_unchanged(*ending))) return report(*ending, "", planned, session);

    std::optional<InterruptsLeftToOthers> while_it_runs;
    if (!asks_person) while_it_runs.emplace();
    const auto judgement = asks_person ? judgement_of_person(setup, ending) : judgement_of(wish.command, setup, ending);
    if (!ending && !judgement.empty()) setup.roll_back();
    if (!ending) ending = wait_for_end(setup, judgement.empty());
    return report(*ending, judgement, planned, session);
}

}  // namespace netctl
