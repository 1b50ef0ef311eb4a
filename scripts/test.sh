#!/bin/sh
# Every check there is, one part after the other. Called by `make test`.
#
# The tests on real nodes need a machine that can start containers. One that cannot is told so, and
# with CI=true that counts as a failure. A test bed that is up already is used and left up.
set -eu

log=$(mktemp)
took=''
failed=''
bed_is_ours=no

end() {
    rm -f "$log" "$log.code"
    if [ "$bed_is_ours" = yes ]; then
        bed_is_ours=no
        cargo xtask testbed down
    fi
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# part NAME COMMAND...: runs it, shows how long it took, and remembers when it failed.
part() {
    name=$1
    shift
    printf '\n== %s\n' "$name"
    begun=$(date +%s)
    # The exit code is that of the command, not of tee.
    { code=0; "$@" || code=$?; echo "$code" >"$log.code"; } 2>&1 | tee -a "$log"
    code=$(cat "$log.code")
    seconds=$(($(date +%s) - begun))
    took="$took
$(printf '%5d s  %s' "$seconds" "$name")"
    if [ "$code" -ne 0 ]; then
        failed="$failed, $name"
        printf '== %s FAILED (exit code %s)\n' "$name" "$code"
    fi
    return "$code"
}

if [ -t 1 ]; then
    export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-always}"
fi
if cargo nextest --version >/dev/null 2>&1; then
    run_tests='cargo nextest run --no-fail-fast --show-progress=none --status-level=fail'
else
    run_tests='cargo test --no-fail-fast'
fi

# The words of $run_tests are meant to be split.
# shellcheck disable=SC2086
{
    part 'formatting' cargo fmt --all --check || :
    part 'lints' cargo clippy --workspace --all-targets --features container-nodes -- \
        -D warnings || :
    part 'the house (xtask tidy)' cargo xtask tidy || :
    part 'generated files' cargo xtask generate --check || :
    part 'tests' $run_tests --workspace || :
    part 'tests of examples in the docs' cargo test --workspace --doc || :

    left_out=''
    cargo xtask testbed status >/dev/null 2>&1 || bed_is_ours=yes
    if part 'test bed: three nodes' cargo xtask testbed up 3; then
        cache=${XDG_CACHE_HOME:-$HOME/.cache}/towline/testbed
        part 'tests on real nodes' env "TOWLINE_TESTBED=$cache/bed.json" \
            $run_tests --workspace --features container-nodes --test 'container*' || :
    elif [ "$code" -eq 69 ]; then
        left_out='the tests on real nodes (--features container-nodes): this machine cannot start
containers, for the reason said above under "test bed"'
        if [ "${CI:-}" != true ]; then
            failed=${failed%, test bed: three nodes}
        fi
        bed_is_ours=no
    fi
}

# What the two runners say at their ends:
#   Summary [ 1.2s] 34 tests run: 33 passed (1 slow), 1 failed, 2 skipped
#   test result: ok. 12 passed; 0 failed; 0 ignored; ...
counts=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /tests? run:/ || /^test result:/ {
        for (at = 2; at <= NF; at++) {
            if ($at ~ /^passed/) passed += $(at - 1)
            if ($at ~ /^(failed|timed)/) failing += $(at - 1)
        }
    }
    END { printf "%d passed, %d failed", passed, failing }')

printf '\n== how long it took%s\n' "$took"
if [ -n "$left_out" ]; then
    printf '\nLEFT OUT: %s.\n' "$left_out"
fi
if [ -n "$failed" ]; then
    printf '\nNot as it should be: %s\n%s\n' "${failed#, }" "$counts"
    exit 1
fi
printf '\nAll is as it should be.\n%s\n' "$counts"
