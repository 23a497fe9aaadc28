#!/bin/bash
# Turns a freshly unpacked Debian tree into the lab's root file system.
# Usage: customise.sh ROOT FILES PUBLIC_KEY, as root on the building machine; nothing is booted.
# Errors: any failing command ends the script, and with it the image build.
set -euo pipefail
root=$1 files=$2 public_key=$3
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

in_root() { chroot "$root" "$@"; }

# --- identity and network ------------------------------------------------------------------------------------------
echo virtlab > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 virtlab\n' > "$root/etc/hosts"
: > "$root/etc/resolv.conf"
cat > "$root/etc/fstab" <<'FSTAB'
# <file system> <mount point> <type> <options> <dump> <pass>
/dev/vda / ext4 errors=remount-ro 0 1
FSTAB
# QEMU's user network always hands out the same address: a static one saves the wait for a lease.
cat > "$root/etc/systemd/network/10-lab.network" <<'NETWORK'
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK

# --- ssh: keys only, and many sessions at a time -------------------------------------------------------------------
cat > "$root/etc/ssh/sshd_config.d/lab.conf" <<'SSHD'
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxSessions 64
MaxStartups 64
SSHD
# One key type: each further one costs the emulated machine time at every start of sshd.
rm -f "$root"/etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C virtlab -f "$root/etc/ssh/ssh_host_ed25519_key"
echo 'HostKey /etc/ssh/ssh_host_ed25519_key' >> "$root/etc/ssh/sshd_config.d/lab.conf"

authorise() { # USER HOME
    in_root install -d -m 0700 -o "$1" -g "$(in_root id -gn "$1")" "$2/.ssh"
    install -m 0600 "$public_key" "$root$2/.ssh/authorized_keys"
    in_root chown "$1:$(in_root id -gn "$1")" "$2/.ssh/authorized_keys"
}
# `operator` is a group of base-passwd already, so both take the plain group `users`.
in_root useradd --create-home --no-user-group --gid users --shell /bin/bash admin
in_root useradd --create-home --no-user-group --gid users --shell /bin/bash operator
authorise root /root
authorise admin /home/admin
authorise operator /home/operator
echo 'operator ALL=(ALL:ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/operator"
chmod 0440 "$root/etc/sudoers.d/operator"

# --- SELinux -------------------------------------------------------------------------------------------------------
sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$root/etc/selinux/config"
store=$(sed -n 's/^SELINUXTYPE=//p' "$root/etc/selinux/config")
# Software emulation writes code and runs it: without the boolean a rightly labelled guest fails as well.
# In the chroot this takes a second; on the emulated machine it would take twenty.
in_root semanage boolean -N -S "$store" -m --on virt_use_execmem
# firewalld may not answer root over D-Bus: every firewall-cmd would hang for 50 seconds and fail.
cat > "$root/root/virtsecurity_lab.cil" <<'CIL'
(allow firewalld_t unconfined_t (dbus (send_msg)))
CIL
in_root semodule -N -s "$store" -i /root/virtsecurity_lab.cil
rm "$root/root/virtsecurity_lab.cil"

# --- libvirt: gaps of Debian's policy that have nothing to do with storage -----------------------------------------
cat >> "$root/etc/libvirt/qemu.conf" <<'QEMU'

# The lab: Debian's policy lets libvirtd neither build a mount namespace for a guest nor use cgroups through machined.
namespaces = []
cgroup_controllers = []
QEMU
in_root systemctl mask systemd-machined.service
rm -f "$root/usr/share/dbus-1/system-services/org.freedesktop.machine1.service"
rm -f "$root/etc/libvirt/qemu/networks/autostart/default.xml"
install -d -m 0711 "$root/var/lib/libvirt/images" "$root/var/lib/libvirt/boot"
# A guest that ignores the power button must not hold up a reboot of the host for five minutes.
printf 'ON_BOOT=ignore\nON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=30\n' >> "$root/etc/default/libvirt-guests"

# --- services ------------------------------------------------------------------------------------------------------
in_root systemctl enable systemd-networkd.service auditd.service ssh.service
# For the test that exports a directory to the machine itself; it starts them.
in_root systemctl disable nfs-server.service nfs-client.target nfs-blkmap.service rpcbind.service rpcbind.socket
# Nothing may start by itself in the middle of a measurement, nor when the clock jumps after a restore.
in_root systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer logrotate.timer man-db.timer systemd-tmpfiles-clean.timer \
    systemd-networkd-wait-online.service systemd-pstore.service systemd-timesyncd.service
# A getty on ttyS0 hangs up every other writer of the serial console.
in_root systemctl mask serial-getty@ttyS0.service getty@tty1.service

# Each login starts root's own systemd and the message of the day's scripts, which under emulation takes seconds: the
# first is kept running, the second has nobody to read it.
install -d -m 0755 "$root/var/lib/systemd/linger"
touch "$root/var/lib/systemd/linger/root"
rm -f "$root"/etc/update-motd.d/* "$root/etc/motd"

# --- the helper programs of the lab --------------------------------------------------------------------------------
for helper in lab-guest-define lab-guest-wait; do
    install -m 0755 "$files/$helper" "$root/usr/local/sbin/$helper"
done

# --- kernel and initramfs of the lab machine: only what its root disk needs ------------------------------------------
version=$(basename "$(ls -d "$root"/lib/modules/*)")
printf 'virtio_pci\nvirtio_blk\next4\n' >> "$root/etc/initramfs-tools/modules"
echo 'MODULES=list' > "$root/etc/initramfs-tools/conf.d/lab"
in_root update-initramfs -u -k "$version"

# --- the kernel of the guests inside: policy gives this directory virt_content_t --------------------------------------
as --32 -o "$files/lab-guest.o" "$files/lab-guest.S"
ld -m elf_i386 -Ttext 0 -e _start --oformat binary -o "$files/lab-guest.bin" "$files/lab-guest.o"
install -m 0644 "$files/lab-guest.bin" "$root/var/lib/libvirt/boot/lab-guest"

# --- a quick start: compiled python is there before the first run ------------------------------------------------------
in_root python3 -m compileall -q /usr/lib/python3 /usr/lib/python3.11 || true
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
# A given id, not an empty file: that one would make the first boot ask its questions on the console.
in_root systemd-id128 new > "$root/etc/machine-id"
