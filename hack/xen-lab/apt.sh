# Sourced by parts.sh: an apt of our own, with this machine's mirror and proxy and an empty database of packages. Sets SOURCES and
# ACQUIRE (a file of apt's settings for fetching) and the function `apt`.
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
SUITE=bookworm

# mirror FOLDER: what this machine's apt knows for /debian or /debian-security.
mirror() {
	local found
	found=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep "/$1/*\$" | head -n 1)
	[ -n "$found" ] || found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^#' | grep -o "https\{0,1\}://[^ ]*/$1/*" | head -n 1)
	printf '%s' "$found"
}

# private_apt FOLDER
private_apt() {
	local folder=$1 main security
	main=$(mirror debian) security=$(mirror debian-security)
	[ -n "$main" ] || fail 'no Debian mirror configured in apt'
	SOURCES=("deb [signed-by=$KEYRING] $main $SUITE main" "deb [signed-by=$KEYRING] $main $SUITE-updates main")
	[ -z "$security" ] || SOURCES+=("deb [signed-by=$KEYRING] $security $SUITE-security main")
	mkdir -p "$folder"/{etc/apt.conf.d,etc/preferences.d,lists/partial,cache/archives/partial,state}
	: >"$folder/state/status"
	printf '%s\n' "${SOURCES[@]}" >"$folder/etc/sources.list"
	ACQUIRE=$folder/acquire.conf
	apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv4)' >"$ACQUIRE" || true
	cat >>"$ACQUIRE" <<-'C'
	Acquire::Languages "none";
	Acquire::Check-Valid-Until "false";
	C
	cat - "$ACQUIRE" >"$folder/apt.conf" <<-C
	Dir::Etc "$folder/etc";
	Dir::State "$folder/state";
	Dir::State::Lists "$folder/lists";
	Dir::State::status "$folder/state/status";
	Dir::Cache "$folder/cache";
	APT::Sandbox::User "root";
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; };
	APT::Install-Recommends "false";
	C
	APT=$folder
	apt get -qq update || fail 'cannot fetch the lists of Debian'"'"'s packages'
}
apt() { local tool=$1; shift; APT_CONFIG=$APT/apt.conf "apt-$tool" "$@" >&2 9>&-; }
