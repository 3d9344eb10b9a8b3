// See virt_library.hpp.
#include "netd/guests/virt_library.hpp"

#include <dlfcn.h>

namespace guests {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

Result<VirtLibrary> find_all() {
    VirtLibrary found;
    bool is_whole = true;
    const auto find = [&](void* in, const char* name, auto& into) {
        into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(in ? ::dlsym(in, name) : nullptr);
        is_whole = is_whole && into;
    };
    void* const library = ::dlopen("libvirt.so.0", RTLD_NOW | RTLD_GLOBAL);
    void* const qemu = library ? ::dlopen("libvirt-qemu.so.0", RTLD_NOW) : nullptr;
#define NETD_FIND(function) find(library, #function, found.function);
    NETD_OF_LIBVIRT(NETD_FIND)
#undef NETD_FIND
#define NETD_FIND(function) find(qemu, #function, found.function);
    NETD_OF_LIBVIRT_QEMU(NETD_FIND)
#undef NETD_FIND
    if (is_whole) return found;
    const char* said = ::dlerror();
    return Error{Fault::backend, "libvirt", said ? said : "it lacks a function"};
}

const Result<VirtLibrary>& library() {
    static const auto* const found = new Result<VirtLibrary>(find_all());  // its threads may outlive all else
    return *found;
}

}  // namespace

Result<> load_virt() { return library() ? Result<>() : Result<>(library().error()); }

const VirtLibrary& virt() { return *library(); }

}  // namespace guests
