using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Each change made to fail in turn by its tool: the host is as it was before.</summary>
public sealed class UndoTests(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>Each step, the tool that fails in it, and whether it fails before or after doing its work.</summary>
    public static TheoryData<string, string, bool> Failures { get; } = new()
    {
        { "lvcreate", "/usr/sbin/lvcreate", false },
        { "lvcreate", "/usr/sbin/lvcreate", true },
        { "mkfs", "/usr/sbin/mke2fs", false },
        { "mkdir", "/usr/bin/mkdir", false },
        { "chattr", "/usr/bin/chattr", false },
        { "fstab", "/usr/bin/mv", false },
        { "fstab", "/usr/bin/systemctl", true },
        { "mount", "/usr/bin/mount", true },
        { "chmod", "/usr/bin/chmod", false },
        { "semanage import", "/usr/sbin/semanage", true },
        { "restorecon", "/usr/sbin/restorecon", false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task AFailingStepLeavesTheHostAsItWas(string step, string tool, bool afterItsWork)
    {
        await OnHost("grep -q 'no newline' /etc/fstab || printf '# no newline at the end' >>/etc/fstab");
        var before = await HostState();
        await OnHost(Breaking(tool, afterItsWork));

        var run = PowerShell("New-SecureGuestVolume volumegroup images 64MB -MountPoint /virtstorage -VirtHost $lab");

        await OnHost(Mended(tool));
        Assert.Empty(run.Output);
        var error = Assert.Single(run.Errors);
        var message = Text(error, "Message");
        Assert.Contains($"the step '{step}' failed: ", message, StringComparison.Ordinal);
        Assert.Contains("broken for the test", message, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT undone", message, StringComparison.Ordinal);
        Assert.Equal("volumegroup/images", Text(error, "Target"));
        Assert.NotEqual("", Text(error, "RecommendedAction"));
        if (step != "lvcreate" || afterItsWork) Assert.Matches("Undone: .*lvcreate", message.ReplaceLineEndings(" "));
        else Assert.Contains("nothing had been made", message, StringComparison.Ordinal);
        Assert.Equal(before, await HostState());
        Assert.Contains("\"event\":\"end\"", await OnHost("tail -q -n 1 /var/lib/virtsecurity/journal/* | tail -n 1"), StringComparison.Ordinal);
        LeftAsFound();
    }

    [Fact]
    public async Task WhereTheJournalCannotBeWrittenNothingIsChanged()
    {
        await OnHost("mkdir -p -m 0700 /var/lib/virtsecurity && mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs /var/lib/virtsecurity && mkdir -m 0700 /var/lib/virtsecurity/journal && head -c 4096 /dev/zero >/var/lib/virtsecurity/full");
        var before = await HostState();
        var run = PowerShell("New-SecureGuestVolume volumegroup images 64MB -MountPoint /virtstorage -VirtHost $lab");
        Assert.Empty(run.Output);
        Assert.Equal("NoSpaceLeft", ErrorId(Assert.Single(run.Errors)));
        Assert.Equal(before, await HostState());
    }

    [Fact]
    public async Task OfSeveralTheOneThatFailsIsUndoneAloneWithOneCommitForTheOthers()
    {
        await OnHost("""
            mv /usr/sbin/mke2fs /usr/sbin/mke2fs.real
            cat >/usr/sbin/mke2fs <<'END'
            #!/bin/sh
            case "$*" in *two*) echo 'broken for the test' >&2; exit 1;; esac
            exec /usr/sbin/mke2fs.real "$@"
            END
            chmod 0755 /usr/sbin/mke2fs
            """);
        var recorder = new Recorder(Machine);
        await recorder.StartAsync();

        var run = PowerShell("""
            'one', 'two', 'three' | ForEach-Object { [pscustomobject]@{ Name = $_; MountPoint = "/srv/$_"; Size = '64MB' } } |
                New-SecureGuestVolume -VolumeGroup volumegroup -VirtHost $lab
            """);

        var ran = await recorder.StopAsync();
        Assert.Equal(["one", "three"], run.Output.Select(volume => Text(volume, "Name")).Order());
        Assert.All(run.Output, volume => Assert.Equal(true, Value(volume, "IsCompliant")));
        Assert.Equal("volumegroup/two", Text(Assert.Single(run.Errors), "Target"));
        Assert.Equal(1, ran.Count(name => name == "semanage"));
        Assert.Equal(1, ran.Count(name => name == "restorecon"));
        Assert.Equal("one\nthree", await OnHost("lvs --noheadings -o lv_name | tr -d ' ' | sort"));
        Assert.Equal("one\nthree", await OnHost("ls /srv"));
        Assert.DoesNotContain("two", await OnHost("cat /etc/fstab /etc/selinux/default/contexts/files/file_contexts.local"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mke2fs")]
    [InlineData("flock")]
    public async Task AStopInTheMiddleUndoesWhatWasMadeAndSaysSo(string tool)
    {
        // A file system large enough to be interrupted in the making of it.
        var before = await HostState();

        var run = PowerShell("New-SecureGuestVolume volumegroup images 12GB -MountPoint /virtstorage -VirtHost $lab", "--stop-on", tool);

        Assert.Empty(run.Output);
        Assert.Contains(run.Console, line => line.Contains("volumegroup/images", StringComparison.Ordinal) && line.Contains("Undone: ", StringComparison.Ordinal) && line.Contains("lvcreate", StringComparison.Ordinal));
        Assert.Equal(before, await HostState());
    }

    /// <summary>
    /// A tool that fails where it has to do with the volume, and works as ever elsewhere: mkdir is the journal's tool too. cp -a and
    /// rename keep its SELinux label, so that the real one still runs in its own domain.
    /// </summary>
    private static string Breaking(string tool, bool afterItsWork)
    {
        var real = tool.EndsWith("lvcreate", StringComparison.Ordinal) ? "/usr/sbin/lvm lvcreate" : $"{tool}.real";
        var work = afterItsWork ? $"{real} \"$@\";" : "";
        return $"""
            cp -a {tool} {tool}.real
            cat >{tool}.new <<'END'
            #!/bin/sh
            case "$0 $*" in
              *virtstorage*|*volumegroup*|*fstab*|*daemon-reload*|*/semanage*|*/restorecon*) {work} echo 'broken for the test' >&2; exit 1;;
            esac
            exec {real} "$@"
            END
            chmod 0755 {tool}.new
            perl -e 'rename "{tool}.new", "{tool}" or die'
            """;
    }

    private static string Mended(string tool) => $"perl -e 'rename \"{tool}.real\", \"{tool}\" or die'";
}
