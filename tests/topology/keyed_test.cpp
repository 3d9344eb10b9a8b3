// Keyed against what everybody trusts: std::map for its content, and a count of what is looked at for its cost.
#include "topology/keyed.hpp"
#include "topology/names.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace keyed_test {

using namespace topology;

namespace {

// A resource that counts how often anybody asks for it.
struct Thing {
    struct Key {
        std::string name;
        auto operator<=>(const Key&) const = default;
        const std::string& text() const { return name; }
    };
    Key name;
    int value = 0;

    static inline int looks = 0;
    static inline int comparisons = 0;
    const Key& key() const {
        ++looks;
        return name;
    }
    bool operator==(const Thing& other) const {
        ++comparisons;
        return name == other.name && value == other.value;
    }
};

// One of few, or not.
struct Ball {
    Thing::Key name;
    bool is_red = false;
    const Thing::Key& key() const { return name; }
    bool is_notable() const { return is_red; }
    bool operator==(const Ball&) const = default;
};

// Keys with one text for all: every priority is equal, and only the order of the keys is left to give the shape.
struct Alike {
    struct Key {
        int number;
        auto operator<=>(const Key&) const = default;
        std::string text() const { return "same"; }
    };
    int number = 0;
    int value = 0;
    Key key() const { return {number}; }
    bool operator==(const Alike&) const = default;
};

using Model = std::map<std::string, int>;
struct Delta {
    std::string name;
    int was, now;  // -1 is "not there"
    bool operator==(const Delta&) const = default;
};

Thing thing(int number, int value = 0) { return {{"thing" + std::to_string(number)}, value}; }

std::vector<std::pair<std::string, int>> content(const Keyed<Thing>& keyed) {
    std::vector<std::pair<std::string, int>> all;
    for (const auto& each : keyed) all.emplace_back(each.name.name, each.value);
    return all;
}

std::vector<std::pair<std::string, int>> content(const Model& model) { return {model.begin(), model.end()}; }

std::vector<Delta> brute_force(const Model& was, const Model& now) {
    std::map<std::string, Delta> all;
    for (const auto& [name, value] : was) all[name] = {name, value, -1};
    for (const auto& [name, value] : now) all.try_emplace(name, Delta{name, -1, -1}).first->second.now = value;
    std::vector<Delta> different;
    for (const auto& [name, delta] : all) {
        if (delta.was != delta.now) different.push_back(delta);
    }
    return different;
}

std::vector<Delta> differences_of(const Keyed<Thing>& was, const Keyed<Thing>& now) {
    std::vector<Delta> different;
    Keyed<Thing>::each_difference(was, now, [&](const Thing* before, const Thing* after) {
        different.push_back({(before ? before : after)->name.name, before ? before->value : -1, after ? after->value : -1});
    });
    return different;
}

Keyed<Thing> many(int count) {
    Keyed<Thing> things;
    for (int i = 0; i < count; ++i) things.put(thing(i));
    return things;
}

}  // namespace

TEST_CASE("after any road of changes a Keyed is what a map would be") {
    const auto seed = GENERATE(range(1u, 6u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    Keyed<Thing> things;
    Model model;
    for (int step = 0; step < 4000; ++step) {
        const auto one = thing(static_cast<int>(random() % 300), static_cast<int>(random() % 4));
        if (random() % 3 == 0) {
            REQUIRE(things.erase(one.name) == (model.erase(one.name.name) == 1));
        } else {
            things.put(one);
            model[one.name.name] = one.value;
        }
        REQUIRE(things.size() == model.size());
        REQUIRE(things.contains(one.name) == model.contains(one.name.name));
        if (step % 50 == 0) REQUIRE(content(things) == content(model));
    }
    REQUIRE(content(things) == content(model));
    for (int i = 0; i < 300; ++i) {
        const auto* found = things.find(thing(i).name);
        const auto expected = model.find(thing(i).name.name);
        REQUIRE((found == nullptr) == (expected == model.end()));
        if (found) REQUIRE(found->value == expected->second);
    }
}

TEST_CASE("the difference of two versions is what brute force finds, in the order of the keys") {
    const auto seed = GENERATE(range(1u, 4u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<std::pair<Keyed<Thing>, Model>> versions(1);
    for (int step = 0; step < 1500; ++step) {
        auto [things, model] = versions[random() % versions.size()];
        for (auto i = random() % 12; i > 0; --i) {
            const auto one = thing(static_cast<int>(random() % 60), static_cast<int>(random() % 3));
            if (random() % 3 == 0) things.erase(one.name), model.erase(one.name.name);
            else things.put(one), model[one.name.name] = one.value;
        }
        versions.emplace_back(things, model);
        const auto& [other, other_model] = versions[random() % versions.size()];
        REQUIRE(differences_of(things, other) == brute_force(model, other_model));
        REQUIRE(differences_of(other, things) == brute_force(other_model, model));
        REQUIRE((things == other) == (model == other_model));
    }
}

TEST_CASE("a version does not see what happens after it") {
    std::mt19937 random(7);
    std::vector<std::pair<Keyed<Thing>, Model>> kept;
    Keyed<Thing> things;
    Model model;
    for (int step = 0; step < 1000; ++step) {
        const auto one = thing(static_cast<int>(random() % 100), step);
        if (step % 3 == 0) things.erase(one.name), model.erase(one.name.name);
        else things.put(one), model[one.name.name] = one.value;
        if (step % 20 == 0) kept.emplace_back(things, model);
    }
    for (const auto& [version, expected] : kept) REQUIRE(content(version) == content(expected));
}

TEST_CASE("a resource that was found stays where it is as long as its version lives") {
    Keyed<Thing> things = many(100);
    const Keyed<Thing> version = things;
    const Thing* found = version.find(thing(42).name);
    things.put(thing(42, 5));
    things.erase(thing(41).name);
    REQUIRE(*found == thing(42));
    REQUIRE(version.find(thing(42).name) == found);
}

TEST_CASE("what no other version has is changed where it is, and what one has is not") {
    const auto key = thing(42).name;
    Keyed<Thing> things = many(100);
    const auto alone = things.from(key);
    things.put(thing(42, 5));
    things.put(thing(100));
    REQUIRE(things.from(key) == alone);

    const Keyed<Thing> version = things;
    things.put(thing(42, 6));
    REQUIRE_FALSE(things.from(key) == version.from(key));
    REQUIRE(version.from(key) == alone);
    REQUIRE(version.find(key)->value == 5);

    // Of the other version's nodes only those on the way are copied; after that they are its own.
    const auto own = things.from(key);
    things.put(thing(42, 7));
    REQUIRE(things.from(key) == own);
    REQUIRE(things.find(key)->value == 7);
}

TEST_CASE("the same content is equal whatever the order it came in") {
    std::mt19937 random(3);
    std::vector<int> order(200);
    for (int i = 0; i < 200; ++i) order[static_cast<std::size_t>(i)] = i;
    const Keyed<Thing> straight = many(200);
    for (int round = 0; round < 20; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        Keyed<Thing> things;
        for (const int i : order) things.put(thing(i, 9));
        Thing::comparisons = 0;
        REQUIRE_FALSE(things == straight);
        CHECK(Thing::comparisons == 1);
        for (const int i : order) things.put(thing(i));
        things.put(thing(1000));
        REQUIRE_FALSE(things == straight);
        things.erase(thing(1000).name);
        REQUIRE(things == straight);
    }
}

TEST_CASE("keys whose texts collide are still told apart") {
    std::mt19937 random(5);
    std::map<int, int> model, other_model;
    Keyed<Alike> things, other;
    for (int step = 0; step < 600; ++step) {
        const int number = static_cast<int>(random() % 40), value = static_cast<int>(random() % 3);
        auto& keyed = step % 2 ? things : other;
        auto& map = step % 2 ? model : other_model;
        if (random() % 3 == 0) keyed.erase({number}), map.erase(number);
        else keyed.put({number, value}), map[number] = value;
        std::size_t different = 0;
        for (int i = 0; i < 40; ++i) {
            const auto here = model.find(i), there = other_model.find(i);
            const bool has_both = here != model.end() && there != other_model.end();
            different += has_both ? here->second != there->second : (here != model.end()) != (there != other_model.end());
        }
        REQUIRE(diff(things, other).size() == different);
        REQUIRE(things.size() == model.size());
    }
}

TEST_CASE("one change among ten thousand costs a path, and its difference one comparison") {
    const Keyed<Thing> before = many(10'000);
    Keyed<Thing> after = before;

    Thing::looks = 0;
    after.put(thing(5000, 1));
    CHECK(Thing::looks < 200);

    Thing::looks = Thing::comparisons = 0;
    REQUIRE(differences_of(before, after) == std::vector<Delta>{{"thing5000", 0, 1}});
    CHECK(Thing::comparisons == 1);
    CHECK(Thing::looks < 200);

    const Keyed<Thing> copy = after;
    Thing::looks = Thing::comparisons = 0;
    REQUIRE(copy == after);
    CHECK(Thing::comparisons + Thing::looks == 0);
}

TEST_CASE("a handful of changes among ten thousand is found without looking at the rest") {
    const Keyed<Thing> before = many(10'000);
    Keyed<Thing> after = before;
    for (int i = 0; i < 10; ++i) after.put(thing(i * 1000, 7));
    for (int i = 0; i < 5; ++i) after.erase(thing(500 + i).name);
    for (int i = 0; i < 5; ++i) after.put(thing(20'000 + i));

    Thing::looks = Thing::comparisons = 0;
    REQUIRE(differences_of(before, after).size() == 20);
    CHECK(Thing::comparisons == 10);
    CHECK(Thing::looks < 20 * 200);
}

TEST_CASE("putting what is already there is no difference") {
    const Keyed<Thing> before = many(100);
    Keyed<Thing> after = before;
    after.put(thing(50));
    REQUIRE(after == before);
    REQUIRE(diff(before, after).empty());
}

TEST_CASE("the vocabulary of change says create, update and remove") {
    const Keyed<Thing> was{thing(1), thing(2), thing(3)};
    const Keyed<Thing> now{thing(2), thing(3, 5), thing(4)};
    REQUIRE(diff(was, now) == std::vector<Change<Thing>>{Remove<Thing>{thing(1)}, Update<Thing>{thing(3), thing(3, 5)},
                                                         Create<Thing>{thing(4)}});
    REQUIRE(diff(Keyed<Thing>(), Keyed<Thing>()).empty());
}

TEST_CASE("nothing is found in nothing") {
    Keyed<Thing> nothing;
    REQUIRE(nothing.empty());
    REQUIRE(nothing.begin() == nothing.end());
    REQUIRE_FALSE(nothing.find(thing(1).name));
    REQUIRE_FALSE(nothing.erase(thing(1).name));
    nothing.put(thing(1));
    REQUIRE(nothing.erase(thing(1).name));
    REQUIRE(nothing == Keyed<Thing>());
}

TEST_CASE("the few that are looked for are found in order, whatever comes and goes around them") {
    Keyed<Ball> balls;
    const auto red = [&] {
        std::string names;
        balls.each_notable([&](const Ball& ball) { names += ball.name.text(); });
        return names;
    };
    for (char c = 'a'; c <= 'z'; ++c) balls.put({{std::string(1, c)}, c == 'x' || c == 'd'});
    REQUIRE(red() == "dx");
    for (char c = 'a'; c <= 'w'; ++c) balls.erase(balls.begin()->key());
    REQUIRE(red() == "x");
    balls.put({{"y"}, true});
    balls.put({{"x"}, false});
    REQUIRE(red() == "y");
    balls.erase(balls.from({"y"})->key());
    REQUIRE(red().empty());
}

}  // namespace keyed_test
