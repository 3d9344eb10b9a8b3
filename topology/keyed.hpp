// An ordered set of resources by key whose versions share all that did not change, and the vocabulary of change.
//
// A Keyed is a value: copying it costs one pointer, changing one resource costs log n nodes, and comparing two versions
// costs what differs. Inside it is a treap whose shape follows from its keys alone, so that equal parts of two versions of
// it are found by their address. A node that several versions have is never changed; one that no other version has is
// changed where it is, so that of thousands of changes between two versions each costs next to nothing.
#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace topology {

// A resource knows its key: `Key key() const`, and a key is ordered and has a text() that tells it from all others.
template <class R>
concept Resource = requires(const R& resource) {
    { resource.key() <=> resource.key() } -> std::convertible_to<std::weak_ordering>;
    { resource.key().text() } -> std::convertible_to<std::string>;
};

// A resource may say that it is one of the few that somebody looks for: these are found without a walk over all others.
template <class R>
concept Notable = requires(const R& resource) {
    { resource.is_notable() } -> std::convertible_to<bool>;
};

template <class R>
class Keyed {
    struct Node;
    using Branch = std::shared_ptr<Node>;
    struct Node {
        std::shared_ptr<const R> held;
        std::size_t priority;
        Branch left, right;
        std::uint32_t size;
        bool has_notable;  // itself, or below it
    };

public:
    using Key = std::decay_t<decltype(std::declval<const R&>().key())>;

    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = R;
        using difference_type = std::ptrdiff_t;
        using pointer = const R*;
        using reference = const R&;
        Iterator() = default;
        explicit Iterator(const Node* root) { descend(root); }
        Iterator(const Node* root, const Key& key) {
            while (root)
                if (root->held->key() < key) root = root->right.get();
                else path_.push_back(root), root = root->left.get();
        }
        const R& operator*() const { return *path_.back()->held; }
        const R* operator->() const { return path_.back()->held.get(); }
        Iterator& operator++() {
            const Node* at = path_.back();
            path_.pop_back();
            descend(at->right.get());
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator& other) const {
            return path_.empty() ? other.path_.empty() : !other.path_.empty() && path_.back() == other.path_.back();
        }

    private:
        void descend(const Node* node) {
            for (; node; node = node->left.get()) path_.push_back(node);
        }
        std::vector<const Node*> path_;
    };

    Keyed() = default;
    Keyed(std::initializer_list<R> resources) {
        for (const R& resource : resources) put(resource);
    }

    std::size_t size() const { return count(root_); }
    bool empty() const { return !root_; }
    Iterator begin() const { return Iterator(root_.get()); }
    Iterator end() const { return {}; }
    // The first that is not below the key.
    Iterator from(const Key& key) const { return Iterator(root_.get(), key); }

    // The resource of that key, or null; valid as long as this version lives.
    const R* find(const Key& key) const {
        const Node* at = root_.get();
        while (at) {
            const auto order = key <=> at->held->key();
            if (order == 0) return at->held.get();
            at = order < 0 ? at->left.get() : at->right.get();
        }
        return nullptr;
    }
    bool contains(const Key& key) const { return find(key) != nullptr; }

    // Calls visit(resource) for every notable one, in order.
    template <class Visit>
        requires Notable<R>
    void each_notable(Visit&& visit) const {
        each_notable(root_.get(), visit);
    }

    // Adds the resource, or takes the place of the one with its key.
    void put(R resource) {
        auto held = std::make_shared<const R>(std::move(resource));
        const Key key = held->key();
        put(root_, std::move(held), std::hash<std::string>{}(key.text()), key);
    }

    // True if there was one to take away.
    bool erase(const Key& key) {
        if (!contains(key)) return false;
        erase(root_, key);
        return true;
    }

    bool operator==(const Keyed& other) const { return is_same(root_, other.root_); }

    // Calls visit(was, now) for every key whose resource differs, in order; was or now is null where there is none.
    template <class Visit>
    static void each_difference(const Keyed& was, const Keyed& now, Visit&& visit) {
        compare(was.root_, now.root_, visit);
    }

private:
    static std::uint32_t count(const Branch& branch) { return branch ? branch->size : 0; }
    static bool has_notable(const Branch& branch) { return branch && branch->has_notable; }
    static bool is_notable(const R& resource) {
        if constexpr (Notable<R>) return resource.is_notable();
        else return false;
    }

    template <class Visit>
    static void each_notable(const Node* node, Visit& visit) {
        if (!node || !node->has_notable) return;
        each_notable(node->left.get(), visit);
        if (is_notable(*node->held)) visit(*node->held);
        each_notable(node->right.get(), visit);
    }

    // For whoever changes it: the node itself where no other version has it, else a copy.
    static Node& own(Branch& branch) {
        if (branch.use_count() > 1) branch = std::make_shared<Node>(*branch);
        else std::atomic_thread_fence(std::memory_order_acquire);  // after all that another thread read in it before it let go
        return *branch;
    }
    static void recount(Node& node) {
        node.size = 1 + count(node.left) + count(node.right);
        node.has_notable = is_notable(*node.held) || has_notable(node.left) || has_notable(node.right);
    }

    static void put(Branch& at, std::shared_ptr<const R> held, std::size_t priority, const Key& key) {
        const auto order = at ? key <=> at->held->key() : std::weak_ordering::less;
        // The one of that key is outranked by all on the way to it.
        if (!at || priority > at->priority || (priority == at->priority && order < 0)) {
            auto [below, above] = split(std::move(at), key);
            at = std::make_shared<Node>(Node{std::move(held), priority, std::move(below), std::move(above), 1, false});
        } else {
            Node& here = own(at);
            if (order == 0) here.held = std::move(held);
            else put(order < 0 ? here.left : here.right, std::move(held), priority, key);
        }
        recount(*at);
    }

    static void erase(Branch& at, const Key& key) {
        const auto order = key <=> at->held->key();
        Node& here = own(at);
        if (order == 0) {
            at = join(std::move(here.left), std::move(here.right));
            return;
        }
        erase(order < 0 ? here.left : here.right, key);
        recount(here);
    }

    // What is below the key, which is not in it, and what is above.
    static std::pair<Branch, Branch> split(Branch tree, const Key& key) {
        if (!tree) return {};
        Node& here = own(tree);
        const bool is_above = key < here.held->key();
        auto [below, above] = split(std::move(is_above ? here.left : here.right), key);
        (is_above ? here.left : here.right) = std::move(is_above ? above : below);
        recount(here);
        if (is_above) return {std::move(below), std::move(tree)};
        return {std::move(tree), std::move(above)};
    }

    // Equal hashes are told apart by key, so that the shape never depends on the order of insertion.
    static bool outranks(const Node& a, const Node& b) {
        if (a.priority != b.priority) return a.priority > b.priority;
        return a.held->key() < b.held->key();
    }

    static Branch join(Branch below, Branch above) {
        if (!below) return above;
        if (!above) return below;
        const bool is_below = outranks(*below, *above);
        Node& top = own(is_below ? below : above);
        if (is_below) top.right = join(std::move(top.right), std::move(above));
        else top.left = join(std::move(below), std::move(top.left));
        recount(top);
        return std::move(is_below ? below : above);
    }

    // Trees of the same keys have the same shape.
    static bool is_same(const Branch& a, const Branch& b) {
        if (a == b) return true;
        if (count(a) != count(b)) return false;
        return (a->held == b->held || *a->held == *b->held) && is_same(a->left, b->left) && is_same(a->right, b->right);
    }

    template <class Visit>
    static void compare(const Branch& was, const Branch& now, Visit&& visit) {
        if (was == now) return;
        if (!now || (was && outranks(*was, *now))) {
            // The root of `was` outranks all of `now`, so `now` does not have it.
            auto [below, above] = split(now, was->held->key());
            compare(was->left, below, visit);
            visit(was->held.get(), static_cast<const R*>(nullptr));
            compare(was->right, above, visit);
        } else if (!was || outranks(*now, *was)) {
            auto [below, above] = split(was, now->held->key());
            compare(below, now->left, visit);
            visit(static_cast<const R*>(nullptr), now->held.get());
            compare(above, now->right, visit);
        } else {
            compare(was->left, now->left, visit);
            if (was->held != now->held && !(*was->held == *now->held)) visit(was->held.get(), now->held.get());
            compare(was->right, now->right, visit);
        }
    }

    Branch root_;
};

template <class R> struct Create { R now; bool operator==(const Create&) const = default; };
template <class R> struct Update { R was; R now; bool operator==(const Update&) const = default; };
template <class R> struct Remove { R was; bool operator==(const Remove&) const = default; };
template <class R> using Change = std::variant<Create<R>, Update<R>, Remove<R>>;

// Every change that leads from one version to the other.
template <class R>
std::vector<Change<R>> diff(const Keyed<R>& was, const Keyed<R>& now) {
    std::vector<Change<R>> changes;
    Keyed<R>::each_difference(was, now, [&](const R* before, const R* after) {
        if (!before) changes.push_back(Create<R>{*after});
        else if (!after) changes.push_back(Remove<R>{*before});
        else changes.push_back(Update<R>{*before, *after});
    });
    return changes;
}

}  // namespace topology
