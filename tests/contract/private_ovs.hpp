// An Open vSwitch of the test's own: ovsdb-server and ovs-vswitchd with the userspace datapath, run files in a temporary
// folder, devices in a network namespace that ends with it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace contract {

using Words = std::vector<std::string>;

class PrivateOvs {
public:
    // Why it can't be had here; "" if it can.
    static std::string lacking() {
        if (geteuid() != 0) return "needs root";
        for (const char* program : {"/usr/sbin/ovsdb-server", "/usr/sbin/ovs-vswitchd", "/usr/bin/ovs-vsctl"})
            if (access(program, X_OK) != 0) return std::string("needs ") + program;
        return access("/dev/net/tun", R_OK | W_OK) == 0 ? "" : "needs /dev/net/tun";
    }

    // A folder, a namespace and an empty database; nothing runs yet.
    PrivateOvs() {
        std::string name = "/tmp/netd-ovs-XXXXXX";
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        folder_ = name;
        namespace_ = new_namespace();
        run({"ovsdb-tool", "create", folder_ + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema"});
    }
    ~PrivateOvs() {
        stop_vswitchd();
        kill_database();
        close(namespace_);
        std::filesystem::remove_all(folder_);
    }
    PrivateOvs(const PrivateOvs&) = delete;
    PrivateOvs& operator=(const PrivateOvs&) = delete;

    std::string socket() const { return "unix:" + folder_ + "/db.sock"; }

    // ovs-vsctl would wait a whole second after a first vain try, so we wait for the socket to appear.
    void start_database() {
        std::filesystem::remove(folder_ + "/db.sock");
        const int news = inotify_init1(IN_CLOEXEC);
        inotify_add_watch(news, folder_.c_str(), IN_CREATE);
        database_ = start({"ovsdb-server", "-vconsole:off", "--remote=punix:" + folder_ + "/db.sock",
                           "--unixctl=" + folder_ + "/ovsdb.ctl", folder_ + "/conf.db"});
        char events[4096];
        for (pollfd told{news, POLLIN, 0}; access((folder_ + "/db.sock").c_str(), F_OK) && poll(&told, 1, 60'000) == 1;)
            if (read(news, events, sizeof events) < 0) break;
        close(news);
        vsctl({"--no-wait", "init"});
    }
    void start_vswitchd() {
        vswitchd_ = start({"ovs-vswitchd", "-vconsole:off", "--disable-system", "--unixctl=" + folder_ + "/ovs-vswitchd.ctl",
                           socket()});
    }
    void start_both() {
        start_database();
        start_vswitchd();
    }
    void kill_database() { end(database_, SIGKILL); }
    void stop_vswitchd() { end(vswitchd_, SIGKILL); }
    void signal_vswitchd(int signal) const { kill(vswitchd_, signal); }

    int vsctl(Words arguments) const {
        Words command = {"ovs-vsctl", "--retry", "--timeout=120", "--db=" + socket()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run(command);
    }

    int appctl(Words arguments) const {
        Words command = {"ovs-appctl", "--target=" + folder_ + "/ovs-vswitchd.ctl"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run(command);
    }
    int ofctl(const std::string& command, const std::string& bridge, const std::string& flow) const {
        return run({"ovs-ofctl", command, "unix:" + folder_ + "/" + bridge + ".mgmt", flow});
    }
    // Whether the bridge knows behind which port that MAC is.
    bool has_learned(const std::string& bridge, const std::string& mac) const {
        return run({"sh", "-c", "ovs-appctl --target=" + folder_ + "/ovs-vswitchd.ctl fdb/show " + bridge + " | grep -q " + mac}) == 0;
    }

    bool has_flow(const std::string& bridge, const std::string& words) const {
        return run({"sh", "-c", "ovs-ofctl dump-flows unix:" + folder_ + "/" + bridge + ".mgmt | grep -q " + words}) == 0;
    }

    // The database is a log: a transaction that changes something makes it longer.
    std::uintmax_t database_size() const { return std::filesystem::file_size(folder_ + "/conf.db"); }

    // One command inside the namespace; its exit status.
    int run(const Words& command) const {
        int status = 0;
        waitpid(start(command), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    // A child makes it and this descriptor keeps it; our own namespace stays as it is.
    static int new_namespace() {
        int ready[2], done[2];
        if (pipe2(ready, O_CLOEXEC) || pipe2(done, O_CLOEXEC)) throw std::runtime_error("no pipe");
        const pid_t child = fork();
        char byte = 0;
        if (child == 0) {
            byte = unshare(CLONE_NEWNET) == 0;
            if (write(ready[1], &byte, 1) != 1) _exit(1);
            close(done[1]);
            _exit(read(done[0], &byte, 1) < 0);
        }
        const bool made = read(ready[0], &byte, 1) == 1 && byte;
        const int fd = open(("/proc/" + std::to_string(child) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
        for (const int end : {ready[0], ready[1], done[0], done[1]}) close(end);
        waitpid(child, nullptr, 0);
        if (!made || fd < 0) throw std::runtime_error("no network namespace");
        return fd;
    }

    pid_t start(const Words& command) const {
        std::vector<char*> words;
        for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        const pid_t child = fork();
        if (child != 0) return child;
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
        for (const char* name : {"OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"})
            setenv(name, folder_.c_str(), 1);
        if (!std::getenv("NETD_TEST_NOISE")) {
            const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
            for (const int fd : {0, 1, 2}) dup2(nowhere, fd);
        }
        if (setns(namespace_, CLONE_NEWNET) == 0) execvp(words[0], words.data());
        _exit(127);
    }

    static void end(pid_t& process, int signal) {
        if (process <= 0) return;
        kill(process, signal);
        waitpid(process, nullptr, 0);
        process = 0;
    }

    std::string folder_;
    int namespace_ = -1;
    pid_t database_ = 0, vswitchd_ = 0;
};

}  // namespace contract
