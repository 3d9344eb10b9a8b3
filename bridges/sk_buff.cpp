// See sk_buff.hpp.
#include "bridges/sk_buff.hpp"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace bridges {

using topology::Error;
using topology::Fault;

namespace {

struct FreeBtf {
    void operator()(btf* types) const { btf__free(types); }
};

// Members of structs and unions without a name count as the outer one's.
std::optional<Place> place_of(const btf& types, __u32 type, std::string_view field, __u32 base = 0) {
    const btf_type* all = btf__type_by_id(&types, type);
    for (; all && (btf_is_mod(all) || btf_is_typedef(all)); all = btf__type_by_id(&types, all->type)) {}
    if (!all || !btf_is_composite(all)) return std::nullopt;
    const btf_member* members = btf_members(all);
    for (__u32 i = 0; i < btf_vlen(all); ++i) {
        const __u32 bit = base + btf_member_bit_offset(all, i);
        const std::string_view name = btf__name_by_offset(&types, members[i].name_off);
        if (name == field) return Place{static_cast<int>(bit / 8), static_cast<int>(bit % 8)};
        if (!name.empty()) continue;
        if (const auto found = place_of(types, members[i].type, field, bit)) return found;
    }
    return std::nullopt;
}

}  // namespace

topology::Result<SkBuff> SkBuff::look_up() {
    libbpf_set_print(nullptr);  // what it has to say, the error says
    const std::unique_ptr<btf, FreeBtf> types(btf__load_vmlinux_btf());
    if (!types) return Error{Fault::backend, "/sys/kernel/btf/vmlinux", std::strerror(errno)};
    const int type = btf__find_by_name_kind(types.get(), "sk_buff", BTF_KIND_STRUCT);
    if (type < 0) return Error{Fault::backend, "/sys/kernel/btf/vmlinux", "it knows no sk_buff"};
    SkBuff found;
    for (const auto& [name, into] : std::map<const char*, Place*>{{"ip_summed", &found.ip_summed}, {"csum_start", &found.csum_start},
                                                                  {"csum_offset", &found.csum_offset}, {"mac_header", &found.mac_header}}) {
        const auto place = place_of(*types, static_cast<__u32>(type), name);
        if (!place) return Error{Fault::backend, "/sys/kernel/btf/vmlinux", std::string("its sk_buff has no ") + name};
        *into = *place;
    }
    return found;
}

}  // namespace bridges
