#!/bin/sh
# Install the servers that tests run from Debian, where this user may. Nothing is started: the tests start their own.

# A program that tells whether a server is here, and the package that brings it.
services='
nginx                                nginx
/usr/lib/postgresql/15/bin/postgres  postgresql-15
'

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
wanted=
while read -r program package; do
  [ -z "$program" ] || command -v "$program" >/dev/null || wanted="$wanted $package"
done <<EOF
$services
EOF
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not here, the tests that need them will be skipped:$wanted (apt-get install$wanted)." >&2
  exit 0
fi

# Debian asks this program before it starts a service, and this setting before it makes a database cluster.
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
ours=
if [ ! -e "$policy" ]; then
  ours="$policy"
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
mkdir -p "$clusters"
echo 'create_main_cluster = false' >"$clusters/msgcenter-tests.conf"
trap 'rm -f $ours "$clusters/msgcenter-tests.conf"' EXIT

echo "Installing$wanted for the tests of real services ..."
install() { apt-get install -y -qq --no-install-recommends $wanted; }
export DEBIAN_FRONTEND=noninteractive
{ install || { apt-get update -qq && install; }; } >/dev/null \
  || echo "These cannot be installed, the tests that need them will be skipped:$wanted" >&2
