#!/bin/sh
# Makes the kubeconfig of an agent in a dom0 that is no node of the cluster. Run it where kubectl has the rights of an
# administrator, and take the folder that it writes to the dom0 as /etc/stubdom:
#
#   hack/dom0/make-kubeconfig.sh [OPTIONS] NAME FOLDER
#
#   NAME              name of the XenHost, and of the dom0 in it
#   --token           a ServiceAccount token in place of a client certificate, for clusters that sign none. The chart has
#                     made the account: agent.dom0s.serviceAccounts={NAME}
#   --days N          how long it is good for (default 365). The API server may grant less: read what is printed
#   --context C       context of your kubeconfig
#   --server URL      address of the API server as the dom0 sees it (default: as you do)
#   --user-prefix P   as the chart's value agent.dom0s.userPrefix
#   --group G         as the chart's value agent.dom0s.group
#
# Run it again before it runs out: the agent reads the files again, and need not be restarted.
set -eu

prefix=stubdom.io:xenhost: group=stubdom.io:xenhosts namespace=stubdom-system
days=365 context='' server='' how=certificate
fail() { printf 'make-kubeconfig.sh: %s\n' "$1" >&2; exit 1; }
value() { [ $# -ge 2 ] || fail "$1 needs a value"; printf '%s' "$2"; }
while [ $# -gt 0 ]; do
	case $1 in
	--token) how=token; shift; continue ;;
	--days) days=$(value "$@") ;;
	--context) context=$(value "$@") ;;
	--server) server=$(value "$@") ;;
	--user-prefix) prefix=$(value "$@") ;;
	--group) group=$(value "$@") ;;
	-*) fail "there is no option $1; the head of this file lists them" ;;
	*) break ;;
	esac
	shift 2
done
[ $# -eq 2 ] || fail 'give NAME and FOLDER; the head of this file says more'
name=$1 folder=$2
case $name in
'' | *[!a-z0-9.-]* | -* | .* | *- | *.) fail "'$name' is no name of a XenHost: lower case letters, digits, - and ." ;;
esac
case $days in '' | *[!0-9]*) fail '--days needs a whole number' ;; esac
user=$prefix$name
if [ "$how" = certificate ] && [ "${#user}" -gt 64 ]; then
	fail "the user name $user has more than the 64 characters that fit in a certificate: use --token"
fi

kc() { kubectl ${context:+--context="$context"} "$@"; }

umask 077
mkdir -p "$folder"
work=$(mktemp -d)
request=''
# shellcheck disable=SC2317
cleanup() {
	rm -rf "$work"
	[ -z "$request" ] || kc delete csr "$request" --ignore-not-found >/dev/null
}
trap cleanup EXIT
trap 'exit 1' INT TERM

[ -n "$server" ] || server=$(kc config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
kc config view --minify --flatten --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$work/ca.crt"
[ -s "$work/ca.crt" ] || fail 'your kubeconfig names no certificate-authority for the cluster'

if [ "$how" = token ]; then
	kc -n "$namespace" get serviceaccount "xenhost-$name" >/dev/null ||
		fail "there is no ServiceAccount xenhost-$name: name the host in the chart's value agent.dom0s.serviceAccounts"
	kc -n "$namespace" create token "xenhost-$name" --duration="$((days * 24))h" >"$work/token"
	credential='tokenFile: token'
	files='ca.crt token'
else
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/client.key" 2>/dev/null
	openssl req -new -key "$work/client.key" -subj "/O=$group/CN=$user" -out "$work/client.csr"
	request=stubdom-xenhost-$name-$$
	kc create -f - >/dev/null <<EOF
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata:
  name: $request
spec:
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
  expirationSeconds: $((days * 86400))
  request: $(base64 <"$work/client.csr" | tr -d '\n')
EOF
	kc certificate approve "$request" >/dev/null
	kc wait "csr/$request" --for='jsonpath={.status.certificate}' --timeout=60s >/dev/null ||
		fail 'the cluster signed nothing within a minute. Some providers sign no client certificates: use --token'
	kc get csr "$request" -o 'jsonpath={.status.certificate}' | base64 -d >"$work/client.crt"
	credential='client-certificate: client.crt
      client-key: client.key'
	files='ca.crt client.key client.crt'
fi
cat >"$work/kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: stubdom
contexts:
  - name: stubdom
    context: { cluster: stubdom, user: xenhost, namespace: $namespace }
clusters:
  - name: stubdom
    cluster: { server: '$server', certificate-authority: ca.crt }
users:
  - name: xenhost
    user:
      $credential
EOF
for file in $files kubeconfig; do
	cp "$work/$file" "$folder/.$file.new"
	mv "$folder/.$file.new" "$folder/$file"
done
printf 'kubeconfig of XenHost %s: %s/kubeconfig\n' "$name" "$folder"
[ "$how" = token ] || openssl x509 -in "$folder/client.crt" -noout -enddate
