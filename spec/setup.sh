# shellcheck shell=bash disable=SC2034
# The Debian packages that this project uses, and how they get installed. Sourced by spec/run,
# examples/run and .ci/. In a name "a|b" either will do; the first that this release has is taken.

PACKAGES_BUILD=(gcc libc6-dev make cmake pkg-config lua5.4 liblua5.4-dev libuv1-dev libmbedtls-dev
    "libllhttp-dev|libhttp-parser-dev")
PACKAGES_EXAMPLE=(openssl curl ca-certificates)
PACKAGES_QUICK=("luajit2|luajit" "libluajit2-5.1-dev|libluajit-5.1-dev" lua-busted lua-check
    lua-cjson lua-socket libcmocka-dev libjansson-dev libnghttp2-dev openssl curl ca-certificates
    procps)
PACKAGES_FULL=(clang libclang-rt-dev clang-format valgrind luarocks git iproute2 nghttp2-client
    nghttp2-server nginx-light haproxy nodejs wrk)
PACKAGES_BROWSER=(chromium)
PACKAGES_BENCH=(nghttp2-client nghttp2-server h2o nginx-light nodejs lua5.1 lua-http lua-socket
    gnuplot-nox fonts-dejavu-core iproute2 util-linux valgrind)

package_is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

package_is_known() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# Prints those of the given packages of which no alternative is installed.
packages_missing() {
    local package name
    for package in "$@"; do
        for name in ${package//|/ }; do
            package_is_installed "$name" && continue 2
        done
        echo "$package"
    done
}

# Prints for each of the given packages the alternative to install.
packages_choose() {
    local package name
    for package in "$@"; do
        for name in ${package//|/ }; do
            package_is_known "$name" && break
        done
        echo "$name"
    done
}

# Installs what is missing of the given packages: as root, by sudo, or else not, saying how.
install_packages() {
    local missing names as_root=()
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -eq 0 ] && return 0

    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
        if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            mapfile -t names < <(packages_choose "${missing[@]}")
            echo "Packages are missing. Please run, as root, and then start this again:" >&2
            echo "  apt-get update && apt-get install --no-install-recommends ${names[*]}" >&2
            return 1
        fi
    fi
    # An unreachable source of somebody else's is no reason to stop: installing will tell.
    "${as_root[@]}" apt-get update -qq || true
    mapfile -t names < <(packages_choose "${missing[@]}")
    echo "installing ${names[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 --no-install-recommends "${names[@]}" >/dev/null
}

# undici, a client of npm: Debian's own speaks HTTP/2 from Debian 13 on, before that npm brings one
# that does, to build/undici.
install_undici() {
    local version=6.21.3 candidate
    candidate=$(apt-cache policy node-undici 2>/dev/null | sed -n 's/^  Candidate: //p')
    if dpkg --compare-versions "${candidate:-0}" ge 6; then
        install_packages node-undici
        return
    fi
    [ -d build/undici/node_modules/undici ] && return
    command -v npm >/dev/null || install_packages npm || return
    echo "installing undici $version by npm"
    npm install --prefix build/undici --ignore-scripts --no-audit --no-fund --silent \
        "undici@$version" >/dev/null
}
