#!/usr/bin/env bash
# hardening.sh PROGRAM...: whether SOCKETIO_HARDENING has come through to the programs.
set -euo pipefail

passed=0 failed=0
trap 'echo "$passed passed, $failed failed"' EXIT
# expect PROGRAM WHAT PATTERN: PATTERN is in the text on standard input.
expect() {
    if grep -qE -- "$3"; then
        passed=$((passed + 1))
    else
        echo "$1: $2"
        failed=$((failed + 1))
    fi
}

for program; do
    dynamic=$(readelf -dW "$program") segments=$(readelf -lW "$program")
    symbols=$(readelf --dyn-syms -W "$program") code=$(objdump -d --no-show-raw-insn "$program")
    expect "$program" "not position independent" 'Type: +DYN' <<<"$(readelf -hW "$program")"
    expect "$program" "a shared object, not a PIE" 'FLAGS_1.* PIE' <<<"$dynamic"
    expect "$program" "functions are bound lazily" 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic"
    expect "$program" "no RELRO" 'GNU_RELRO' <<<"$segments"
    expect "$program" "no canaries on the stack" '__stack_chk_fail' <<<"$symbols"
    expect "$program" "not fortified" ' __[a-z]+_chk(@|$)' <<<"$symbols"
    expect "$program" "no checks in the standard library" '__glibcxx_assert_fail' <<<"$symbols"
    # A frame larger than a page touches each page on its way down.
    if [ "$(uname -m)" = x86_64 ]; then
        expect "$program" "no protection against stack clashes" \
            'or[ql] +\$0x0,(0x[0-9a-f]+)?\(%rsp\)' <<<"$code"
    fi
    # A stack that is executable would undo it all.
    expect "$program" "its stack can be executed" 'GNU_STACK.* RW ' <<<"$segments"
done
[ $failed = 0 ]
