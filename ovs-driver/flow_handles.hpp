#pragma once
// The C headers of OVS' OpenFlow; the same rules as for idl_handles.hpp.

#include "ovs-driver/idl_handles.hpp"

#include <memory>

#define new new_
#define class class_
extern "C" {
#include <openvswitch/ofp-errors.h>
#include <openvswitch/ofp-bundle.h>
#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofp-meter.h>
#include <openvswitch/ofp-monitor.h>
#include <openvswitch/ofp-msgs.h>
#include <openvswitch/ofp-switch.h>
#include <openvswitch/ofp-util.h>
#include <openvswitch/ofpbuf.h>
#include <openvswitch/vconn.h>
}
#undef class
#undef new

namespace ovs {

struct DropMessage { void operator()(ofpbuf* message) const { ofpbuf_delete(message); } };
using Message = std::unique_ptr<ofpbuf, DropMessage>;

struct DropText { void operator()(char* text) const { free(text); } };
using Text = std::unique_ptr<char, DropText>;

}  // namespace ovs
