# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # names are shared with the script that sources this
# Certificates and kubeconfigs: one authority, one name for each part, so that the audit log tells who did what.

certificate() { # file, CN, O, subject alternative names
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/O=$3/CN=$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" 2>/dev/null \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "${4:-DNS:localhost}")
  rm "$1.csr"
}

kubeconfig() { # file, certificate
  cat >"$1" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $NAME, cluster: {server: "https://$NODE_IP:$API_PORT", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $2, user: {client-certificate-data: $(base64 -w0 "$2.crt"), client-key-data: $(base64 -w0 "$2.key")}}]
contexts: [{name: $NAME, context: {cluster: $NAME, user: $2}}]
current-context: $NAME
YAML
}

make_identities() (
  umask 077
  cd "$STATE/pki" || exit
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 365 \
    -subj "/CN=$NAME" 2>/dev/null
  openssl ecparam -name prime256v1 -genkey -noout -out accounts.key
  openssl ec -in accounts.key -pubout -out accounts.pub 2>/dev/null
  certificate apiserver kube-apiserver "$NAME" \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:$API_SERVICE_IP,IP:127.0.0.1,IP:$NODE_IP"
  certificate kubelet-client kube-apiserver-kubelet-client system:masters
  certificate admin kubernetes-admin system:masters
  certificate controllers system:kube-controller-manager "$NAME"
  certificate scheduler system:kube-scheduler "$NAME"
  certificate node "system:node:$NAME" system:nodes "DNS:$NAME,IP:127.0.0.1,IP:$NODE_IP"
  certificate proxy system:kube-proxy "$NAME"
  certificate dns system:coredns system:masters
  certificate provisioner ragservice-provisioner system:masters
  kubeconfig "$STATE/admin.conf" admin
  for part in controllers scheduler node proxy dns provisioner; do kubeconfig "$part.conf" "$part"; done
)
