# shellcheck shell=bash
# Other Debian releases in folders, for .ci/run and .ci/bare-debian12. Root only.

# The mirror that apt here is set to use.
chroot_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        grep -E '/debian/?$' | head -n 1 | grep . || echo http://deb.debian.org/debian
}

# chroot_make FOLDER SUITE: makes a minimal Debian where none is yet, that reaches the network the
# way the host does. A folder left half made is made anew.
chroot_make() {
    local folder=$1 suite=$2 proxy
    [ -e "$folder/.complete" ] && return
    proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
    rm -rf "$folder"
    mkdir -p "$folder"
    env ${proxy:+http_proxy="$proxy"} \
        debootstrap --variant=minbase "$suite" "$folder" "$(chroot_mirror)" >/dev/null || return
    apt-config dump | grep -E '^Acquire::(http|https|Retries|ForceIPv|Check)' |
        grep -v -i 'auto-\{0,1\}detect' >"$folder/etc/apt/apt.conf.d/90host"
    # No package starts its service: the ports are the host's.
    printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
    chmod 755 "$folder/usr/sbin/policy-rc.d"
    touch "$folder/.complete"
}

# chroot_copy FOLDER: puts this checkout, without what git ignores, to /srv/http2 there, and the
# public vectors, where they are, to the place beside it.
chroot_copy() {
    local folder=$1 data=${HTTP2_DATA:-../shared/data}
    rm -rf "$folder/srv"
    mkdir -p "$folder/srv/http2" "$folder/srv/shared"
    git ls-files -z --cached --others --exclude-standard |
        tar -c --null --files-from=- | tar -x -C "$folder/srv/http2" || return
    [ ! -d "$data" ] || cp -r "$data" "$folder/srv/shared/data"
}

# chroot_run FOLDER COMMAND...: runs the command in /srv/http2 there. Mounts and processes are in
# namespaces of their own, so they go when the command ends, however it ends.
chroot_run() {
    local folder=$1
    shift
    cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
    unshare --mount --pid --fork --kill-child --propagation private bash -c '
        mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || exit
        exec chroot "$0" env -u TMPDIR -u HTTP2_DATA -C /srv/http2 "$@"' "$folder" "$@"
}
