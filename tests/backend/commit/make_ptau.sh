#!/bin/sh
# Makes a .ptau file with the real snarkjs: a new ceremony, one contribution, prepared for phase 2.
#
# Usage: make_ptau.sh POWER OUTPUT.ptau
# Needs node, npm and the npm registry; works in a temporary folder outside the project.
# ceremony_5.ptau in this folder is "make_ptau.sh 5 ceremony_5.ptau" with snarkjs 0.7.6; its secret is
# lost, so running it again gives another file.
set -eu

power=$1
output=$(realpath -m "$2")
version=0.7.6

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
npm install --silent --no-fund --no-audit "snarkjs@$version" >/dev/null
snarkjs=node_modules/.bin/snarkjs
"$snarkjs" powersoftau new bn128 "$power" first.ptau >/dev/null
head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n' >entropy
"$snarkjs" powersoftau contribute first.ptau second.ptau --name=sertn -e="$(cat entropy)" >/dev/null
"$snarkjs" powersoftau prepare phase2 second.ptau third.ptau >/dev/null
"$snarkjs" powersoftau verify third.ptau >verify.txt
mv third.ptau "$output"
