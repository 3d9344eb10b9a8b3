// See checksum_guard.hpp. The program is written in the kernel's own instructions: it is short, and a compiler for BPF would be one more thing
// that a build needs.
#include "bridges/checksum_guard.hpp"

#include "bridges/sk_buff.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace bridges {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

class Program {
public:
    void put(int code, int to, int from, int offset, int immediate) {
        code_.push_back({static_cast<__u8>(code), static_cast<__u8>(to & 15), static_cast<__u8>(from & 15), static_cast<__s16>(offset), immediate});
    }
    void copy(int to, int from) { put(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
    void set(int to, int number) { put(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number); }
    void compute(int operation, int to, int number) { put(BPF_ALU64 | operation | BPF_K, to, 0, 0, number); }
    void compute_by(int operation, int to, int from) { put(BPF_ALU64 | operation | BPF_X, to, from, 0, 0); }
    void load(int size, int to, int from, int offset) { put(BPF_LDX | size | BPF_MEM, to, from, offset, 0); }
    void call(int function) { put(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
    void exit_with(int verdict) {
        set(BPF_REG_0, verdict);
        put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    // Where the condition holds, goes on at a mark, which comes later.
    void jump(int condition, int left, int number, const std::string& to) { leap(BPF_JMP | condition | BPF_K, left, 0, number, to); }
    void jump_by(int condition, int left, int right, const std::string& to) { leap(BPF_JMP | condition | BPF_X, left, right, 0, to); }
    void go(const std::string& to) { leap(BPF_JMP | BPF_JA, 0, 0, 0, to); }
    void mark(const std::string& name) {
        for (const auto& [from, to] : leaps_)
            if (to == name) code_[from].off = static_cast<__s16>(code_.size() - from - 1);
    }
    const std::vector<bpf_insn>& code() const { return code_; }

private:
    void leap(int code, int left, int right, int number, const std::string& to) {
        leaps_.emplace_back(code_.size(), to);
        put(code, left, right, 0, number);
    }
    std::vector<bpf_insn> code_;
    std::vector<std::pair<std::size_t, std::string>> leaps_;
};

constexpr int frame = BPF_REG_6, start = BPF_REG_7, written = BPF_REG_8, header = BPF_REG_9, scratch = -8, bytes = -32;
constexpr int partial = 3;  // CHECKSUM_PARTIAL: somebody has still to write it

// To `to`, `size` bytes of the sk_buff.
void read_field(Program& program, const Place& place, int size, int to) {
    program.copy(BPF_REG_3, frame);
    program.compute(BPF_ADD, BPF_REG_3, place.byte);
    program.copy(BPF_REG_1, BPF_REG_10);
    program.compute(BPF_ADD, BPF_REG_1, scratch);
    program.set(BPF_REG_2, size);
    program.call(BPF_FUNC_probe_read_kernel);
    program.load(size == 1 ? BPF_B : BPF_H, to, BPF_REG_10, scratch);
}

// To the stack, bytes of the frame from where BPF_REG_2 says; who has them not has no such header.
void read_from_there(Program& program, int count) {
    program.copy(BPF_REG_1, frame);
    program.copy(BPF_REG_3, BPF_REG_10);
    program.compute(BPF_ADD, BPF_REG_3, bytes);
    program.set(BPF_REG_4, count);
    program.call(BPF_FUNC_skb_load_bytes);
    program.jump(BPF_JNE, BPF_REG_0, 0, "drop");
}

void read_frame(Program& program, int from, int count) {
    program.set(BPF_REG_2, from);
    read_from_there(program, count);
}

// A request is for the checksum of the header at `header`, where `place` of it is; or for what lies behind that header (what a tunnel
// carries), where no filter looks.
void pass_if_its_own(Program& program, int place, int length) {
    program.copy(BPF_REG_1, header);
    program.compute(BPF_ADD, BPF_REG_1, length);
    program.jump_by(BPF_JGE, written, BPF_REG_1, "pass");
    program.jump_by(BPF_JNE, start, header, "drop");
    program.compute(BPF_ADD, header, place);
    program.jump_by(BPF_JEQ, written, header, "pass");
    program.go("drop");
}

// What BPF_REG_5 has as protocol, at `header`. Filters look into those that are named; of others, at nothing behind the header before.
void judge_protocol(Program& program) {
    program.mark("protocol");
    program.jump(BPF_JEQ, BPF_REG_5, IPPROTO_TCP, "tcp");
    program.jump(BPF_JEQ, BPF_REG_5, IPPROTO_UDP, "udp");
    for (const int looked_into : {+IPPROTO_ICMP, +IPPROTO_IGMP, +IPPROTO_ICMPV6, +IPPROTO_PIM, +IPPROTO_HOPOPTS, +IPPROTO_ROUTING, +IPPROTO_FRAGMENT, +IPPROTO_AH, +IPPROTO_DSTOPTS})
        program.jump(BPF_JEQ, BPF_REG_5, looked_into, "drop");
    program.jump_by(BPF_JGE, written, header, "pass");
    program.go("drop");
    program.mark("tcp");
    pass_if_its_own(program, 16, 60);  // with all options that it can have
    program.mark("udp");
    pass_if_its_own(program, 6, 8);
}

void judge_ipv4(Program& program) {
    program.mark("ipv4");
    read_frame(program, ETH_HLEN, 20);
    program.load(BPF_B, BPF_REG_1, BPF_REG_10, bytes + 6);
    program.compute(BPF_AND, BPF_REG_1, 0x1f);
    program.jump(BPF_JNE, BPF_REG_1, 0, "drop");  // a later fragment has no header of its own
    program.load(BPF_B, BPF_REG_1, BPF_REG_10, bytes + 7);
    program.jump(BPF_JNE, BPF_REG_1, 0, "drop");
    program.load(BPF_B, header, BPF_REG_10, bytes);
    program.compute(BPF_AND, header, 0xf);
    program.compute(BPF_LSH, header, 2);
    program.compute(BPF_ADD, header, ETH_HLEN);
    program.load(BPF_B, BPF_REG_5, BPF_REG_10, bytes + 9);
    program.go("protocol");
}

void judge_ipv6(Program& program) {
    program.mark("ipv6");
    read_frame(program, ETH_HLEN, 20);
    program.set(header, ETH_HLEN + 40);
    program.load(BPF_B, BPF_REG_5, BPF_REG_10, bytes + 6);
    // Behind one extension header, too: tunnels in IPv6 have one.
    for (const int extension : {+IPPROTO_HOPOPTS, +IPPROTO_ROUTING, +IPPROTO_DSTOPTS}) program.jump(BPF_JEQ, BPF_REG_5, extension, "extended");
    program.go("protocol");
    program.mark("extended");
    read_frame(program, ETH_HLEN + 40, 2);
    program.load(BPF_B, BPF_REG_5, BPF_REG_10, bytes);
    program.load(BPF_B, BPF_REG_1, BPF_REG_10, bytes + 1);
    program.compute(BPF_LSH, BPF_REG_1, 3);
    program.compute_by(BPF_ADD, header, BPF_REG_1);
    program.compute(BPF_ADD, header, 8);
}

// A frame that says that it ends before it does: what ethernet fills up is cut off, and beyond that nothing honest has a trailer.
void judge_length(Program& program) {
    program.load(BPF_W, header, frame, offsetof(__sk_buff, len));
    program.load(BPF_W, BPF_REG_1, frame, offsetof(__sk_buff, protocol));
    program.jump(BPF_JEQ, BPF_REG_1, htons(ETH_P_IP), "length of ipv4");
    program.jump(BPF_JNE, BPF_REG_1, htons(ETH_P_IPV6), "long enough");
    read_frame(program, ETH_HLEN + 4, 2);
    program.set(start, ETH_HLEN + 40);
    program.go("length");
    program.mark("length of ipv4");
    read_frame(program, ETH_HLEN + 2, 2);
    program.set(start, ETH_HLEN);
    program.mark("length");
    program.load(BPF_H, BPF_REG_1, BPF_REG_10, bytes);
    program.put(BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_1, 0, 0, 16);
    program.compute_by(BPF_ADD, start, BPF_REG_1);
    program.jump_by(BPF_JLE, header, start, "long enough");
    program.jump(BPF_JGT, header, ETH_ZLEN, "drop");
    program.copy(BPF_REG_1, frame);
    program.copy(BPF_REG_2, start);
    program.set(BPF_REG_3, 0);
    program.call(BPF_FUNC_skb_change_tail);
    program.jump(BPF_JNE, BPF_REG_0, 0, "drop");  // it would end within a header
    program.mark("long enough");
}

// An IPv6 fragment that is the whole packet, which nobody sends (RFC 8021): to the kernel's datapath of Open vSwitch it is a first one,
// to ovs-vswitchd none.
void judge_fragments(Program& program) {
    constexpr int longest_chain = 4;
    const int next = written, kind = start;
    program.load(BPF_W, BPF_REG_1, frame, offsetof(__sk_buff, protocol));
    program.jump(BPF_JNE, BPF_REG_1, htons(ETH_P_IPV6), "no fragment");
    read_frame(program, ETH_HLEN + 6, 1);
    program.load(BPF_B, next, BPF_REG_10, bytes);
    program.set(header, ETH_HLEN + 40);
    for (int depth = 0; depth <= longest_chain; ++depth) {
        const std::string extension = "extension " + std::to_string(depth);
        program.jump(BPF_JEQ, next, IPPROTO_FRAGMENT, "fragment");
        for (const int one : {+IPPROTO_HOPOPTS, +IPPROTO_ROUTING, +IPPROTO_DSTOPTS, +IPPROTO_AH}) program.jump(BPF_JEQ, next, one, depth < longest_chain ? extension : "drop");
        program.go("no fragment");
        program.mark(extension);
        if (depth == longest_chain) break;
        program.copy(BPF_REG_2, header);
        read_from_there(program, 2);
        program.copy(kind, next);
        program.load(BPF_B, next, BPF_REG_10, bytes);
        program.load(BPF_B, BPF_REG_1, BPF_REG_10, bytes + 1);
        program.compute(BPF_LSH, BPF_REG_1, 2);  // AH counts in words, all others in pairs of them
        program.jump(BPF_JEQ, kind, IPPROTO_AH, extension + " is known");
        program.compute(BPF_LSH, BPF_REG_1, 1);
        program.mark(extension + " is known");
        program.compute_by(BPF_ADD, header, BPF_REG_1);
        program.compute(BPF_ADD, header, 8);
    }
    program.mark("fragment");
    program.copy(BPF_REG_2, header);
    read_from_there(program, 4);
    program.load(BPF_H, BPF_REG_1, BPF_REG_10, bytes + 2);
    program.compute(BPF_AND, BPF_REG_1, htons(0xfff9));  // where it belongs, and whether more follow
    program.jump(BPF_JEQ, BPF_REG_1, 0, "drop");
    program.mark("no fragment");
}

// A frame that is still to be cut is no fragment: cut into fragments, it would begin at the beginning, wherever its header said that it belongs.
void judge_pieces(Program& program) {
    program.load(BPF_W, BPF_REG_1, frame, offsetof(__sk_buff, gso_size));
    program.jump(BPF_JEQ, BPF_REG_1, 0, "no pieces");
    program.load(BPF_W, BPF_REG_1, frame, offsetof(__sk_buff, protocol));
    program.jump(BPF_JNE, BPF_REG_1, htons(ETH_P_IP), "no pieces");
    read_frame(program, ETH_HLEN + 6, 2);
    program.load(BPF_H, BPF_REG_1, BPF_REG_10, bytes);
    program.compute(BPF_AND, BPF_REG_1, htons(0x3fff));
    program.jump(BPF_JNE, BPF_REG_1, 0, "drop");
    program.mark("no pieces");
}

Program program_for(const SkBuff& at) {
    Program program;
    program.copy(frame, BPF_REG_1);
    judge_length(program);
    judge_pieces(program);
    judge_fragments(program);
    read_field(program, at.ip_summed, 1, BPF_REG_1);
    program.compute(BPF_RSH, BPF_REG_1, at.ip_summed.shift);
    program.compute(BPF_AND, BPF_REG_1, 3);
    program.jump(BPF_JNE, BPF_REG_1, partial, "pass");
    // Both count from where the buffer begins; from here on, from where the frame does.
    read_field(program, at.csum_start, 2, start);
    read_field(program, at.csum_offset, 2, written);
    read_field(program, at.mac_header, 2, BPF_REG_1);
    program.compute_by(BPF_SUB, start, BPF_REG_1);
    program.jump(BPF_JGT, start, 0xffff, "drop");
    program.compute_by(BPF_ADD, written, start);
    program.jump(BPF_JLT, written, ETH_HLEN, "drop");
    program.load(BPF_W, BPF_REG_1, frame, offsetof(__sk_buff, protocol));
    program.jump(BPF_JEQ, BPF_REG_1, htons(ETH_P_IP), "ipv4");
    program.jump(BPF_JEQ, BPF_REG_1, htons(ETH_P_IPV6), "ipv6");
    for (const int kind : {ETH_P_ARP, ETH_P_RARP, ETH_P_8021Q, ETH_P_8021AD}) program.jump(BPF_JEQ, BPF_REG_1, htons(static_cast<std::uint16_t>(kind)), "drop");
    program.go("pass");
    judge_ipv4(program);
    judge_ipv6(program);
    judge_protocol(program);
    program.mark("pass");
    program.exit_with(TC_ACT_UNSPEC);
    program.mark("drop");
    program.exit_with(TC_ACT_SHOT);
    return program;
}

}  // namespace

Result<ChecksumGuard> ChecksumGuard::load() {
    const auto at = SkBuff::look_up();
    if (!at) return at.error();
    const Program program = program_for(*at);
    Descriptor loaded(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "netd_checksum", "GPL", program.code().data(), program.code().size(), nullptr));
    if (!loaded) return Error{Fault::backend, "BPF", std::strerror(errno)};
    return ChecksumGuard(std::move(loaded));
}

}  // namespace bridges
