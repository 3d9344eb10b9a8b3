#pragma once
// The C headers of the OVSDB IDL, made fit for C++20. For .cpp files of this folder only, never for a header: OVS exports
// words like MIN and ARRAY_SIZE as macros.

// Every standard header that OVS' own headers reach comes first, before C++ keywords turn into macros below.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdbool>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

// util.h holds a C++ template, which must not have C linkage, and guards its C itself.
#include <config.h>
#include <util.h>

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define new new_                // a parameter in ovsdb-data.h
#define class class_            // a parameter in ovsdb-idl.h
#define typeof __typeof__       // strict C++ has no typeof; the *_FOR_EACH macros do
extern "C" {
#include <fatal-signal.h>
#include <latch.h>
#include <openvswitch/poll-loop.h>
#include <openvswitch/shash.h>
#include <openvswitch/vlog.h>
#include <ovsdb-idl.h>
#include <simap.h>
#include <smap.h>
#include <sset.h>
#include <vswitch-idl.h>
}
#undef class
#undef new
#ifdef __clang__
#pragma clang diagnostic pop
#endif
// typeof stays: the macros use it where they are expanded.

// config.h speaks of the openvswitch package, not of this one.
#undef PACKAGE
#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_URL
#undef PACKAGE_VERSION
#undef VERSION
