# Sourced by scripts/drift and scripts/test: creates .venv on first use, and again when its inputs change.
# Afterwards $python is the environment's interpreter. $1: the extra to install ("" or "test").

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python

find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "drift: Python 3.11 or later is required, and none was found: install it and run this again." >&2
    return 1
}

# The inputs of the environment: a change of any of these rebuilds it.
fingerprint() {
    cat "$root/pyproject.toml" "$root"/scripts/{constraints.txt,hatch_build.py} "$root"/drift_cli/fused/{compile.py,csrc/*} | cksum | tr -d '\n'
    printf ' %s' "$root"
}

set_up() {
    local extra=$1 stamp=$venv/.made-for${1:+-$1} want base
    want=$(fingerprint)
    if [ -x "$python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return
    fi
    mkdir -p "$root/.venv"
    exec 9>"$root/.venv/.lock"
    if command -v flock >/dev/null; then
        flock 9 # two first calls at once: the second waits
        if [ -x "$python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
            exec 9>&-
            return
        fi
    fi
    base=$(find_python) || exit 1
    echo "Setting up .venv (once; about a minute plus downloads) …" >&2
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        if ! "$base" -m venv "$venv"; then
            echo "drift: $base cannot create a virtual environment; on Debian and Ubuntu, install python3-venv." >&2
            exit 1
        fi
    fi
    echo "  installing the tested versions of scripts/constraints.txt …" >&2
    if ! PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip install --quiet --progress-bar off \
        --constraint "$root/scripts/constraints.txt" --editable "$root${extra:+[$extra]}" >&2; then
        echo "drift: the set-up did not finish (see above); run the same command again to continue." >&2
        exit 1
    fi
    printf '%s' "$want" >"$stamp"
    [ -z "$extra" ] || printf '%s' "$want" >"$venv/.made-for"
    exec 9>&-
    echo "  done." >&2
}
