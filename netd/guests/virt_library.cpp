// See virt_library.hpp.
#include "netd/guests/virt_library.hpp"

#include <dlfcn.h>
#include <optional>
#include <type_traits>

namespace guests {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

Error missing() {
    const char* said = ::dlerror();
    return {Fault::backend, "libvirt", said ? said : "it can't be loaded"};
}

Result<VirtLibrary> find_all() {
    void* const library = ::dlopen("libvirt.so.0", RTLD_NOW | RTLD_GLOBAL);
    if (!library) return missing();
    void* const qemu = ::dlopen("libvirt-qemu.so.0", RTLD_NOW);
    if (!qemu) return missing();
    VirtLibrary found;
    std::optional<Error> lacks;
    const auto find = [&](void* in, const char* name, auto& into) {
        into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(::dlsym(in, name));
        if (!into && !lacks) lacks = missing();
    };
#define NETD_FIND(function) find(library, #function, found.function);
    NETD_OF_LIBVIRT(NETD_FIND)
#undef NETD_FIND
#define NETD_FIND(function) find(qemu, #function, found.function);
    NETD_OF_LIBVIRT_QEMU(NETD_FIND)
#undef NETD_FIND
    if (lacks) return *lacks;
    return found;
}

const VirtLibrary* loaded = nullptr;  // its threads may outlive all else

}  // namespace

// Of the one thread that connects; the others come after it.
Result<> load_virt() {
    if (loaded) return {};
    auto found = find_all();
    if (!found) return found.error();
    loaded = new VirtLibrary(*found);
    return {};
}

const VirtLibrary& virt() { return *loaded; }

}  // namespace guests
