// See batch.hpp.
#include "bridges/batch.hpp"

namespace bridges {

std::string subject_of(const Op& op) {
    return std::visit(
        []<class Change>(const Change& change) {
            const auto& resource = [&]() -> const auto& {
                if constexpr (requires { change.now; }) return change.now;
                else return change.was;
            }();
            if constexpr (std::same_as<std::decay_t<decltype(resource)>, Link>) return resource.name.text();
            else return describe(resource);
        },
        op);
}

void Batch::add(std::size_t change, Message message, std::set<int> fine) {
    messages_.push_back(std::move(message));
    purposes_.push_back({change, std::move(fine)});
}

void Batch::refuse(std::size_t change, Error error) {
    if (!refused_[change]) refused_[change] = std::move(error);
}

void Batch::run(RequestSocket& socket, const std::function<void()>& between) {
    run([&](const std::vector<Message>& messages) { return socket.exchange(messages, {}, between); });
}

void Batch::run(const std::function<Result<std::vector<Answer>>(std::vector<Message>)>& send) {
    const auto purposes = std::exchange(purposes_, {});
    if (purposes.empty()) return;
    const auto answers = send(std::exchange(messages_, {}));
    for (std::size_t i = 0; i < purposes.size(); ++i) {
        if (!answers) {
            refuse(purposes[i].change, answers.error());
            continue;
        }
        const Answer& answer = (*answers)[i];
        if (answer.code && !purposes[i].fine.contains(answer.code)) refuse(purposes[i].change, refusal(answer));
    }
}

Progress Batch::progress(const std::function<std::string(std::size_t)>& subject) const {
    Progress progress;
    for (std::size_t change = 0; change < refused_.size(); ++change) {
        if (!refused_[change]) ++progress.done;
        else if (!progress.stopped) progress.stopped = about(subject(change), *refused_[change]);
    }
    return progress;
}

}  // namespace bridges
