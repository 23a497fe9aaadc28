using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What file systems say of their size, and what resize2fs and xfs_growfs make of a device. Recorded on Debian 12.</summary>
public sealed class FileSystemSizeTests
{
    private const string Xfs = """
        meta-data=/dev/mapper/volumegroup-x isize=512    agcount=4, agsize=25600 blks
                 =                       sectsz=512   attr=2, projid32bit=1
                 =                       crc=1        finobt=1, sparse=1, rmapbt=0
                 =                       reflink=1    bigtime=1 inobtcount=1 nrext64=0
        data     =                       bsize=4096   blocks=102400, imaxpct=25
                 =                       sunit=0      swidth=0 blks
        naming   =version 2              bsize=4096   ascii-ci=0, ftype=1
        log      =internal log           bsize=4096   blocks=16384, version=2
                 =                       sectsz=512   sunit=0 blks, lazy-count=1
        realtime =none                   extsz=4096   blocks=0, rtextents=0

        """;

    [Fact]
    public void XfsGrowsByWholeBlocksButNotByATinyGroup()
    {
        var size = Read("xfs_info", Xfs);
        Assert.Equal((400L << 20, 4096L, 25600L), (size.Size, size.BlockSize, size.GroupBlocks));
        Assert.Equal(600L << 20, size.Filling(600L << 20));
        Assert.Equal(25600L * 5 * 4096, size.Filling((25600L * 5 + 63) * 4096));
        Assert.Equal((25600L * 5 + 64) * 4096, size.Filling((25600L * 5 + 64) * 4096));
    }

    [Fact]
    public void Ext4LeavesWhatIsTooSmallForAGroup()
    {
        var text = string.Join('\n', "Block count:              65536", "Reserved GDT blocks:      256", "First block:              1", "Block size:               1024",
            "Group descriptor size:    64", "Blocks per group:         8192", "Inode blocks per group:   256", "Filesystem state:         clean", "");
        var size = Read("dumpe2fs", text);
        Assert.Equal(64L << 20, size.Size);
        // 100 MiB end within a group that is worth making; one block after a whole group does not.
        Assert.Equal(100L << 20, size.Filling(100L << 20));
        Assert.Equal((8192L * 9 + 1) * 1024, size.Filling((8192L * 9 + 2) * 1024));
        Assert.Equal((8192L * 9 + 1) * 1024, size.Filling((8192L * 9 + 1) * 1024));
    }

    [Fact]
    public void WhatIsNotUnderstoodIsAnError()
    {
        Assert.Throws<FormatException>(() => Read("xfs_info", "xfs_info: /x is not a mounted XFS filesystem\n"));
        Assert.Throws<FormatException>(() => Read("dumpe2fs", "dumpe2fs 1.47.0 (5-Feb-2023)\n"));
    }

    [Fact]
    public void TheUsersOfDevicesAreNamed()
    {
        var users = ProcessUse.Read(Result("device-users", "name 532 bash\nname 626 sleep 1\nfile 64768 532\nfile 65024 532\nnode fd:0 626\nmap fd:00 632\nfile 64768 9\n"));
        Assert.Equal(
            [new DeviceUser("253:0", 532, "bash"), new DeviceUser("254:0", 532, "bash"), new DeviceUser("253:0", 626, "sleep 1"), new DeviceUser("253:0", 632, "?"), new DeviceUser("253:0", 9, "?")],
            users);
    }

    /// <summary>Anybody may name a process so (prctl PR_SET_NAME), and grep then writes two lines of it.</summary>
    [Fact]
    public void AProcessWithANewlineInItsNameHidesNobody() => Assert.Equal(
        [new DeviceUser("253:0", 7, "a"), new DeviceUser("253:0", 8, "b")],
        ProcessUse.Read(Result("device-users", "name 7 a\nname 7 b\nname 8 b\nfile 64768 7\nfile 64768 8\n")));

    private static FileSystemSizeFact Read(string tool, string text) => FileSystemSize.Read(Result(tool, text));

    private static ToolResult Result(string tool, string text) => new(new ToolCall(tool), ToolOutcome.Exited, 0, Encoding.UTF8.GetBytes(text), []);
}
