# Fails unless every user of this pod, root first of all, is an unprivileged user of the node.
refused="buildkit.isolation: userns, but this pod has no user namespace; use rootless"
root=""
while read -r inside outside _; do
  [ "$outside" -gt 0 ] || { echo "$refused" >&2; exit 1; }
  if [ "$inside" -eq 0 ]; then root=$outside; fi
done <"$1" || exit 1
[ -n "$root" ] || { echo "$refused" >&2; exit 1; }
