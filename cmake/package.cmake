# What is installed, and the Debian package that holds it (CPack). scripts/package makes the latter.
include(GNUInstallDirs)

function(netd_manual name section)
    set(source ${CMAKE_SOURCE_DIR}/packaging/man/${name}.${section}.pod)
    set(page ${CMAKE_BINARY_DIR}/man/${name}.${section})
    string(TOUPPER ${name} title)
    add_custom_command(OUTPUT ${page}.gz DEPENDS ${source}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
        COMMAND pod2man --utf8 --errors=die --section=${section} --name=${title} --center=netd --release=${PROJECT_VERSION} ${source} ${page}
        COMMAND gzip -9nf ${page} VERBATIM)
    add_custom_target(manual_${name} DEPENDS ${page}.gz)
    install(FILES ${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endfunction()
netd_manual(netd 8)
netd_manual(netctl 1)

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/netctl.bash DEPENDS netctl
    COMMAND netctl completion bash > ${CMAKE_BINARY_DIR}/netctl.bash VERBATIM)
add_custom_target(completions DEPENDS ${CMAKE_BINARY_DIR}/netctl.bash)

install(TARGETS netd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS netctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/netd.service DESTINATION lib/systemd/system)
install(FILES packaging/netd.sysusers DESTINATION lib/sysusers.d RENAME netd.conf)
install(FILES packaging/netd.tmpfiles DESTINATION lib/tmpfiles.d RENAME netd.conf)
install(FILES packaging/modules-load.d/netd.conf DESTINATION lib/modules-load.d)
install(FILES ${CMAKE_BINARY_DIR}/netctl.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME netctl OPTIONAL)
install(FILES packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES docs/operating.md docs/protocol.md docs/architecture.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/decisions DESTINATION ${CMAKE_INSTALL_DOCDIR})   # why, where the pages lead to it
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
# What other managers of networks are told, and the drop-in for NICs of kind netns: to be put in place where they are wanted.
install(DIRECTORY packaging/NetworkManager packaging/networkd.conf.d packaging/network packaging/netd.service.d DESTINATION ${CMAKE_INSTALL_DOCDIR}/packaging)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME netd)
set(CPACK_PACKAGE_CONTACT "The netd project <netd@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "network daemon of a virtualization host")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "An engine tells netd by JSON over ZeroMQ which logical networks a host shall have; netd makes them real as Linux bridges, VLANs,
VLAN-aware bridges or ports of Open vSwitch, plugs the NICs of guests in and out, keeps classes of traffic apart, and takes back
what is not confirmed. netctl is the administrator's way to it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd, init-system-helpers, nftables, kmod")
# Leases; switch `ovs`; guests of libvirt, whose library is loaded when it is connected to; what docs/operating.md and the README show.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "dhcpcd-base, openvswitch-switch, libvirt0, jq, python3-zmq")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
