#!/bin/sh
# Install the servers for the tests from Debian, if this user may. None is started: the tests start their own.

# The program to look for, and the Debian package that contains it.
services='
nginx                                nginx
/usr/lib/postgresql/15/bin/postgres  postgresql-15
redis-server                         redis-server
pgbouncer                            pgbouncer
'

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
missing=
while read -r program package; do
  [ -z "$program" ] || command -v "$program" >/dev/null || missing="$missing $package"
done <<EOF
$services
EOF
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing, tests that need them are skipped:$missing (apt-get install$missing)." >&2
  exit 0
fi

# Debian calls this program before it starts a service, and reads this setting before it creates a database cluster.
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

echo "Installing$missing for the tests of real services ..."
install() { apt-get install -y -qq --no-install-recommends $missing; }
export DEBIAN_FRONTEND=noninteractive
{ install || { apt-get update -qq && install; }; } >/dev/null \
  || echo "Not installed, tests that need them are skipped:$missing" >&2
