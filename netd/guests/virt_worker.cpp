// A hint costs one look at one domain; what is asked is answered after a look, so that who asked sees what came of it.
#include "netd/guests/virt_worker.hpp"

#include "netd/guests/virt_session.hpp"
#include "netd/loop/pause.hpp"
#include "netd/loop/thread.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace guests {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_pause{5}, pause_after_refusal{30};
// QEMU answers within milliseconds. Longer than the pause between two looks: what is silent at both is one and the same question.
constexpr std::chrono::milliseconds longest_silence{1500}, first_look{2000}, between_looks{1000};
constexpr std::size_t most_hands = 10;  // libvirtd has 20 for all that call it

Result<> carry_out(const Session& session, const Task& what, const State& known) {
    if (const auto* op = std::get_if<Op>(&what)) return session.carry_out(*op);
    if (const auto* key = std::get_if<Nic::Key>(&what)) return session.ask_to_let_go(*key, known);
    return session.may_change(std::get<MayChange>(what).domain);
}

Done carry_out(std::shared_ptr<const Session> session, const std::string& uri, const Task& what, const State& known) {
    if (!session) {
        auto opened = Session::open(uri);
        if (!opened) return {{}, opened.error(), nullptr};
        session = std::make_shared<const Session>(std::move(*opened));
    }
    Result<> done = carry_out(*session, what, known);
    return {{}, std::move(done), std::move(session)};
}

Error no_answer(const std::string& domain) { return {Fault::timeout, "domain " + domain, "nothing is heard of it: its QEMU, or libvirt, stands still"}; }

// What is being done about a domain.
struct Hand {
    std::uint64_t number = 0;
    Deadline deadline, look_again;
    bool was_silent = false, is_given_up = false;
};

class Worker {
public:
    explicit Worker(std::shared_ptr<Desk> desk) : desk_(std::move(desk)) {}

    void run() {
        while (!stopping_) {
            if (!session_ && Clock::now() >= next_attempt_) connect();
            const Deadline due = session_ ? std::min(offers_again_, Clock::now() + (has_hints() ? longest_pause : std::chrono::hours(1))) : next_attempt_;
            await_errand(std::min(due, next_to_give_up()));
            for (Errand& errand : desk_->errands->take())
                if (!stopping_) std::visit([this](auto& one) { take(one); }, errand);
            give_up();
            offer();
            look_where_hinted();
        }
    }

private:
    void await_errand(Deadline until) const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd waiting{desk_->errands->descriptor(), POLLIN, 0};
        ::poll(&waiting, 1, static_cast<int>(std::clamp<long>(left, 0, 3'600'000)));
    }

    void connect() {
        // The desk is weakly known there: libvirt may hold its callbacks longer than anybody needs them.
        const std::weak_ptr<Desk> desk = desk_;
        const auto push = [desk](Errand errand) { if (const auto there = desk.lock()) there->errands->push(std::move(errand)); };
        auto opened = Session::open(desk_->uri, {[push](const std::string& domain) { push(Look{domain}); }, [push](const std::string& network) { push(Withdrawn{network}); }, [push] { push(Lost{}); }});
        if (!opened) return fail(opened.error());
        session_ = std::move(*opened);
        auto looked = session_->look(state_);
        if (!looked) return fail(looked.error());
        state_ = std::move(*looked);
        looked_ = asked_;
        pause_.end();
        trouble_.clear();
        standing_offers_ = {};
        offers_due_ = offers_.has_value();
        tell();
    }

    void fail(const Error& error) {
        session_.reset();
        idle_.clear();
        next_attempt_ = Clock::now() + pause_.lengthen();
        if (trouble_ == error.what) return;
        trouble_ = error.what;
        tell();
    }

    void tell(std::optional<Answer> answer = {}) {
        News news{session_.has_value(), state_, trouble_.empty() ? offering_ : trouble_, std::move(answer), looked_};
        desk_->news->push(std::move(news));
    }

    // Of several lists only the last counts, and whoever waits for an answer has it first.
    void offer() {
        if (Clock::now() >= offers_again_) offers_due_ = true;
        if (!session_ || !std::exchange(offers_due_, false)) return;
        const std::string before = offering_;
        const auto offered = session_->offer(*offers_, standing_offers_);
        offers_again_ = offered ? Deadline::max() : Clock::now() + pause_after_refusal;  // nobody tells that what was in the way is gone
        standing_offers_ = offered ? *offers_ : Offers();
        offering_ = offered ? std::string() : sentence(offered.error());
        if (offering_ != before) tell();
    }

    void take(Look& look) {
        asked_ = std::max(asked_, look.number);
        if (look.domain.empty()) all_hinted_ = true;
        else hinted_.insert(look.domain);
    }
    void take(std::vector<Offer>& offers) {
        offers_.emplace();
        for (Offer& one : offers) offers_->put(std::move(one));
        offers_due_ = true;
    }
    // Whoever undoes it each time is not answered at once each time. Where nothing was to be offered yet, nothing is again.
    // It may be there again by then, and be another one.
    void take(Withdrawn& withdrawn) {
        standing_offers_.erase(Text{withdrawn.network});
        if (offers_) offers_again_ = std::min(offers_again_, Clock::now() + longest_pause);
    }
    void take(Lost&) {
        if (session_) fail({Fault::backend, "libvirt", "the connection to libvirt is gone"});
    }
    void take(Stop&) { stopping_ = true; }

    void take(Deed& deed) {
        const std::string domain = domain_of(deed);
        if (!session_) return tell(Answer{deed.number, Error{Fault::backend, "domain " + domain, "libvirt does not answer: " + trouble_}});
        if (Clock::now() >= deed.deadline) return tell(Answer{deed.number, Error{Fault::timeout, "domain " + domain, "libvirt did not come to it in time"}});
        if (hands_.contains(domain)) return tell(Answer{deed.number, no_answer(domain)});
        if (hands_.size() >= most_hands) return tell(Answer{deed.number, Error{Fault::timeout, "libvirt", fmt::format("{} domains do not answer it", hands_.size())}});
        auto hand = loop::start_thread([session = an_idle_one(), uri = desk_->uri, desk = std::weak_ptr(desk_), what = std::move(deed.what), known = state_, domain] {
            Done done = carry_out(session, uri, what, known);
            done.domain = domain;
            if (const auto there = desk.lock()) there->errands->push(std::move(done));
        });
        if (!hand) return tell(Answer{deed.number, Error{Fault::backend, "domain " + domain, "no thread to ask it: " + hand.error().what}});
        hand->detach();
        hands_[domain] = {deed.number, deed.deadline, Clock::now() + first_look};
    }
    void take(Done& done) {
        const Hand hand = hands_.extract(done.domain).mapped();
        if (session_ && done.session) idle_.push_back(std::move(done.session));
        if (session_)
            if (auto looked = session_->look_at(done.domain, state_); !looked && done.result) done.result = looked;
        tell(Answer{hand.number, std::move(done.result)});
    }

    // Or none, and the hand opens one.
    std::shared_ptr<const Session> an_idle_one() {
        while (!idle_.empty()) {
            auto one = std::move(idle_.back());
            idle_.pop_back();
            if (one->is_alive()) return one;
        }
        return nullptr;
    }

    // Who asked is answered; what he asked for may come to pass all the same.
    void give_up() {
        for (auto& [domain, hand] : hands_) {
            if (hand.is_given_up || (Clock::now() < hand.deadline && !is_silent(domain, hand))) continue;
            hand.is_given_up = true;
            tell(Answer{hand.number, no_answer(domain)});
        }
    }
    // Seen twice: where the machine stood still, and QEMU with it, it has had a second to answer in.
    bool is_silent(const std::string& domain, Hand& hand) const {
        if (Clock::now() < hand.look_again) return false;
        const bool is_now = session_ && session_->silence(domain) >= longest_silence;
        hand.look_again = Clock::now() + between_looks;
        return std::exchange(hand.was_silent, is_now) && is_now;
    }
    Deadline next_to_give_up() const {
        Deadline next = Deadline::max();
        for (const auto& [domain, hand] : hands_)
            if (!hand.is_given_up) next = std::min({next, hand.deadline, hand.look_again});
        return next;
    }

    static const std::string& domain_of(const Deed& deed) {
        if (const auto* key = std::get_if<Nic::Key>(&deed.what)) return key->domain;
        if (const auto* question = std::get_if<MayChange>(&deed.what)) return question->domain;
        return std::visit([](const auto& op) -> const std::string& {
            if constexpr (requires { op.now; }) return op.now.domain;
            else return op.was.domain;
        }, std::get<Op>(deed.what));
    }

    bool has_hints() const { return all_hinted_ || !hinted_.empty(); }

    void look_at_all() {
        auto looked = session_->look(state_);
        if (!looked) return;
        state_ = std::move(*looked);
        hinted_.clear();
        all_hinted_ = false;
        looked_ = asked_;
    }

    void look_where_hinted() {
        if (!session_ || !has_hints()) return;
        const State before = state_;
        const std::uint64_t looked_before = looked_;
        if (all_hinted_) look_at_all();
        // Where the look fails the hint stays, for a later one.
        std::erase_if(hinted_, [this](const std::string& domain) { return static_cast<bool>(session_->look_at(domain, state_)); });
        if (!(state_ == before) || looked_ != looked_before) tell();
    }

    std::shared_ptr<Desk> desk_;
    std::optional<Session> session_;
    std::map<std::string, Hand> hands_;                 // by domain
    std::vector<std::shared_ptr<const Session>> idle_;  // of hands that are done
    State state_;
    std::optional<Offers> offers_;
    Offers standing_offers_;  // that libvirt has taken on in this session
    bool offers_due_ = false;
    std::set<std::string> hinted_;
    bool all_hinted_ = false, stopping_ = false;
    std::uint64_t asked_ = 0, looked_ = 0;
    std::string trouble_, offering_;
    Deadline next_attempt_ = {}, offers_again_ = Deadline::max();
    loop::Pause pause_{std::chrono::milliseconds(250), longest_pause};
};

}  // namespace

void work(const std::shared_ptr<Desk>& desk) {
    Worker(desk).run();
    desk->closed.set_value();
}

}  // namespace guests
