#!/bin/sh
# Records what ClusterShell's nodeset makes of the inputs below, for nodeset_clustershell.rs:
#     sh clustershell.sh >clustershell.tsv
# Needs ClusterShell 1.9 or later. A refused input is recorded as "refused".
set -eu

answer() { # FLAG INPUT
    nodeset "$1" "$2" 2>/dev/null || printf 'refused\n'
}

printf '# input\tnodeset -e\tnodeset -f (%s)\n' "$(nodeset --version)"
while read -r input; do
    printf '%s\t%s\t%s\n' "$input" "$(answer -e "$input")" "$(answer -f "$input")"
done <<'END'
web-[01-20,30],db1
db1
a,b,a,c
n[3,1,2]
n5,n[1-3],a3,n7x
[1-3]
1,2,3,10
n[0-10/2]
n[1-10/3],n2
n[001-100/9]
n[1-5/2,7]
n[00-03]
n[0,00,000]
01,1,2,02
n01,n1,n2,n02
n[9-11]
n[09-11]
n[9,09,10]
n[99-100],n099
n[098-099,100-102]
n[998-1000]
n[098-100],n98,n1000
n[1-3].lan
n1x,n2x,n1
n[1-3]4
n[7-12]3
n0[1-3]
n3[1-3]
r[1-2]n[1-4]
r1n1,r1n2,r2n1,r2n2
r1n1,r1n2,r2n1
r1n1,r1n2,r2n2,r2n3,r3n3,r3n1
r1n1,r2n1,r3n1,r3n2
r[1,3]n[1-4],r2n[1-2,4]
r[1-2]n[1-4],r3n[1-3]
r[1-3]c[01-02]n[1-4]
a[1-2]b[3-4]c
x[1-2]y1
n1a2,n1a3,n1
r01n1,r1n1
r01n1,r1n1,r1n2,r01n2
r1,r1-2,r1.3
web-1,web1,web2,web-2
10.0.1.[1-20]
10.0.[0-1].[1-254]
root@10.0.0.[1-20]:2222
root@10.0.0.1:2222,root@10.0.0.2:2222,10.0.0.1
fe80::1,fe80::2
B1,a1,A1,b1
rack-7-node-[08-12]-eth0
n[ 1 - 3 ]
n[20-1]
n[1-
n[]
n[1,,2]
n[1]]
n]
n[a-b]
n[01-100]
n[1-010]
n[001-10]
n[1-3/0]
n[5/2]
a,,b
,a
n[0-999999999]
END
