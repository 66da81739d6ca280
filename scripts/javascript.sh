#!/bin/sh
# Check, format and test the JavaScript with Node.js: sh scripts/javascript.sh install | bundle | check | format | test
# Without Node.js each of them is skipped with one line. `bundle`, `check` and `format` also need the npm packages of package.json.
set -eu
cd "$(dirname "$0")/.."

tests='tests/js/*.test.js'
modules=node_modules
stamp=$modules/.stamp

has_node() {
  command -v node >/dev/null && node -e 'process.exit(parseInt(process.versions.node, 10) >= 18 ? 0 : 1)' 2>/dev/null
}

skip() {
  echo "$1: the JavaScript is not $2." >&2
  exit 0
}

# Node.js and npm from Debian, where this user may install them.
install() {
  missing=
  command -v node >/dev/null || missing="$missing nodejs"
  command -v npm >/dev/null || missing="$missing npm"
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not here:$missing (apt-get install$missing)." >&2
    return 0
  fi
  echo "Installing$missing for the checks and tests of the JavaScript ..."
  export DEBIAN_FRONTEND=noninteractive
  packages() { apt-get install -y -qq --no-install-recommends $missing; }
  { packages || { apt-get update -qq && packages; }; } >/dev/null || echo "Cannot be installed:$missing" >&2
}

# The packages of package-lock.json, installed again when it changes.
with_packages() {
  has_node && command -v npm >/dev/null || skip 'No Node.js 18 or newer with npm' "$1"
  [ "$stamp" -nt package-lock.json ] && return
  npm ci --no-progress --loglevel=error --fetch-retries=1 >/dev/null || skip "The npm packages cannot be installed" "$1"
  touch "$stamp"
}

case "${1:-}" in
  install)
    install
    ;;
  bundle)
    with_packages bundled
    node scripts/bundle.mjs
    ;;
  check)
    with_packages checked
    for project in . src/msgcenter/inbox/worker tests/js; do
      echo "$modules/.bin/tsc --project $project"
      "$modules/.bin/tsc" --project "$project"
    done
    echo "$modules/.bin/biome ci --error-on-warnings"
    "$modules/.bin/biome" ci --error-on-warnings
    echo "node scripts/bundle.mjs --check"
    node scripts/bundle.mjs --check
    ;;
  format)
    with_packages formatted
    "$modules/.bin/biome" check --write
    ;;
  test)
    has_node || skip 'No Node.js 18 or newer' tested
    # The shell lists the files: what Node.js makes of a folder differs between its versions.
    exec node --test --test-reporter=spec $tests
    ;;
  *)
    echo "usage: sh scripts/javascript.sh install | bundle | check | format | test" >&2
    exit 2
    ;;
esac
