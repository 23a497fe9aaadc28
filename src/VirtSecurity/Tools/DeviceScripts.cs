namespace VirtSecurity.Tools;

/// <summary>
/// The shell of <see cref="DeviceGuard"/>: the same functions judge a device when it is looked at and again, under the lock, in the call
/// that writes to it. They read; nothing here writes but what is named so.
/// </summary>
internal static class DeviceScripts
{
    /// <summary>Sets up what the functions below want: $node, and from it number (major:minor), hex (as stat prints it), s (sysfs), size, disk.</summary>
    private const string Identify = """
        set -u
        identify() {
          hex=$(stat -L -c %t:%T -- "$node") || return 1
          number=$((0x${hex%:*})):$((0x${hex#*:}))
          s=/sys/dev/block/$number
          [ -e "$s/size" ] || return 1
          size=$(($(cat "$s/size") * 512))
          disk=$node
          if [ -e "$s/partition" ]; then disk=/dev/$(basename -- "$(readlink -f -- "$s/..")" | tr '!' /); fi
        }
        same() { [ -b "$1" ] && [ "$(stat -L -c %t:%T -- "$1" 2>/dev/null)" = "$hex" ]; }

        """;

    // Each user of the device is a line. An exclusive open (wipefs --all --no-act opens O_RDWR|O_EXCL and writes nothing, seen with
    // strace, util-linux 2.38) meets every user inside the kernel: mounts of any namespace, dm, md, swap. What it does not meet: a loop
    // device over this one, and processes that did not ask for exclusive use. udev and LVM open a device for moments: asked again.
    // $keeper is our own process that holds the lock.
    private const string Use = """
        used() {
          u=$(known_use)
          for try in 1 2 3 4 5; do
            if [ -n "$u" ]; then printf '%s\n' "$u"; return; fi
            u=$(opened); [ -n "$u" ] || u=$(exclusive)
            [ -n "$u" ] || return 0
            if [ "$try" = 5 ]; then printf '%s\n' "$u"; return; fi
            u=
            sleep 0.3
          done
        }
        known_use() {
          for p in "$s"/*/partition; do
            if [ -e "$p" ]; then p=${p%/partition}; echo "it has the partition ${p##*/}"; fi
          done
          for h in "$s"/holders/*; do
            if [ -e "$h" ]; then echo "${h##*/} is made of it ($(cat "$h/dm/name" "$h/md/array_state" 2>/dev/null))"; fi
          done
          while read -r _ _ device _ point _; do
            if [ "$device" = "$number" ]; then echo "it is mounted at $point"; fi
          done </proc/self/mountinfo
          while read -r f _; do
            if same "$f"; then echo "it is swap space in use"; fi
          done </proc/swaps
          for b in /sys/block/loop*/loop/backing_file; do
            if [ -e "$b" ] && same "$(cat "$b")"; then b=${b%/loop/backing_file}; echo "${b##*/} is made of it"; fi
          done
          case $(cat /proc/[0-9]*/comm 2>/dev/null) in *xenstored*) xen_use;; esac
        }
        xen_use() {
          if ! x=$(xenstore-ls -f /local/domain/0/backend 2>&1); then
            case $x in *ENOENT*|*"No such"*) return;; esac
            echo "xenstore does not say who uses it: $x"
            return
          fi
          printf '%s\n' "$x" | while IFS= read -r line; do
            value=${line#* = \"}; value=${value%\"}
            case $line in
              */physical-device\ =*) [ "$value" = "$hex" ] || continue;;
              */params\ =*|*/physical-device-path\ =*) same "/${value#*/}" || continue;;
              *) continue;;
            esac
            echo "a Xen guest uses it: ${line%% *}"
          done
        }
        opened() {
          find -L /proc/[0-9]*/fd -maxdepth 1 -type b -exec stat -L -c '%t:%T %n' {} + 2>/dev/null | while read -r device fd; do
            pid=${fd#/proc/}; pid=${pid%%/*}
            if [ "$device" = "$hex" ] && [ "$pid" != "${keeper:-}" ]; then echo "process $pid ($(cat "/proc/$pid/comm" 2>/dev/null)) has it open"; fi
          done | sort -u
        }
        exclusive() {
          if ! w=$(wipefs --all --no-act -- "$node" 2>&1 >/dev/null); then echo "it cannot be opened for us alone: $w"; fi
        }

        """;

    // What is on it, one finding a line: "content ..." is what -Force may overwrite, "unreadable ..." is what nobody could judge. blkid exits
    // 2 where it finds nothing, and just so, without a word, where reads fail (seen on a dm error target); of a partition it always
    // has to say where it lies, and exits 0. So the first and the last MiB are read as well, past the cache, and must be zero.
    private const string Content = """
        contents() {
          blockdev --flushbufs "$node" 2>/dev/null
          b=$(blkid -p -o export -- "$node" 2>&1); c=$?
          told=$(printf '%s\n' "$b" | grep -Ev '^(DEVNAME=.*|PART_ENTRY_[A-Z]+=.*|)$')
          case $c in
            0) if [ -n "$told" ]; then echo "content $(kinds "$told")"; member; fi;;
            2) if [ -n "$told" ]; then echo "unreadable blkid: $told" | tr '\n' ' '; echo; fi;;
            8) echo "content signatures of different kinds: $(wipefs --noheadings --output TYPE -- "$node" 2>&1 | sort -u | paste -sd ,)";;
            *) echo "unreadable blkid ended with exit code $c: $told" | tr '\n' ' '; echo;;
          esac
          zero 0 first
          zero $((size - 1048576)) last
        }
        kinds() {
          k=$(printf '%s\n' "$1" | sed -n 's/^TYPE=//p; s/^PTTYPE=\(.*\)/partition table \1/p; s/^LABEL=\(.*\)/labelled \1/p; s/^UUID=\(.*\)/UUID \1/p' | paste -sd ' ')
          printf '%s' "${k:-a signature}"
        }
        member() {
          case $told in *TYPE=LVM2_member*) g=$(pvs --noheadings --options vg_name --select "pv_name=$node" 2>/dev/null | tr -d ' ');; *) return;; esac
          if [ -n "$g" ]; then echo "use it is a physical volume of the volume group $g"; fi
        }
        zero() {
          z=$({ dd if="$node" iflag=direct,skip_bytes,fullblock bs=1M count=1 skip="$1" status=none | cmp -n 1048576 - /dev/zero; } 2>&1) && return
          case $z in
            *differ:*) echo "content bytes other than zero in its $2 MiB";;
            *) echo "unreadable its $2 MiB: $z" | tr '\n' ' '; echo;;
          esac
        }

        """;

    // Where a run that is to make a file system on an empty device leaves its sign until the file system is whole: the first sector of the
    // last MiB, which neither mke2fs nor mkfs.xfs writes to. Without it a half-made one could not be told from a guest's data.
    private const string Mark = """
        sign() { printf 'virtsecurity %s\n' "$uuid" | dd bs=512 count=1 conv=sync status=none; }
        marked() {
          [ -n "${uuid:-}" ] && sign | cmp -s -n 512 -i "0:$((size - 1048576))" - "$node"
        }
        mark() { sign | dd of="$node" bs=512 seek=$(((size - 1048576) / 512)) conv=notrunc,fsync status=none; }
        unmark() { if marked; then dd if=/dev/zero of="$node" bs=512 count=1 seek=$(((size - 1048576) / 512)) conv=notrunc,fsync status=none; fi; }
        clear_mib() { dd if=/dev/zero of="$node" bs=1M count=1 oflag=seek_bytes seek="$1" conv=notrunc,fsync status=none; }
        made() { [ "$(blkid -p -s UUID -o value -- "$node")" = "$uuid" ]; }

        """;

    private const string Functions = Identify + Mark + Use + Content;

    /// <summary>$1: a path. Prints what it is, word and value a line.</summary>
    public const string Look = Functions + """
        say() { printf '%s %s\n' "$1" "$2"; }
        p=$1
        if [ ! -e "$p" ]; then say kind none; exit 0; fi
        node=$(readlink -f -- "$p")
        say node "$node"
        say kind "$(stat -c %F -- "$node")"
        [ -b "$node" ] || exit 0
        udevadm settle --timeout=10 || :
        if ! identify; then say kind none; exit 0; fi
        say number "$number"
        say size "$size"
        say readonly "$(cat "$s/ro")"
        say disk "$disk"
        if [ -e "$s/partition" ]; then
          i=$(blkid -p -s PART_ENTRY_UUID -o value -- "$node")
          if [ -n "$i" ] && [ "$(readlink -f -- "/dev/disk/by-partuuid/$i")" = "$node" ]; then say partuuid "$i"; fi
        fi
        find -L /dev/disk/by-id -samefile "$node" -printf 'link %p\n' 2>/dev/null | sort
        if [ "$size" -lt 1048576 ]; then exit 0; fi
        u=$(used)
        if [ -n "$u" ]; then printf '%s\n' "$u" | sed 's/^/use /'; exit 0; fi
        contents
        exit 0
        """;

    // The lock is the one of systemd.io/BLOCK_DEVICE_LOCKING, which udevadm lock(8) takes as well: flock on the whole disk's node. While it is
    // held udev neither probes the device nor reads its partition table anew. $1 is the script to run with it, the rest its
    // arguments: node, number, size ... That script does not inherit the lock, so that nothing it leaves behind can keep it.
    public const string Locked = Identify + """
        inner=$1; shift
        node=$1
        [ -b "$node" ] && identify || { echo "$node is gone" >&2; exit 66; }
        [ "$number $size" = "$2 $3" ] || { echo "$node is another device now" >&2; exit 66; }
        exec 9<"$disk" || exit 66
        flock -w 60 9 || { echo "$disk is locked by another program" >&2; exit 75; }
        keeper=$$ sh -c "$inner" device "$@" 9<&-
        """;

    /// <summary>
    /// Run by <see cref="Locked"/>. $4: what is known to be on it and may be lost, or nothing; $5: the new file system's UUID; the rest: the
    /// command that makes it. Old signatures go first: mkfs leaves those alone that lie where it does not write.
    /// </summary>
    public const string Make = Functions + """
        node=$1 expected=$4 uuid=$5
        shift 5
        [ -b "$node" ] && identify || { echo "$node is gone" >&2; exit 66; }
        u=$(used)
        if [ -n "$u" ]; then printf '%s\n' "$u" >&2; exit 73; fi
        if ! marked; then
          found=$(contents)
          if printf '%s\n' "$found" | grep -q '^use '; then printf '%s\n' "$found" >&2; exit 73; fi
          if printf '%s\n' "$found" | grep -q '^unreadable '; then printf '%s\n' "$found" >&2; exit 74; fi
          if [ "$found" != "$expected" ]; then printf '%s\n' "${found:-it is empty now}" >&2; exit 65; fi
        fi
        if [ -n "$expected" ]; then wipefs --all --quiet -- "$node" >&2 || exit 70; fi
        mark || exit 70
        "$@" || { echo "exit code $?" >&2; exit 70; }
        unmark
        """;

    /// <summary>$1: node, $2: number, $3: size, $4: UUID. Prints the UUID if the file system with it is there, whole or half made.</summary>
    public const string Made = Identify + Mark + """
        node=$1 uuid=$4
        [ -b "$node" ] && identify || { echo "$node is gone" >&2; exit 3; }
        [ "$number $size" = "$2 $3" ] || { echo "$node is another device now" >&2; exit 3; }
        if made || marked; then echo "$uuid"; exit 0; fi
        dd if="$node" iflag=direct bs=1M count=1 of=/dev/null status=none || exit 3
        """;

    /// <summary>Run by <see cref="Locked"/>. $4: UUID. Takes away what has it: the first and the last MiB are zero again, as they were found. What tells whose it is goes last.</summary>
    public const string Unmake = Functions + """
        node=$1 uuid=$4
        [ -b "$node" ] && identify || { echo "$node is gone" >&2; exit 66; }
        if ! made && ! marked; then exit 0; fi
        u=$(used)
        if [ -n "$u" ]; then printf '%s\n' "$u" >&2; exit 73; fi
        if made; then clear_mib $((size - 1048576)) && clear_mib 0; else clear_mib 0 && clear_mib $((size - 1048576)); fi
        """;
}
