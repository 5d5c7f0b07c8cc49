#!/usr/bin/env bash
# Walks docs/deployment.md on the cluster that kubectl points at, in a namespace of its own: trains the
# demo, exports and serves it by the very commands that are in the docs. Then restarts and kills pods
# under load, and says how many requests were lost and how long there was no answer. The cluster needs
# the images (`make images`). KEEP=1 leaves the namespace there.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/k8s/cluster
namespace=umop-cluster-test
settle=${SETTLE:-80} # seconds: as long as a pod of the front or of TorchServe may take to go
failed=0

scratch=$(mktemp -d)
leave() {
  [ -n "${KEEP:-}" ] || kubectl delete namespace "$namespace" --wait=false --ignore-not-found
  rm -rf "$scratch"
}
trap leave EXIT

# The commands of a section of the docs: those of its first block, or of another.
commands() {
  awk -v title="$1" -v wanted="${2:-1}" '
    /^##/ { inside = ($0 ~ "^#+ " title "$"); block = 0 }
    /^ *```/ { if (open) open = 0; else { block++; open = 1 }; next }
    inside && open && block == wanted' "$root/docs/deployment.md"
}

walk() {
  echo "== $1, commands ${2:-1}"
  commands "$@" >"$scratch/commands"
  [ -s "$scratch/commands" ] || { echo "docs/deployment.md has no such commands" >&2; exit 1; }
  (cd "$scratch" && bash -euo pipefail -c "trap 'jobs -p | xargs -r kill || true' EXIT; . ./commands")
}

lines() { kubectl logs umop-load | wc -l; }

# Does something under load, and sums up what the load's log said from its start until all has settled.
measure() {
  local what=$1 allowed=$2 start asked lost gap
  start=$(lines)
  "${@:3}" >&2
  sleep "$settle"
  read -r asked lost gap < <(kubectl logs umop-load | tail -n "+$((start + 1))" |
    awk '{ asked += $1; lost += $2; if ($3 > gap) gap = $3 } END { print asked + 0, lost + 0, gap + 0 }')
  printf '%-32s %8s asked %5s lost %8s s without an answer\n' "$what" "$asked" "$lost" "$gap"
  [ "$asked" -gt 0 ] && [ "$lost" -le "$allowed" ] || failed=1
}

ready() { kubectl rollout status --timeout=10m "deployment/$1"; }

restart() {
  kubectl rollout restart "deployment/$1"
  ready "$1"
}

first_pod() { kubectl get pods --selector "app.kubernetes.io/name=$1" --output name | head -n 1; }

remove() {
  kubectl delete "$(first_pod "$1")"
  ready "$1"
}

crash() {
  kubectl delete --force --grace-period=0 "$(first_pod "$1")"
  ready "$1"
}

kubectl config view --raw --minify --flatten >"$scratch/kubeconfig"
export KUBECONFIG=$scratch/kubeconfig
kubectl create namespace "$namespace"
kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted
kubectl config set-context --current --namespace "$namespace"
ln -s "$root/k8s" "$scratch/k8s"
cp "$root/docs/images/crowns.jpg" "$scratch/photo.png"

walk "The demo" 1
walk "Keys"
walk "The demo" 2

kubectl patch hpa umop-torchserve --type merge --patch '{"spec": {"minReplicas": 2}}'
for name in umop-api umop-torchserve; do
  kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 --timeout=10m "deployment/$name"
done
kubectl create configmap umop-load --from-file="$here/load.py"
image=$(kubectl get deployment umop-api --output jsonpath='{.spec.template.spec.containers[0].image}')
sed "s|image: .*|image: $image|" "$here/load.yaml" | kubectl apply -f -
kubectl wait --for=condition=ready --timeout=5m pod/umop-load

any=1000000
measure "nothing" 0 true
measure "restart of the fronts" 0 restart umop-api
measure "restart of the TorchServes" 0 restart umop-torchserve
measure "a front is deleted" 0 remove umop-api
measure "a TorchServe is deleted" 0 remove umop-torchserve
measure "a front is killed" $any crash umop-api
measure "a TorchServe is killed" $any crash umop-torchserve
[ $failed -eq 0 ]
