# The same with the daemon itself, where it is built beside netctl and namespaces can be had.
netd=${NETD:-$(dirname "$netctl")/../netd/netd}
if [[ -x $netd && $EUID == 0 ]] && unshare --net true 2>/dev/null; then
    "$here/../apart" "$here/real" "$netctl" "$netd" >"$dir/real" 2>&1
    read -r more_passed more_failed < <(tail -n 1 "$dir/real")
    if [[ $more_passed == +([0-9]) && $more_failed == +([0-9]) ]]; then
        sed '$d' "$dir/real"
        passed=$((passed + more_passed)) failed=$((failed + more_failed))
    else
        cat "$dir/real"
        failed=$((failed + 1))
    fi
else
    echo "skipped: the daemon itself (netd is not built beside $netctl, or there are no namespaces)"
    skipped=$((skipped + 1))
fi
