// A value or the reason why there is none: the only way a function of this house says no.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace topology {

// Decides what the caller may do next: ask differently, wait, look again, or give up.
enum class Fault { invalid, not_found, conflict, busy, lost_sync, denied, timeout, backend };

constexpr std::string_view name_of(Fault fault) {
    constexpr std::string_view names[] = {"invalid",   "not_found", "conflict", "busy",
                                          "lost_sync", "denied",    "timeout",  "backend"};
    return names[static_cast<int>(fault)];
}

struct Error {
    Fault fault = Fault::backend;
    std::string subject = {};  // the thing it is about, as the operator knows it
    std::string what = {};     // one sentence for the operator

    bool operator==(const Error&) const = default;
};

// What is wrong, and with what.
inline std::string sentence(const Error& error) { return error.subject.empty() ? error.what : error.subject + ": " + error.what; }

// The same error, told of the thing that the caller was working on.
inline Error about(std::string_view subject, Error error) {
    if (error.subject.empty()) error.subject = subject;
    else if (error.subject != subject) error.subject = std::string(subject) + ": " + error.subject;
    return error;
}

template <class T = void>
class [[nodiscard]] Result {
public:
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return held_.index() == 0; }
    T& operator*() & { return std::get<0>(held_); }
    const T& operator*() const& { return std::get<0>(held_); }
    T&& operator*() && { return std::get<0>(std::move(held_)); }
    T* operator->() { return &std::get<0>(held_); }
    const T* operator->() const { return &std::get<0>(held_); }
    const Error& error() const { return std::get<1>(held_); }

private:
    std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : held_(std::move(error)) {}

    explicit operator bool() const { return held_.index() == 0; }
    const Error& error() const { return std::get<1>(held_); }

private:
    std::variant<std::monostate, Error> held_;
};

// How far a batch of changes came. What fails does not stop what follows in the same batch (the kernel works that way).
struct Progress {
    std::size_t done = 0;               // changes that were carried out whole
    std::optional<Error> stopped = {};  // the first "no", in the backend's own words, with the subject's name
};

}  // namespace topology
