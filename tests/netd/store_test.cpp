// Whatever happens to a file, what is read is something that was written, or an error that says so.
#include "netd/store/files.hpp"
#include "tests/netd/transaction_house.hpp"

#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <sys/resource.h>

namespace store_test {

namespace {

const std::string older = "the definitions of before", newest = "the definitions that hold";

store::Result<> understood(const store::Document&) { return {}; }

struct Folder {
    house::Disk disk;
    std::string path = disk.state();
    std::string file = path + "/state";
    std::string bytes;

    Folder() {
        REQUIRE(store::make_directory(path, 0700));
        REQUIRE(store::write_document(path, "state", {7, older}, store::Durable::yes));
        REQUIRE(store::write_document(path, "state", {8, newest}, store::Durable::yes));
        std::ifstream in(file, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(in), {});
    }
    void put(const std::string& damaged) const { std::ofstream(file, std::ios::binary) << damaged; }
    store::Document read() const {
        auto read = store::read_newest(path, "state", understood);
        REQUIRE(read);
        REQUIRE(*read);
        return **read;
    }
    void require_older() const {
        const store::Document found = read();
        REQUIRE(found.body == older);
        REQUIRE(found.generation == 7);
        REQUIRE(found.fell_back);
    }
};

}  // namespace

TEST_CASE("a file that was cut short anywhere gives the one before it, and that is said", "[store]") {
    const Folder folder;
    CHECK_FALSE(folder.read().fell_back);
    for (std::size_t length = 0; length < folder.bytes.size(); ++length) {
        CAPTURE(length);
        folder.put(folder.bytes.substr(0, length));
        folder.require_older();
    }
    folder.put(folder.bytes);
    CHECK(folder.read().body == newest);
}

TEST_CASE("a bit that fell over anywhere is noticed, in the first line too", "[store]") {
    const Folder folder;
    for (std::size_t at = 0; at < folder.bytes.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            CAPTURE(at, bit);
            std::string damaged = folder.bytes;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            folder.put(damaged);
            folder.require_older();
        }
    }
}

TEST_CASE("where the newest file is gone or none is valid that is said, and it never reads as nothing wanted", "[store]") {
    const Folder folder;
    std::filesystem::remove(folder.file);
    folder.require_older();
    folder.put("rubbish");
    std::ofstream(folder.file + ".prev", std::ios::binary) << "rubbish";
    const auto read = store::read_newest(folder.path, "state", understood);
    REQUIRE_FALSE(read);
    CHECK(read.error() == topology::Error{topology::Fault::backend, folder.file, "is damaged: its checksum does not fit; state.prev is damaged: its checksum does not fit"});
    std::filesystem::remove(folder.file);
    std::filesystem::remove(folder.file + ".prev");
    CHECK_FALSE(*store::read_newest(folder.path, "state", understood));
}

TEST_CASE("what a write that was cut off left beside is passed over", "[store]") {
    const Folder folder;
    std::ofstream(folder.path + "/.state.new") << "half of";
    std::ofstream(folder.path + "/state.prev.new") << "half of";
    CHECK(folder.read().body == newest);
    REQUIRE(store::write_document(folder.path, "state", {9, "more"}, store::Durable::yes));
    CHECK(folder.read().body == "more");
    CHECK_FALSE(std::filesystem::exists(folder.path + "/.state.new"));
}

TEST_CASE("where the one before can't be kept that is said before anything is put in place", "[store]") {
    const Folder folder;
    std::filesystem::create_directory(folder.file + ".prev.new");  // as a file system without hard links refuses it
    const auto prepared = store::write_beside(folder.path, "state", {9, "more"}, store::Durable::yes);
    REQUIRE_FALSE(prepared);
    CHECK(prepared.error().subject == folder.file);
    CHECK(folder.read().body == newest);
    std::filesystem::remove(folder.file);
    folder.require_older();
}

TEST_CASE("what is prepared is put in place though no file can be opened any more, and leaves all as it was if it isn't", "[store]") {
    const Folder folder;
    REQUIRE(store::write_beside(folder.path, "state", {9, "dropped"}, store::Durable::yes));
    CHECK(folder.read().body == newest);
    const auto prepared = store::write_beside(folder.path, "state", {9, "more"}, store::Durable::yes);
    REQUIRE(prepared);
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit none{0, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto put = prepared->put_in_place();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    REQUIRE(put);
    CHECK(folder.read().body == "more");
    folder.put("rubbish");
    CHECK(folder.read().body == newest);
}

TEST_CASE("damaged definitions never take the place of the good ones before them", "[store]") {
    const Folder folder;
    const house::Disk run;
    const auto store = store::Store::open(folder.path, run.run());
    REQUIRE(store);
    folder.put("rubbish");
    store->set_damaged_aside();
    folder.require_older();
    REQUIRE(store::write_document(folder.path, "state", {9, "more"}, store::Durable::yes));
    CHECK(folder.read().body == "more");
    folder.put("rubbish again");
    folder.require_older();
}

TEST_CASE("a journal tells what was none from what nobody cared about", "[store]") {
    const house::Disk disk;
    auto store = store::Store::open(disk.state(), disk.run());
    REQUIRE(store);
    ovs::Port port{*topology::IfName::parse("eno1")};
    port.qos = "", port.vm_id = "vm1";
    store::Entry entry{.id = 1, .boot = store::boot_id(), .is_remote = true, .awaited = {"eno1-4"}, .is_confirmed = true};
    entry.before.ovs.ports.put(port);
    REQUIRE(store->begin(entry));
    const auto read = store->open_entry();
    REQUIRE(read);
    REQUIRE(*read);
    CHECK(*(*read)->before.ovs.ports.find(port.name) == port);
    CHECK(((*read)->is_remote && (*read)->is_confirmed));
    CHECK((*read)->awaited == entry.awaited);
}

TEST_CASE("a change is written once, and is the same in the journal and in what runs", "[store]") {
    const house::Disk disk;
    auto store = disk.open();
    const auto network = [](const char* name, int mtu) { return intent::Network{.name = *intent::NetworkName::parse(name), .mtu = *intent::Mtu::from(mtu)}; };
    intent::Intent was, now;
    for (const char* name : {"goes", "stays", "grows"}) was.put(network(name, 1500));
    for (const char* name : {"stays", "comes"}) now.put(network(name, 1500));
    now.put(network("grows", 9000));
    now.put(intent::GuestNic{.vm = "a \"guest\"/\n", .mac = topology::Mac::of({2, 0, 0, 0, 0, 1}), .network = "comes"});
    REQUIRE(store.keep_running({was, 1, {}}));

    store::Entry entry{.id = 1, .base_generation = 1, .boot = store::boot_id(), .delta = intent::difference(was, now)};
    // What is there is taken as it is.
    const std::string text = entry.delta_text() + " ";
    entry.delta_text_made = text;
    REQUIRE(store.begin(entry));
    const auto journal = store.open_entry();
    REQUIRE((journal && *journal));
    CHECK(intent::with(was, (*journal)->delta) == now);
    REQUIRE(store.keep_running({now, 2, {}}, entry));
    CHECK((*store.running())->intent == now);
    CHECK(store::content_of(disk.run() + "/running").find(text) != std::string::npos);
    CHECK(store::content_of(disk.state() + "/transaction").find(text) != std::string::npos);
}

TEST_CASE("definitions whose sum fits and that nobody understands give those before them, and are set aside", "[store]") {
    const house::Disk disk;
    auto store = disk.open();
    const intent::Intent none;
    for (const std::uint64_t generation : {3, 4}) {
        const auto prepared = store.prepare_committed({none, generation, false, {}});
        REQUIRE(prepared);
        REQUIRE(prepared->put_in_place());
    }
    REQUIRE(store::write_document(disk.state(), "state", {5, R"({"networks": {"lan": {"colour": "blue"}}})"}, store::Durable::no));
    const auto kept = store.committed();
    REQUIRE(kept);
    REQUIRE(*kept);
    CHECK(((*kept)->generation == 3 && (*kept)->fell_back));
    store.set_damaged_aside();
    CHECK(std::filesystem::exists(disk.state() + "/state.damaged"));
    CHECK_FALSE(std::filesystem::exists(disk.state() + "/state"));
}

TEST_CASE("a change whose line is damaged is told, and one that was cut off by a crash is not", "[store]") {
    const house::Disk disk;
    auto store = disk.open();
    intent::Intent intent;
    std::vector<std::size_t> ends;
    for (const char* name : {"a", "b", "c"}) {
        intent::Intent next = intent;
        next.put(intent::Network{*intent::NetworkName::parse(name)});
        REQUIRE(store.keep_running({next, ends.size(), {}}, intent::difference(intent, next)));
        intent = next;
        ends.push_back(std::filesystem::file_size(disk.run() + "/running"));
    }
    const std::string file = disk.run() + "/running", bytes = store::content_of(file);
    const auto with = [&](const std::string& other) {
        std::ofstream(file, std::ios::binary) << other;
        const auto read = store.running();
        REQUIRE(read);
        return **read;
    };
    CHECK_FALSE(with(bytes).lacks_changes);
    for (std::size_t length = ends[1]; length < ends[2]; ++length) {
        const auto cut = with(bytes.substr(0, length));
        CHECK_FALSE(cut.lacks_changes);
        CHECK(cut.intent.networks().size() == 2);
    }
    for (std::size_t at = ends[0]; at < ends[1]; ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        CAPTURE(at);
        const auto read = with(damaged);
        CHECK(read.lacks_changes);
        CHECK(read.intent.networks().size() == 1);
    }
}

TEST_CASE("what is known of NICs is kept with each change of what runs, and by the names of now where they changed", "[store]") {
    const house::Disk disk;
    auto store = disk.open();
    const auto name = [](const char* text) { return topology::IfName::observed(text); };
    const auto on = [&](const char* network, const char* nic) {
        intent::Network one{*intent::NetworkName::parse(network)};
        one.nic = name(nic);
        return one;
    };
    const intent::Identities known{{name("eno1"), {topology::Mac::of({2, 0, 0, 0, 0, 1}), "s1"}}, {name("eno2"), {topology::Mac::of({2, 0, 0, 0, 0, 2}), ""}}};
    intent::Intent one, two;
    one.put(on("a", "eno1"));
    two = one;
    two.put(on("b", "eno2"));
    REQUIRE(store.keep_running({one, 1, {*known.begin()}}, intent::difference({}, one)));
    REQUIRE(store.keep_running({two, 2, known}, intent::difference(one, two)));
    CHECK((*store.running())->identities == known);
    const intent::Renames renames{{name("eno1"), name("eno2")}, {name("eno2"), name("eno1")}};
    REQUIRE(store.keep_running({intent::renamed(two, renames), 2, intent::moved(known, renames)}));
    CHECK((*store.running())->identities == intent::moved(known, renames));
    CHECK((*store.running())->intent == intent::renamed(two, renames));
}

}  // namespace store_test
