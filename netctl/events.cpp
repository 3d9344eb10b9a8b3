// `events`: what netd tells, as it tells it, and what it told while we did not hear.
#include "netctl/answer.hpp"
#include "netctl/missed.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

Tone tone_of(std::string_view topic) {
    for (const auto bad : {"drift.found", "drift.contested", "network.down", "rolled-back", "degraded", "security.", "traffic."})
        if (topic.find(bad) != topic.npos) return Tone::bad;
    for (const auto good : {"committed", "repaired", "network.up"})
        if (topic.ends_with(good)) return Tone::good;
    return Tone::plain;
}

// "12:00:00.123Z" of "2026-01-31T12:00:00.123Z": the day is known to who follows, and a journal beside it may have another zone.
std::string clock_of(const json& event) {
    auto time = text_at(event, "time");
    if (const auto day = time.find('T'); day != time.npos) time.erase(0, day + 1);
    return time;
}

std::string line_of(const Heard& heard, const Screen& screen) {
    std::string rest;
    if (const auto subject = text_at(heard.event, "subject"); !subject.empty()) rest = " " + printable(subject);
    for (const auto& [name, value] : heard.event.items()) {
        const bool is_told = name == "seq" || name == "topicSeq" || name == "boot" || name == "time" ||
                             name == "event" || name == "revision" || name == "subject";
        if (!is_told) rest += fmt::format(" {}={}", printable(name), value.is_string() ? in_quotes(shown(value)) : printable(shown(value)));
    }
    return fmt::format("{} {}{}", screen.tint(printable(clock_of(heard.event)), Tone::dim),
                       screen.tint(printable(heard.topic), tone_of(heard.topic)), rest);
}

class Listener {
public:
    Listener(const Events& wish, Session& session) : wish_(wish), session_(session), heard_from_(session.netd.subscribe()) {}

    Exit listen() {
        const auto deadline = Clock::now() + session_.patience;
        while (wish_.follow || shown_ < wish_.count) {
            if (!wish_.follow && Clock::now() >= deadline)
                return session_.screen.fail({Exit::timeout, fmt::format("{} of {} events came in time", shown_, wish_.count), "--timeout 60s"});
            if (const auto ending = take(heard_from_.wait(milliseconds(500)))) return *ending;
        }
        return Exit::done;
    }

private:
    std::optional<Exit> take(std::variant<std::monostate, Heard, Trouble> what) {
        if (const auto* trouble = std::get_if<Trouble>(&what)) return miss(*trouble);
        const auto* heard = std::get_if<Heard>(&what);
        if (!heard) return std::nullopt;
        was_there_ = true;
        if (is_away_) session_.screen.remark("netd is back");
        is_away_ = false;
        if (auto words = missed_.before(heard->event); !words.empty()) session_.screen.complain(words);
        if (heard->topic.starts_with(wish_.topic)) show(*heard);
        if (session_.screen.flush()) return std::nullopt;
        return Exit::failed;  // nobody reads us any more
    }

    // Who follows goes on: the socket connects again by itself when netd is back.
    std::optional<Exit> miss(const Trouble& trouble) {
        const bool may_come_back = trouble.exit == Exit::not_running && wish_.follow && was_there_;
        if (!may_come_back) return session_.screen.fail(trouble);
        if (!is_away_) session_.screen.complain("netd went away; events go on when it is back");
        is_away_ = true;
        return std::nullopt;
    }

    void show(const Heard& heard) {
        ++shown_;
        if (session_.screen.wants_json()) session_.screen.json_line(heard.event);
        else session_.screen.line(line_of(heard, session_.screen));
    }

    const Events& wish_;
    Session& session_;
    Subscription heard_from_;
    Missed missed_;
    std::uint32_t shown_ = 0;
    bool was_there_ = false, is_away_ = false;
};

}  // namespace

Exit run(const Events& wish, Session& session) { return Listener(wish, session).listen(); }

}  // namespace netctl
