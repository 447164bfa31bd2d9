# Steps that are run one after the other, each in spite of earlier failures, and counted together at the end.
# shellcheck shell=bash

passed=0
failed=0
failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs the function of that name, showing what it prints, and counts the tests in it.
step() {
    local name=$1 start=$SECONDS status before=$failed
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    local good bad
    read -r good bad < <(count_tests <"$log")
    passed=$((passed + good))
    failed=$((failed + bad))
    # A step that fails before it reaches a test (it does not compile, say) is one failure.
    if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then failed=$((failed + 1)); fi
    if [ "$failed" -ne "$before" ]; then failures+=("$name"); fi
    printf '== %s: %d passed, %d failed, %d s\n' "$name" "$good" $((failed - before)) $((SECONDS - start))
}

# Reads what a test runner prints and writes how many tests passed and how many failed: cargo nextest's summary, cargo
# test's results, pytest's last line, and lines that begin with "ok" or "FAIL", which is how the project's own checks report.
count_tests() {
    sed 's/\x1b\[[0-9;]*m//g' | awk '
        /^ *Summary \[/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^(failed|timed|exec)/) failed += $(i - 1)
            }
        }
        /^test result: / {
            for (i = 2; i <= NF; i++) {
                if ($i == "passed;") passed += $(i - 1)
                if ($i == "failed;") failed += $(i - 1)
            }
        }
        /^(=+ )?[0-9]+ [a-z]+(, [0-9]+ [a-z]+)* in [0-9.]+s/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^(failed|error)/) failed += $(i - 1)
            }
        }
        /^ok    / { passed++ }
        /^FAIL  / { failed++ }
        END { print passed + 0, failed + 0 }'
}

# The closing line; the exit status is 0 if all is well and something was tested.
summary() {
    if [ ${#failures[@]} -gt 0 ]; then printf '\nfailed: %s\n' "${failures[*]}"; fi
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
