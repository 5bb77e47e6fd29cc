#!/bin/sh
# Usage, as root: install-debian.sh PACKAGE...
# Installs the programs of Debian packages. Starts no service, now or at the next boot, and creates no PostgreSQL
# cluster. Changes no existing configuration file, and removes the temporary ones that it creates.
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
            # postgresql-common was not installed, so the directories are not needed.
            rmdir -p "$clusters" 2>/dev/null || true
        fi
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Debian runs this file to decide whether a package may start its service. An existing file is kept.
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

new_services=""
for package in "$@"; do
    case "$package" in
    postgresql)
        mkdir -p "$clusters"
        made_no_cluster=yes
        echo "create_main_cluster = false" >"$no_cluster"
        ;;
    redis-server | pgbouncer) new_services="$new_services $package" ;;
    esac
done

apt-get -q -o DPkg::Lock::Timeout=120 update
apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"

# These packages enable their service at boot. Only the program is needed.
for service in $new_services; do
    if command -v systemctl >/dev/null 2>&1; then
        systemctl --quiet disable "$service.service"
    elif command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d "$service" disable
    fi
done
