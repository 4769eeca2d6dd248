#!/bin/sh
# chroot-base.sh FOLDER: makes a file system with what the first stage of the Dockerfile needs, out of the programs of this machine
# (a Debian, or made from one), where neither an image registry nor a builder can be had. What comes out of it has this
# machine's C library and is for tests, never for a release.
set -e
. "$(dirname "$0")/common.sh"
root=$1
for needed in dpkg-query ldd chroot npm; do command -v $needed >/dev/null || fail "needs $needed, which is not installed"; done
mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules" "$root/etc" "$root/dev" "$root/root" "$root/var/lib/dpkg/info"
mkdir -m 1777 "$root/tmp"
for folder in bin sbin lib lib32 lib64; do
	if [ -L /$folder ]; then mkdir -p "$root/$(readlink /$folder)" && ln -s "$(readlink /$folder)" "$root/$folder"; fi
done
# take FILE: with the libraries that it needs.
take() {
	for file in "$1" $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$file" ] || { mkdir -p "$root$(dirname "$file")" && cp -L "$file" "$root$file"; }
	done
}
for program in sh bash env ldd find mkdir cp grep sort dirname basename cut rm chmod cat ln dpkg-query; do
	path=$(command -v $program) || fail "needs $program, which is not installed"
	take "$path"
	# Where the Dockerfile's PATH and #! lines look.
	[ -e "$root/usr/bin/$program" ] || ln -s "$path" "$root/usr/bin/$program"
	[ -e "$root/bin/$program" ] || ln -s "$path" "$root/bin/$program"
done
for library in /lib/*/libnss_dns.so.2 /lib/*/libnss_files.so.2; do [ ! -e "$library" ] || take "$library"; done
"$NODE" -p process.execPath >"$root/node-path"
take "$(cat "$root/node-path")"
mv "$root$(cat "$root/node-path")" "$root/usr/local/bin/node"
rm "$root/node-path"
for license in "$TREE"/node_modules/node/node_modules/node-*/LICENSE; do [ ! -e "$license" ] || cp "$license" "$root/usr/local/LICENSE"; done
take "$(ldd /bin/sh | grep -o '/[^ ]*libc\.so[^ ]*')"
cp -RL "$(dirname "$(readlink -f "$(command -v npm)")")/.." "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
cp /var/lib/dpkg/status "$root/var/lib/dpkg/"
cp /var/lib/dpkg/info/*.list /var/lib/dpkg/info/format "$root/var/lib/dpkg/info/"
for copyright in /usr/share/doc/*/copyright; do
	mkdir -p "$root$(dirname "$copyright")"
	cp -L "$copyright" "$root$copyright"
done
for file in os-release debian_version passwd group hosts resolv.conf nsswitch.conf; do [ ! -e /etc/$file ] || cp -L /etc/$file "$root/etc/"; done
if [ -r "${NODE_EXTRA_CA_CERTS:-/nonexistent}" ]; then cp -L "$NODE_EXTRA_CA_CERTS" "$root/usr/local/authorities.pem"; fi
mknod -m 666 "$root/dev/null" c 1 3 2>/dev/null || : >"$root/dev/null"
