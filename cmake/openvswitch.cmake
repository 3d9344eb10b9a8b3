# Gives the target openvswitch::openvswitch: the static libopenvswitch (OVSDB IDL, poll loop, OpenFlow) that
# scripts/openvswitch keeps in a cache. -DNETD_OPENVSWITCH=<folder with include/ and lib/> names another one.
set(NETD_OPENVSWITCH "" CACHE PATH "a built libopenvswitch; empty: the one that scripts/openvswitch builds")

function(netd_find_openvswitch found)
    if(NETD_OPENVSWITCH)
        set(${found} "${NETD_OPENVSWITCH}" PARENT_SCOPE)
        return()
    endif()
    set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../scripts/openvswitch")
    execute_process(COMMAND "${script}" COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${script}" where OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(${found} "${folder}" PARENT_SCOPE)
endfunction()

netd_find_openvswitch(netd_openvswitch_folder)
if(NOT EXISTS "${netd_openvswitch_folder}/lib/libopenvswitch.a")
    message(FATAL_ERROR "no lib/libopenvswitch.a in ${netd_openvswitch_folder}")
endif()

find_package(Threads REQUIRED)
add_library(openvswitch::openvswitch STATIC IMPORTED GLOBAL)
set_target_properties(openvswitch::openvswitch PROPERTIES
    IMPORTED_LOCATION "${netd_openvswitch_folder}/lib/libopenvswitch.a"
    # Headers of an IMPORTED target are -isystem: OVS' C is not held to this house's warnings.
    INTERFACE_INCLUDE_DIRECTORIES "${netd_openvswitch_folder}/include;${netd_openvswitch_folder}/include/lib"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;atomic;m")
