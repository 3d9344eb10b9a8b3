// A file descriptor with exactly one owner, so that no path out of a function leaks it.
#pragma once

#include <unistd.h>
#include <utility>

namespace loop {

// Descriptors are born CLOEXEC by whoever opens them; this only makes sure that they are closed once.
class Fd {
public:
    Fd() = default;
    explicit Fd(int number) : number_(number) {}
    Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Fd() { close(); }

    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }

private:
    void close() {
        // The descriptor is gone whatever close() says on Linux; what was written is checked by fsync, not here.
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

    int number_ = -1;
};

}  // namespace loop
