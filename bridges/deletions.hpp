// Deletions of links, each on a thread of its own. The kernel tells that a link is gone within a millisecond or two, and
// answers whoever asked for it only after all that may still be looking at it have looked away: 15 ms and more, in which it
// holds no lock. Nobody has to wait for that.
#pragma once

#include "bridges/nl_handles.hpp"
#include "bridges/nl_socket.hpp"

#include <future>
#include <list>

namespace bridges {

class Deletions {
public:
    // Sends these, and waits until the kernel has answered or nothing is left to delete, whichever is first: the answers, 0
    // for what is not answered yet. `are_gone` is asked again whenever `notifications` is readable.
    Result<std::vector<Answer>> run(std::vector<Message> requests, int notifications, const std::function<bool()>& are_gone);

private:
    struct Deletion {
        Descriptor answered;  // readable when it is
        std::future<Result<std::vector<Answer>>> answers;
    };
    Result<std::list<Deletion>::iterator> begin(std::vector<Message> requests);

    std::list<Deletion> running_;
};

}  // namespace bridges
