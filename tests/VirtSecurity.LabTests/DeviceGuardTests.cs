using System.Management.Automation;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>
/// Real devices with everything that may be on them, and everyone who may use them: what is not provably empty is refused and keeps each of
/// its bytes; an empty partition becomes a store; what -Force overwrites is asked about first.
/// </summary>
public sealed class DeviceGuardTests(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>Contents by the partition of /dev/vdc that they are on.</summary>
    private static readonly (int Partition, string What, string Words, string Make)[] Contents =
    [
        (1, "ext2", "ext2", "mke2fs -q -t ext2 $d"),
        (2, "ext3", "ext3", "mke2fs -q -t ext3 $d"),
        (3, "ext4", "ext4", "mke2fs -q -t ext4 -L data $d"),
        (4, "xfs", "xfs", "mkfs.xfs -q $d"),
        (5, "btrfs", "btrfs", "mkfs.btrfs -q $d"),
        (6, "swap", "swap", "mkswap -q $d"),
        (7, "a physical volume of no group", "LVM2_member", "pvcreate -q $d"),
        (8, "LUKS1", "crypto_LUKS", "luks luks1 $d"),
        (9, "LUKS2", "crypto_LUKS", "luks luks2 --pbkdf pbkdf2 $d"),
        (10, "a member of an md array, its superblock at the end", "linux_raid_member", "mdadm -q --create /dev/md90 --run --level=1 --raid-devices=2 --metadata=1.0 $d missing; mdadm --stop /dev/md90; [ ! -e /sys/block/md90/md/dev-${d##*/} ]"),
        (11, "a GPT", "gpt", "echo label: gpt | sfdisk -q $d"),
        (12, "an MBR", "dos", "echo label: dos | sfdisk -q $d"),
        (13, "an ISO", "iso9660", @"poke 32768 '\x01CD001\x01'"),
        (14, "two signatures", "signatures of different kinds", @"mke2fs -q -t ext4 $d; poke 4086 SWAPSPACE2; poke 1024 '\x01\x00\x00\x00\x0f\x00\x00\x00'"),
        (15, "random bytes at the beginning", "first MiB", "dd if=/dev/urandom of=$d bs=4k count=1 seek=100 conv=notrunc status=none"),
        (16, "random bytes at the end", "last MiB", "dd if=/dev/urandom of=$d bs=4k count=1 oflag=seek_bytes seek=$((size - 8192)) conv=notrunc status=none"),
    ];

    private static readonly (string Device, string Words)[] Uses =
    [
        ("/dev/vdc17", "mounted at /mnt"),
        ("/dev/vdc18", "swap space in use"),
        ("/dev/vdc19", "is made of it (held)"),
        ("/dev/vdc20", "the guest stopped is defined with it"),
        ("/dev/vdc21", "the running guest running uses it"),
        ("/dev/vdc22", "(sleep) has it open"),
        ("/dev/vdc23", "loop1 is made of it"),
        ("/dev/vdc24", "cannot be opened for us alone"),
        ("/dev/vdc", "it has the partition vdc1"),
        ("/dev/vdb", "is made of it (volumegroup-image)"),
        ("/dev/vdc27", "physical volume of the volume group spare"),
        ("/dev/vdc28", "is made of it ("),
    ];

    private static readonly (string Device, string Id, string Words)[] Others =
    [
        ("/dev/mapper/bad", "DeviceUnreadable", "Input/output error"),
        ("/dev/mapper/halfbad", "DeviceUnreadable", "last MiB"),
        ("/dev/vdc25", "DeviceUnreadable", "blkid ended with exit code 4"),
        ("/dev/volumegroup/image", "DeviceNotEmpty", "first MiB"),
        ("/dev/loop7", "DeviceNotUsable", "has no medium"),
        ("/dev/loop2", "DeviceNotUsable", "read-only"),
        ("/dev/null", "DeviceNotUsable", "character special file"),
        ("/dev/disk", "DeviceNotUsable", "directory"),
        ("/dev/shm/file", "DeviceNotUsable", "regular"),
        ("/dev/shm/out", "DeviceNotUsable", "does not lie below /dev"),
        ("/dev/shm/dangling", "DeviceNotFound", "/dev/shm/dangling"),
        ("/dev/nosuch", "DeviceNotFound", "/dev/nosuch"),
        ("/root/image.img", "DeviceNotUsable", "does not lie below /dev"),
    ];

    [Fact]
    public async Task WhatHoldsSomethingOrIsUsedIsRefusedAndKeepsEachOfItsBytesAndForceNeverTakesWhatIsUsed()
    {
        await Partition(28);
        await OnHost(Helpers + string.Concat(Contents.Select(one => $"d=/dev/vdc{one.Partition}; size=$(blockdev --getsize64 $d); {one.Make}\n")) + "udevadm settle");
        await OnHost(Users);
        await Wrap("/usr/sbin/blkid", """case "$*" in */dev/vdc25) exit 4;; esac; exec $REAL "$@" """);
        var used = Sample(Uses).ToArray();
        var expected = Sample(Contents.Select(one => (Device: $"/dev/vdc{one.Partition}", Id: "DeviceNotEmpty", one.Words)))
            .Concat(used.Select(one => (one.Device, Id: "DeviceInUse", one.Words)))
            .Concat(Sample(Others)).ToArray();
        var before = await Bytes();
        var host = await HostState();

        var run = PowerShell(Rows(expected.Select(one => one.Device)) + "| New-SecureGuestVolume -VirtHost $lab");

        Assert.Empty(run.Output);
        Compare(expected, run.Errors);

        // Without a question, and with leave to overwrite: use is still use.
        var forced = PowerShell(Rows(used.Select(one => one.Device)) + "| New-SecureGuestVolume -VirtHost $lab -Force -Confirm:$false");
        Assert.Empty(forced.Output);
        Compare([.. used.Select(one => (one.Device, "DeviceInUse", one.Words))], forced.Errors);

        Assert.Equal(before, await Bytes());
        Assert.Equal(host, await HostState());
    }

    [Fact]
    public async Task AnEmptyPartitionBecomesAStoreAndWhatForceOverwritesIsAskedAbout()
    {
        await Partition(4);
        await OnHost("mke2fs -q -t ext4 -L old /dev/vdc2; mkswap -q /dev/vdc3; udevadm settle");
        var swap = await OnHost("sha256sum </dev/vdc3");
        var run = PowerShell("New-SecureGuestVolume -DevicePath /dev/disk/by-id/virtio-lab-spare-part1 -MountPoint /srv/images -VirtHost $lab; New-SecureGuestVolume -DevicePath /dev/vdc1 -MountPoint /srv/images -VirtHost $lab");
        Assert.Empty(run.Errors);
        Assert.Equal(2, run.Output.Count);
        Assert.All(run.Output, volume => Assert.Equal(true, Value(volume, "IsCompliant")));
        Assert.All(run.Output, volume => Assert.Equal("/dev/vdc1", Text(volume, "DevicePath")));
        var identity = await OnHost("blkid -p -s PART_ENTRY_UUID -o value /dev/vdc1");
        Assert.StartsWith($"PARTUUID={identity} /srv/images ext4 ", Text(run.Output[0], "FstabLine"), StringComparison.Ordinal);
        // As at a boot: by the line in fstab alone.
        await OnHost("umount /srv/images && mount /srv/images && findmnt --source /dev/vdc1 --mountpoint /srv/images");
        Assert.Contains(":virt_image_t:", await OnHost("stat -c %C /srv/images"), StringComparison.Ordinal);
        // Neither half of the mark that a run leaves while it makes a file system is there any more.
        Assert.Equal("", await OnHost("grep -c virtsecurity /dev/vdc1 | grep -v '^0$' || :"));

        var asked = PowerShell("New-SecureGuestVolume -DevicePath /dev/vdc2 -MountPoint /srv/forced -VirtHost $lab -Force", "--answers", "n");
        Assert.Empty(asked.Output);
        Assert.Matches("LOST.*ext4", Assert.Single(asked.Questions));
        Assert.Equal("old", await OnHost("blkid -p -s LABEL -o value /dev/vdc2"));

        var told = PowerShell("New-SecureGuestVolume -DevicePath /dev/vdc2 -MountPoint /srv/forced -VirtHost $lab -Force; New-SecureGuestVolume -DevicePath /dev/vdc3 -MountPoint /srv/other -VirtHost $lab -Force -WhatIf", "--answers", "y");
        Assert.Empty(told.Errors);
        Assert.Equal(true, Value(Assert.Single(told.Output), "IsCompliant"));
        Assert.Contains(told.Console, line => line.Contains("LOST", StringComparison.Ordinal) && line.Contains("swap", StringComparison.Ordinal));
        Assert.Equal(swap, await OnHost("sha256sum </dev/vdc3"));
        Assert.NotEqual("old", await OnHost("blkid -p -s LABEL -o value /dev/vdc2 || :"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task AFailureAfterMkfsLeavesAnEmptyPartitionEmptyAndSaysOfAForcedOneWhatIsLost()
    {
        await Partition(3);
        await OnHost("mkswap -q /dev/vdc2; udevadm settle");
        var before = await HostState();
        await Wrap("/usr/bin/mount", """case "$*" in *vdc*) echo broken for the test >&2; exit 32;; esac; exec $REAL "$@" """);
        var run = PowerShell("New-SecureGuestVolume -DevicePath /dev/vdc1 -MountPoint /srv/a -VirtHost $lab; New-SecureGuestVolume -DevicePath /dev/vdc2 -MountPoint /srv/b -VirtHost $lab -Force -Confirm:$false");
        await Unwrap("/usr/bin/mount");
        Assert.Empty(run.Output);
        Assert.Equal(["MountFailed", "MountFailed"], run.Errors.Select(ErrorId));
        Assert.Matches("Undone: .*mkfs", Text(run.Errors[0], "Message").ReplaceLineEndings(" "));
        Assert.DoesNotContain("LOST", Text(run.Errors[0], "Message"), StringComparison.Ordinal);
        Assert.Contains("LOST", Text(run.Errors[1], "Message"), StringComparison.Ordinal);
        Assert.All(run.Errors, error => Assert.DoesNotContain("NOT undone", Text(error, "Message"), StringComparison.Ordinal));
        Assert.Equal("2", await OnHost("blkid -p /dev/vdc1 | grep -v PART_ENTRY; wipefs /dev/vdc1; head -c 1M /dev/vdc1 | cmp -n 1048576 - /dev/zero && tail -c 1M /dev/vdc1 | cmp -n 1048576 - /dev/zero && echo 2"));
        Assert.Equal(before, await HostState());

        // Half-made: mkfs has written, and no file system came of it. The sign that was left tells whose it is.
        await Wrap("/usr/sbin/mke2fs", """
            head -c 300k /dev/urandom | dd of=/dev/vdc3 conv=notrunc,fsync status=none
            exit 1
            """);
        var torn = PowerShell("New-SecureGuestVolume -DevicePath /dev/vdc3 -MountPoint /srv/c -VirtHost $lab");
        await Unwrap("/usr/sbin/mke2fs");
        Assert.Contains("the step 'mkfs' failed", Text(Assert.Single(torn.Errors), "Message"), StringComparison.Ordinal);
        Assert.Matches("Undone: mkfs", Text(torn.Errors[0], "Message"));
        Assert.Equal("empty", await OnHost("cmp -n 16777216 /dev/vdc3 /dev/zero && echo empty"));
        Assert.Equal(before, await HostState());
    }

    private const string Helpers = """
        poke() { printf "$2" | dd of=$d bs=1 seek=$1 conv=notrunc status=none; }
        luks() { printf secret | cryptsetup luksFormat -q --pbkdf-force-iterations 1000 --key-file - --type "$@"; }
        # What is on the disks stays as it was made: nothing puts arrays together by itself.
        ln -s /dev/null /etc/udev/rules.d/64-md-raid-assembly.rules; udevadm control --reload

        """;

    private const string Users = """
        mke2fs -q /dev/vdc17; mount /dev/vdc17 /mnt
        mkswap -q /dev/vdc18; swapon /dev/vdc18
        dmsetup create held --table "0 16384 linear /dev/vdc19 0"
        lab-guest-define stopped /dev/vdc20
        lab-guest-define running /dev/vdc21; virsh start running </dev/null
        setsid sleep 1000 9</dev/vdc22 >/dev/null 2>&1 &
        losetup /dev/loop1 /dev/vdc23
        vgcreate -q spare /dev/vdc27
        mdadm -q --create /dev/md91 --run --level=1 --raid-devices=2 --metadata=1.2 /dev/vdc28 missing
        mke2fs -q -t ext4 -O journal_dev /dev/vdc24; udevadm settle; mke2fs -q -t ext4 -J device=/dev/vdc24 /dev/vdc26; mkdir /media/j; mount /dev/vdc26 /media/j
        dmsetup create bad --table "0 65536 error"
        printf '0 32768 zero\n32768 32768 error\n' | dmsetup create halfbad
        lvcreate -q -n image -L 32M volumegroup; qemu-img create -q -f qcow2 /root/q.qcow2 1G; dd if=/root/q.qcow2 of=/dev/volumegroup/image conv=notrunc status=none
        truncate -s 16M /root/ro.img; losetup -r /dev/loop2 /root/ro.img
        touch /dev/shm/file; mknod /root/node b 7 9; ln -s /root/node /dev/shm/out; ln -s /dev/gone /dev/shm/dangling
        udevadm settle; sync
        """;

    private Task Partition(int count) => OnHost($$"""
        { echo label: gpt; for i in $(seq {{count}}); do case $i in 4) echo size=320MiB;; 5) echo size=128MiB;; 9) echo size=32MiB;; *) echo size=16MiB;; esac; done; } | sfdisk -q /dev/vdc
        udevadm settle
        """);

    /// <summary>Each device's bytes, but those of the guest that is running and of what cannot be read.</summary>
    private Task<string> Bytes() => OnHost("sync; for i in $(seq 28); do if [ $i != 21 ]; then echo $i $(sha256sum </dev/vdc$i); fi; done; sha256sum </dev/volumegroup/image");

    private static string Rows(IEnumerable<string> devices) =>
        "@(" + string.Join(',', devices.Select((device, i) => $"[pscustomobject]@{{ DevicePath = '{device}'; MountPoint = '/srv/d{i}' }}")) + ") ";

    private static void Compare((string Device, string Id, string Words)[] expected, IReadOnlyList<PSObject> errors)
    {
        var found = errors.ToLookup(error => Text(error, "Target"));
        Assert.All(expected, one =>
        {
            var error = Assert.Single(found[one.Device]);
            Assert.Equal(one.Id, ErrorId(error));
            Assert.Contains(one.Words, Text(error, "Message"), StringComparison.Ordinal);
            Assert.NotEqual("", Text(error, "RecommendedAction"));
        });
        Assert.Equal(expected.Length, errors.Count);
    }
}
