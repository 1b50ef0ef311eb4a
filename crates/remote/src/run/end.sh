#!/bin/sh
# Ends every process that carries a mark, and all their descendants: first politely, then not.
#
# The mark (NAME=VALUE) comes on standard input, so that nothing started here carries it itself.
# $1 is how many tenths of a second the processes get between TERM and KILL.
# Prints "ended N left M": how many processes there were, and how many are still there.

IFS= read -r mark || exit 2
grace=$1

# What was started carries the mark in its environment; the login shell, and sudo, which start
# it, in their command line.
marked_by_proc() {
    # shellcheck disable=SC2062 # file names to be expanded, not a pattern
    printf '%s\n' "$mark" |
        grep -lF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null |
        while IFS=/ read -r _ _ pid _; do echo "$pid"; done
}

# PID, parent and state of every process. Not from /proc/PID/stat, where a process can choose
# its own name so that it reads as another line.
family_by_proc() {
    grep -H -e '^State:' -e '^PPid:' /proc/[0-9]*/status 2>/dev/null |
        awk -F '[/:\t ]+' '
            $5 == "State" { state[$3] = $6 }
            $5 == "PPid" { print $3, $6, state[$3] }'
}

marked_by_ps() {
    ps -A -ww -o pid= -o args= | awk -v mark="$mark" 'index($0, mark) { print $1 }'
}

family_by_ps() {
    ps -A -o pid= -o ppid= -o state= | awk '{ print $1, $2, substr($3, 1, 1) }'
}

if [ -r /proc/self/status ]; then
    kind='proc'
else
    kind='ps'
fi

# The marked and their descendants that are alive, one line.
find_all() {
    {
        "marked_by_$kind" | sed 's/^/marked /'
        "family_by_$kind"
    } | awk -v self="$$" '
        $1 == "marked" { wanted[$2] = 1; next }
        { parent[$1] = $2; state[$1] = $3 }
        END {
            do {
                grew = 0
                for (pid in parent)
                    if (!(pid in wanted) && (parent[pid] in wanted)) { wanted[pid] = 1; grew = 1 }
            } while (grew)
            for (pid in wanted)
                if ((pid in state) && state[pid] != "Z" && pid != self && pid > 1)
                    printf "%s ", pid
        }'
}

found=
all=$(find_all)
for pid in $all; do found="$found $pid"; done
# shellcheck disable=SC2086 # a list of numbers, to be split
[ -z "$all" ] || kill -TERM $all 2>/dev/null
# A stopped process takes no TERM before it goes on.
# shellcheck disable=SC2086
[ -z "$all" ] || kill -CONT $all 2>/dev/null

waited=0
while [ -n "$all" ] && [ "$waited" -lt "$grace" ]; do
    sleep 0.1 2>/dev/null || { sleep 1; waited=$((waited + 9)); }
    waited=$((waited + 1))
    all=$(find_all)
done

# A process may start another between the look and the blow, so look again until none is left.
tries=0
while [ -n "$all" ] && [ "$tries" -lt 10 ]; do
    for pid in $all; do
        case "$found " in *" $pid "*) ;; *) found="$found $pid" ;; esac
    done
    # shellcheck disable=SC2086
    kill -KILL $all 2>/dev/null
    tries=$((tries + 1))
    [ "$tries" -lt 3 ] || sleep 0.1 2>/dev/null || sleep 1
    all=$(find_all)
done

# shellcheck disable=SC2086
set -- $found
ended=$#
# shellcheck disable=SC2086
set -- $all
echo "ended $((ended - $#)) left $#"
