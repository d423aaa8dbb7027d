#!/bin/sh
# Installs the peers that sertn-bench measures beside Sertn into a folder of their own: install.sh FOLDER [ezkl] [bb]
#   FOLDER/ezkl   a Python environment with EZKL, from PyPI
#   FOLDER/bb     Barretenberg's bb and Noir's compiler, from npm
# What is already there in the right version is left alone. Nothing outside FOLDER is written.
set -eu

ezkl_version=23.0.5
bb_version=5.0.0
noir_version=1.0.0-beta.26

if [ $# -lt 1 ]; then
    echo "usage: install.sh FOLDER [ezkl] [bb]" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
peers="${*:-ezkl bb}"

install_ezkl() {
    if "$folder/ezkl/bin/python" -c "import importlib.metadata as m, sys
sys.exit(m.version('ezkl') != '$ezkl_version')" 2>/dev/null; then
        return
    fi
    python3 -m venv "$folder/ezkl"
    "$folder/ezkl/bin/pip" install --quiet --disable-pip-version-check "ezkl==$ezkl_version"
}

install_bb() {
    if [ -f "$folder/bb/.installed-$bb_version-$noir_version" ]; then
        return
    fi
    mkdir -p "$folder/bb"
    echo '{"private":true}' > "$folder/bb/package.json"
    (cd "$folder/bb" && npm install --silent --no-audit --no-fund "@aztec/bb.js@$bb_version" \
        "@noir-lang/noir_wasm@$noir_version" "@noir-lang/noir_js@$noir_version")
    chmod +x "$folder"/bb/node_modules/@aztec/bb.js/build/*/bb
    : > "$folder/bb/.installed-$bb_version-$noir_version"
}

for peer in $peers; do
    case "$peer" in
        ezkl) install_ezkl ;;
        bb) install_bb ;;
        *) echo "install.sh: no peer '$peer'; there are ezkl and bb" >&2; exit 2 ;;
    esac
done
