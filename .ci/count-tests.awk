# Reads `ctest -V`, shows a line per test program and the last 100 of those that failed, and appends
# "passed failed skipped" to the file `counts`. A program that crashed, timed out, or ended without
# its line "N passed, N failed" counts as one failure.

/^[0-9]+: / {
    id = $1
    sub(":", "", id)
    text = substr($0, length(id) + 3)
    output[id, ++lines[id]] = text
    if (text ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
        split(text, n, / [a-z]+,? ?/)
        passed[id] = n[1]
        failed[id] = n[2]
        skipped[id] = n[3]
        counted[id] = 1
    }
    next
}

# " 3/12 Test  #3: protocol_tests ...........   Passed    0.42 sec"
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    id = $0
    sub(/^[^#]*#/, "", id)
    sub(/:.*/, "", id)
    good = ($0 ~ /  Passed  /)
    sum = counted[id] ? passed[id] " passed, " failed[id] " failed" : "no counts"
    if (skipped[id]) sum = sum ", " skipped[id] " skipped"
    line = $0
    sub(/^.*#[0-9]+: /, "", line)
    sub(/\.\.\.+/, " ", line)
    print "  " line "  " sum
    if (!counted[id] || (!good && !failed[id])) ++failed[id]
    if (failed[id])
        for (i = lines[id] > 100 ? lines[id] - 99 : 1; i <= lines[id]; ++i) print "    " output[id, i]
    for (i = 1; i <= lines[id]; ++i) delete output[id, i]
    total[1] += passed[id]
    total[2] += failed[id]
    total[3] += skipped[id]
    ++programs
    fflush()
    next
}

/^No tests were found/ || /^CMake Error/ || /^Unable to find/ { print }

END {
    if (!programs) {
        print "  no test ran"
        ++total[2]
    }
    print total[1] + 0, total[2] + 0, total[3] + 0 >>counts
}
