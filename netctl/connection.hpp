// netctl's way to netd: each call is a connection of its own, so that an answer proves that one can be made now.
#pragma once

#include "netctl/trouble.hpp"

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

namespace netctl {

using std::chrono::milliseconds;

struct Endpoints {
    std::string control = "ipc:///run/netd/control";
    std::string events = "ipc:///run/netd/events";
};

using Answer = std::variant<nlohmann::json, Trouble>;

// A request that is under way; dropping it forgets the answer, and takes back nothing.
class Call {
public:
    Call(Call&& other) noexcept;
    Call& operator=(Call&& other) noexcept;
    ~Call();

    // Nothing if the time has passed without an answer: wait again. A netd that is not there is an answer.
    std::optional<Answer> wait(milliseconds most);

private:
    friend class Connections;
    struct Line;
    explicit Call(std::unique_ptr<Line> line);
    std::unique_ptr<Line> line_;
};

struct Heard {
    std::string topic = {};
    nlohmann::json event = {};
};

// Everything that netd says from now on.
class Subscription {
public:
    Subscription(Subscription&& other) noexcept;
    ~Subscription();

    // Nothing: the time has passed. Trouble: netd went away or never was there; the subscription stands and tells of
    // events again once netd is back.
    std::variant<std::monostate, Heard, Trouble> wait(milliseconds most);

private:
    friend class Connections;
    struct Line;
    explicit Subscription(std::unique_ptr<Line> line);
    std::unique_ptr<Line> line_;
};

// Lets that time pass before the next attempt to reach somebody who can't be waited for.
void pause(milliseconds time);

class Connections {
public:
    explicit Connections(Endpoints endpoints);
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    Call begin(const std::string& method, const nlohmann::json& params, Asked asked = Asked::reading);
    Answer call(const std::string& method, const nlohmann::json& params, milliseconds most, Asked asked = Asked::reading);
    Subscription subscribe();

    struct Context;

private:
    Endpoints endpoints_;
    std::unique_ptr<Context> context_;
};

}  // namespace netctl
