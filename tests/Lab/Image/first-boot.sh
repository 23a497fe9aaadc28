# Runs once in the machine, as root over ssh, before the snapshot `ready` is taken. Any failure ends the build.
set -euo pipefail

state=$(systemctl is-system-running --wait < /dev/null || true)
if [ "$state" != running ]; then
    echo "the machine is $state:" >&2
    systemctl --failed --no-pager --plain >&2
    exit 1
fi
[ "$(getenforce)" = Enforcing ]
getsebool virt_use_execmem | grep -q 'on$'
if [ -d /proc/xen ]; then
    grep -q control_d /proc/xen/capabilities
    xl list > /dev/null
fi
virsh capabilities < /dev/null | grep -q '<baselabel type=.qemu.>.*svirt'

pvcreate -q /dev/vdb
vgcreate -q volumegroup /dev/vdb

# What tests use again and again is read from the disk here once, so that the restored machine has it in memory.
for round in 1 2; do
    semanage export > /dev/null
    semanage import -N < /dev/null
    restorecon -R -n /etc/libvirt
    lvs --reportformat json > /dev/null
    vgs > /dev/null
    lsblk -J > /dev/null
    findmnt -J > /dev/null
    blkid -p /dev/vdc || true
    virsh list --all < /dev/null
    firewall-cmd --state
    ausearch --input-logs -m AVC -ts boot > /dev/null 2>&1 || true
done
mke2fs -V > /dev/null 2>&1
modprobe -a xfs dm_mod loop
udevadm settle
sync
