#!/bin/sh
# lazy_stubs.sh NM READELF OUTPUT LIBRARY ARCHIVE...
#
# Writes the assembly of one lazily loaded library: for each function that the archives call and the
# shared library exports, a stub of the same name. Its first call loads the library (cmake/lazy_load.c) and
# remembers the address; later calls are one indirect jump. System V AMD64 calling convention: the slow
# path keeps every register that may carry an argument.
set -eu
nm=$1 readelf=$2 output=$3 library=$4
shift 4

soname=$("$readelf" -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
"$nm" -D --defined-only -P "$library" | awk '{ sub(/@.*/, "", $1); print $1, $2 }' >"$output.exported"
"$nm" -u -P "$@" 2>/dev/null | awk 'NF >= 2 { print $1 }' | sort -u >"$output.wanted"

awk -v soname="$soname" '
    NR == FNR { kind[$1] = $2; next }
    $1 in kind {
        if (kind[$1] !~ /^[TWi]$/) {
            print "lazy_stubs.sh: " $1 " of " soname " is data and cannot be loaded lazily" > "/dev/stderr"
            exit 1
        }
        name[count++] = $1
    }
    END {
        print "    .section .note.GNU-stack, \"\", @progbits"
        print "    .text"
        for (i = 0; i < count; i++) {
            printf "    .globl %s\n    .hidden %s\n    .type %s, @function\n", name[i], name[i], name[i]
            printf "%s:\n    jmp *.Lslot%d(%%rip)\n", name[i], i
            printf "    .size %s, .-%s\n", name[i], name[i]
            printf ".Lfirst%d:\n    pushq $%d\n    jmp .Lresolve\n", i, i
        }
        print ".Lresolve:"
        # On the stack: the number of the function, its return address. 8 + 16 * 8 bytes keep the alignment.
        print "    pushq %rbp\n    movq %rsp, %rbp\n    andq $-16, %rsp\n    subq $192, %rsp"
        split("rax rdi rsi rdx rcx r8 r9 r10", saved, " ")
        for (i = 1; i <= 8; i++)
            printf "    movq %%%s, %d(%%rsp)\n", saved[i], 8 * (i - 1)
        for (i = 0; i < 8; i++)
            printf "    movups %%xmm%d, %d(%%rsp)\n", i, 64 + 16 * i
        print "    movq 8(%rbp), %rax\n    leaq .Lnames(%rip), %rsi\n    movslq (%rsi,%rax,4), %rax"
        print "    addq %rax, %rsi\n    leaq .Lsoname(%rip), %rdi\n    call lazy_load_function@PLT"
        print "    movq 8(%rbp), %rcx\n    leaq .Lslots(%rip), %rdx\n    movq %rax, (%rdx,%rcx,8)\n    movq %rax, %r11"
        for (i = 1; i <= 8; i++)
            printf "    movq %d(%%rsp), %%%s\n", 8 * (i - 1), saved[i]
        for (i = 0; i < 8; i++)
            printf "    movups %d(%%rsp), %%xmm%d\n", 64 + 16 * i, i
        print "    leave\n    addq $8, %rsp\n    jmp *%r11"
        print "    .section .data.rel.local, \"aw\", @progbits\n    .balign 8\n.Lslots:"
        for (i = 0; i < count; i++)
            printf ".Lslot%d: .quad .Lfirst%d\n", i, i
        print "    .section .rodata\n    .balign 4\n.Lnames:"
        for (i = 0; i < count; i++)
            printf "    .long .Lname%d-.Lnames\n", i
        for (i = 0; i < count; i++)
            printf ".Lname%d: .asciz \"%s\"\n", i, name[i]
        printf ".Lsoname: .asciz \"%s\"\n", soname
    }' "$output.exported" "$output.wanted" >"$output.new"

# Left alone when it says the same, so that what stands on it is not built again.
cmp -s "$output.new" "$output" || mv "$output.new" "$output"
rm -f "$output.new" "$output.exported" "$output.wanted"
