#!/bin/sh
# Usage, as root: install-debian.sh PACKAGE...
# Installs Debian packages for their programs alone: no service is started, now or at the next boot, and
# no PostgreSQL cluster is made. It changes no configuration file; what it puts down for that, it removes.
set -eu

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d
no_cluster="$clusters/auction-no-cluster.conf"
made_policy=""
made_no_cluster=""

clean_up() {
    if [ -n "$made_policy" ]; then
        rm -f "$policy"
    fi
    if [ -n "$made_no_cluster" ]; then
        rm -f "$no_cluster"
        if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            # Nothing was installed that needs them.
            rmdir -p "$clusters" 2>/dev/null || true
        fi
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Debian asks this file whether a package may start its service; an administrator's own one is left alone.
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

new_redis=""
for package in "$@"; do
    case "$package" in
    postgresql)
        mkdir -p "$clusters"
        made_no_cluster=yes
        echo "create_main_cluster = false" >"$no_cluster"
        ;;
    redis-server) new_redis=yes ;;
    esac
done

apt-get -q -o DPkg::Lock::Timeout=120 update
apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"

# The package lets its service start at the next boot; only the program is wanted.
if [ -n "$new_redis" ]; then
    if command -v systemctl >/dev/null 2>&1; then
        systemctl --quiet disable redis-server.service
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d redis-server disable
    fi
fi
