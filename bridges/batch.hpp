// The requests of many changes as one conversation: each request belongs to a change, and a refusal is that change's.
#pragma once

#include "bridges/kernel.hpp"
#include "bridges/nl_socket.hpp"

#include <set>

namespace bridges {

// What the change is about, for people.
std::string subject_of(const Op& op);

class Batch {
public:
    explicit Batch(std::size_t changes) : refused_(changes) {}

    // `fine`: errnos that mean that it is so already.
    void add(std::size_t change, Message message, std::set<int> fine = {});

    // The first "no" to a change counts.
    void refuse(std::size_t change, Error error);
    bool is_refused(std::size_t change) const { return refused_[change].has_value(); }

    // Sends what was added since the last time.
    void run(RequestSocket& socket, const std::function<void()>& between);

    // The same by another way of sending.
    void run(const std::function<Result<std::vector<Answer>>(std::vector<Message>)>& send);

    // Names the changes that were refused by `subject(change)`.
    Progress progress(const std::function<std::string(std::size_t)>& subject) const;

private:
    struct Purpose {
        std::size_t change;
        std::set<int> fine;
    };
    std::vector<Message> messages_;
    std::vector<Purpose> purposes_;
    std::vector<std::optional<Error>> refused_;
};

}  // namespace bridges
