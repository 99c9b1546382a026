# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# The programs of the cluster, from Go modules that pin and checksum every dependency (binaries/*/go.mod and go.sum). They are in one
# folder of the cache, since tests with a bare API server want etcd, kube-apiserver and kubectl in one (KUBEBUILDER_ASSETS).

CONTROL_PLANE=(kube-apiserver kube-controller-manager kubectl etcd)
NODE=(kube-scheduler kubelet kube-proxy coredns)

# kubernetes_flags are what a release is built with: without a version the API server calls itself v0.0.0.
kubernetes_flags() {
  local variable=k8s.io/component-base/version
  echo "-s -w -X $variable.gitVersion=v$KUBERNETES_VERSION -X $variable.gitMajor=1 -X $variable.gitMinor=35"
}

binaries_folder() {
  local modules=$here/binaries
  echo "$CACHE/kubernetes/$KUBERNETES_VERSION-$(key_of "$(go_key)" "$(kubernetes_flags)" \
    "$modules"/*/go.mod "$modules"/*/go.sum "$modules"/*/*.go)"
}

# compile MODULE LDFLAGS OUT PACKAGE... with -v, so that the log grows by a line for each package.
compile() {
  local module=$here/binaries/$1 flags=$2 out=$3
  shift 3
  (cd "$module" && CGO_ENABLED=0 go build -v -ldflags "$flags" -o "$out" "$@")
}

# Each program is moved into place whole: an interrupted build leaves none that is half there.
build_kubernetes() {
  compile kubernetes "$(kubernetes_flags)" "$BIN/partial/" "${@/#/k8s.io/kubernetes/cmd/}"
  mv "$BIN"/partial/* "$BIN/"
}

build_etcd() {
  compile etcd '-s -w' "$BIN/partial/etcd" go.etcd.io/etcd/server/v3
  mv "$BIN/partial/etcd" "$BIN/"
}

build_coredns() {
  compile coredns '-s -w' "$BIN/partial/coredns" .
  mv "$BIN/partial/coredns" "$BIN/"
}

# build_binaries PROGRAM... builds those that the cache does not hold yet.
build_binaries() {
  local program kubernetes=() lock
  BIN=$(binaries_folder)
  mkdir -p "$BIN"
  exec {lock}>"$BIN/.lock"
  flock -n "$lock" || { say "waiting for another build"; flock "$lock"; }
  rm -rf "$BIN/partial"
  mkdir "$BIN/partial"
  for program in "$@"; do
    [ -x "$BIN/$program" ] && continue
    case $program in
    etcd | coredns) step "building $program" quietly "$BIN/$program.log" "build_$program" ;;
    *) kubernetes+=("$program") ;;
    esac
  done
  if [ ${#kubernetes[@]} -gt 0 ]; then
    say "(some minutes on two cores, once)"
    step "building ${kubernetes[*]} $KUBERNETES_VERSION" quietly "$BIN/kubernetes.log" build_kubernetes "${kubernetes[@]}"
  fi
  rm -rf "$BIN/partial" "$BIN"/*.log
  exec {lock}>&-
}

# build_provisioner builds the program of volumes, which is our own and quick.
build_provisioner() {
  local source=$here/provisioner dest
  dest=$CACHE/provisioner-$(key_of "$(go_key)" "$source"/go.mod "$source"/go.sum "$source"/*.go)
  [ -e "$dest" ] || step "building the provisioner of volumes" cached "$dest" build_program "$source" provisioner
  PROVISIONER=$dest/provisioner
}

build_program() { (cd "$1" && CGO_ENABLED=0 go build -buildvcs=false -ldflags '-s -w' -o "$3/$2" .); }
