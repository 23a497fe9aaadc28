using VirtSecurity.Tests.Engine;
using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>An image is moved while everything goes wrong, and its guest always starts from one intact copy.</summary>
public sealed class MoveTests(LabFixture fixture) : InstantTest(fixture)
{
    private const string Old = "/srv/pool/g.img";
    private const string New = "/var/lib/libvirt/images/g.img";
    private const string Move = $"Move-VirtImage {Old} /var/lib/libvirt/images -VirtHost $lab";

    /// <summary>What makes each change, and an argument by which its call is known from others of that tool.</summary>
    private static readonly (string Tool, string Argument)[] Changes =
        [("/usr/bin/cp", "--sparse"), ("/usr/sbin/restorecon", New), ("/usr/bin/virsh", "define"), ("/usr/bin/rm", Old)];

    private static readonly Fault[] Kinds = [Fault.Killed, Fault.ConnectionCut, Fault.DiskFull];

    public static TheoryData<int, Fault> Faults => new(
        from change in Enumerable.Range(0, Changes.Length)
        from fault in Kinds
        where (change, fault) is not (2, Fault.ConnectionCut)
        select (change, fault));

    [Fact]
    public Task AConnectionCutWhileTheGuestIsRedefinedLeavesItOneIntactImage() => FaultAtAChange(2, Fault.ConnectionCut);

    [Theory]
    [MemberData(nameof(Faults))]
    [Trait(Lengthy, Yes)]
    public Task AFaultAtAChangeLeavesTheGuestOneIntactImage(int change, Fault fault) => FaultAtAChange(change, fault);

    [Fact]
    [Trait(Lengthy, Yes)]
    public async Task TenGigabytesOfHolesAreMovedWithoutBeingFilled()
    {
        const string big = "/var/lib/libvirt/images/big.img";
        await OnHost($$"""
            {{Pool}}
            truncate -s 10G /srv/pool/big.img
            for at in 0 4095 10239; do dd if=/dev/urandom of=/srv/pool/big.img bs=1M count=1 seek=$at conv=notrunc status=none; done
            chown libvirt-qemu:kvm /srv/pool/big.img; chmod 0640 /srv/pool/big.img
            python3 -c 'import os; os.setxattr("/srv/pool/big.img", "user.note", b"kept"); os.setxattr("/srv/pool/big.img", "trusted.libvirt.security.dac", b"+0:+0")'
            """);
        var sums = "for at in 0 4095 10239; do dd if={0} bs=1M count=1 skip=$at status=none; done | sha256sum";
        var before = await OnHost(sums.Replace("{0}", "/srv/pool/big.img", StringComparison.Ordinal));
        var moved = PowerShell("Get-VirtImage -LiteralPath /srv/pool/big.img -VirtHost $lab | Move-VirtImage -Destination /var/lib/libvirt/images | Test-VirtImageContext");
        Assert.Empty(moved.Errors);
        Assert.Equal((big, true), (Text(Assert.Single(moved.Output), "Path"), Value(moved.Output[0], "IsCompliant")));
        Assert.Equal(before, await OnHost(sums.Replace("{0}", big, StringComparison.Ordinal)));
        Assert.True(long.Parse(await OnHost($"echo $(($(stat -c '%b * %B' {big})))"), System.Globalization.CultureInfo.InvariantCulture) < 8 << 20);
        Assert.Equal($"libvirt-qemu:kvm 640 {10L << 30} system_u:object_r:virt_image_t:s0", await OnHost($"stat -c '%U:%G %a %s %C' {big}"));
        Assert.Equal("user.note", await OnHost($"python3 -c 'import os; print(*[name for name in os.listxattr(\"{big}\") if not name.startswith(\"security.\")])'"));
        Assert.Equal("", await OnHost("ls -A /srv/pool"));
    }

    private const string Pool = """
        mkdir -p /srv/pool
        printf '%s\n' "fcontext -a -f a -t virt_image_t -r s0 '/srv/pool(/.*)?'" | semanage import
        restorecon -R /srv/pool
        """;

    private async Task FaultAtAChange(int change, Fault fault)
    {
        var (tool, argument) = Changes[change];
        await OnHost($"""
            {Pool}
            dd if=/dev/urandom of={Old} bs=1M count=64 status=none
            restorecon {Old}
            lab-guest-define g {Old}
            """);
        var sum = (await OnHost($"sha256sum {Old}")).Split(' ')[0];
        // Every second time it is caught before its work, and otherwise after it.
        var isBefore = (change + (int)fault) % 2 == 0;
        await Wrap(tool, $$"""
            case "$*" in *{{argument}}*) ;; *) exec $REAL "$@";; esac
            code=0
            {{(isBefore ? "" : "$REAL \"$@\" || code=$?")}}
            if [ -e {{tool}}.wait ]; then
              echo >{{tool}}.at
              i=0
              while [ -e {{tool}}.wait ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i + 1)); done
            fi
            {{(isBefore ? "exec $REAL \"$@\"" : "exit $code")}}
            """);
        await OnHost($"touch {tool}.wait");
        await EngineRun.DisturbedAsync($"$lab = '{Machine.VirtHost}'\n{Move}", async process =>
        {
            await OnHost($"for i in $(seq 1200); do if [ -e {tool}.at ]; then exit 0; fi; sleep 0.1; done; exit 1");
            if (fault == Fault.Killed) process.Kill();
            if (fault == Fault.ConnectionCut) CutConnection(process.Id);
            if (fault == Fault.DiskFull) await OnHost(FillDisk);
            await OnHost($"unlink {tool}.wait; unlink {tool}.at");
        });
        await Unwrap(tool);
        await OnHost("unlink /filler 2>/dev/null; unlink /filler.rest 2>/dev/null; :");
        await NothingOfOursIsLeft();

        await GuestHasOneIntactImage(sum);
        if (PowerShell("Get-VirtChange -Unfinished -VirtHost $lab").Output is [var cut])
        {
            // Once the old file may be gone there is nothing to undo.
            var remedy = change % 2 == 0 && await OnHost($"ls {Old} 2>/dev/null || :") is { Length: > 0 } ? "Undo-VirtChange -Confirm:$false" : "Resume-VirtChange";
            TestContext.Current.TestOutputHelper?.WriteLine($"{Text(cut, "State")}: {remedy}");
            var done = PowerShell($"Get-VirtChange -Unfinished -VirtHost $lab | {remedy}");
            Assert.Empty(done.Errors);
            await GuestHasOneIntactImage(sum);
        }

        // Nothing is left of the other one, nor of what was between them.
        var named = await OnHost("virsh dumpxml --inactive g </dev/null | sed -n \"s,.*<source file='\\(.*/g.img\\)'/>.*,\\1,p\"");
        Assert.Equal(named, await OnHost($"find /srv/pool /var/lib/libvirt/images -type f \\( -name g.img -o -name '.virtsecurity*' \\)"));
        await OnHost("virsh start g </dev/null && lab-guest-wait g 90");
    }

    /// <summary>The file that the guest's definition names is whole.</summary>
    private async Task GuestHasOneIntactImage(string sum) => Assert.Equal(
        sum, await OnHost("sha256sum \"$(virsh dumpxml --inactive g </dev/null | sed -n \"s,.*<source file='\\(.*/g.img\\)'/>.*,\\1,p\")\" | cut -d ' ' -f 1"));
}
