#!/bin/sh
# Makes a .ptau file with the real snarkjs: a new ceremony, one contribution, prepared for phase 2 and
# verified, unless "unprepared" is asked for.
#
# Usage: make_ptau.sh POWER OUTPUT.ptau [unprepared]
# Needs node and the snarkjs of contracts/package.json, which contracts/setup installs.
# ceremony_5.ptau in this folder is "make_ptau.sh 5 ceremony_5.ptau" with snarkjs 0.7.6; its secret is
# lost, so running it again gives another file.
set -eu

power=$1
output=$(realpath -m "$2")
snarkjs=$(dirname "$(realpath "$0")")/../../../contracts/node_modules/.bin/snarkjs
snarkjs=$(realpath "$snarkjs")

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder"
"$snarkjs" powersoftau new bn128 "$power" first.ptau >/dev/null
head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n' >entropy
"$snarkjs" powersoftau contribute first.ptau second.ptau --name=sertn -e="$(cat entropy)" >/dev/null
if [ "${3:-}" = unprepared ]; then
    mv second.ptau "$output"
    exit
fi
"$snarkjs" powersoftau prepare phase2 second.ptau third.ptau >/dev/null
"$snarkjs" powersoftau verify third.ptau >verify.txt
mv third.ptau "$output"
