using Xunit;

namespace VirtSecurity.LabTests;

/// <summary>Each change made to fail in turn by its tool: the host is as it was before.</summary>
public sealed class UndoTests(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>
    /// Each step, the tool that fails in it for one volume, and whether it fails before or after doing its work. A volume is named after its
    /// case: c0, c1 ...; those of the first group fail side by side in one pipeline.
    /// </summary>
    private static readonly (string Step, string Tool, bool AfterItsWork, bool SideBySide)[] AllFailures =
    [
        ("lvcreate", "/usr/sbin/lvcreate", false, true),
        ("lvcreate", "/usr/sbin/lvcreate", true, true),
        ("mkfs", "/usr/sbin/mke2fs", false, true),
        ("mkfs", "/usr/sbin/mke2fs", true, true),
        ("mkdir", "/usr/bin/mkdir", false, true),
        ("chattr", "/usr/bin/chattr", false, true),
        ("mount", "/usr/bin/mount", true, true),
        ("chmod", "/usr/bin/chgrp", false, true),
        ("chmod", "/usr/bin/chmod", false, true),
        ("fstab", "/usr/bin/mv", false, false),
        ("daemon-reload", "/usr/bin/systemctl", true, false),
        ("semanage import", "/usr/sbin/semanage", true, false),
        ("restorecon", "/usr/sbin/restorecon", false, false),
    ];

    /// <summary>All of them with VIRTSECURITY_LAB_FULL=1; otherwise one of those whose steps all volumes share.</summary>
    private static (string Step, string Tool, bool AfterItsWork, bool SideBySide)[] Failures => [.. AllFailures.Where(failure => IsFull || failure.SideBySide || failure.Step == "daemon-reload")];

    [Fact]
    public async Task AStepThatFailsLeavesTheHostAsItWas()
    {
        var failures = Failures;
        await OnHost("printf '# no newline at the end' >>/etc/fstab");
        foreach (var tool in failures.Select(failure => failure.Tool).Distinct()) await Wrap(tool, Breakable(tool));
        await OnHost(string.Join('\n', failures.Select((failure, i) => $"touch {failure.Tool}.{(failure.AfterItsWork ? "after" : "before")}.c{i}")));
        var before = await HostState();

        // Nine volumes, each failing in its own step, while the others are being made and undone; then those whose steps all volumes share.
        static string Row(int i) => $"[pscustomobject]@{{ Name = 'c{i}'; MountPoint = '/c{i}' }}";
        var sideBySide = string.Join(", ", Enumerable.Range(0, failures.Length).Where(i => failures[i].SideBySide).Select(Row));
        var alone = Enumerable.Range(0, failures.Length).Where(i => !failures[i].SideBySide).Select(Row);
        var run = PowerShell(string.Join('\n', alone.Prepend(sideBySide).Select(rows => $"{rows} | New-SecureGuestVolume volumegroup -Size 64MB -VirtHost $lab")));

        Assert.Empty(run.Output);
        var errors = run.Errors.ToDictionary(error => Text(error, "Target"));
        Assert.Equal(failures.Length, errors.Count);
        foreach (var (i, failure) in failures.Index())
        {
            var error = errors[$"volumegroup/c{i}"];
            var message = Text(error, "Message");
            Assert.Contains($"the step '{failure.Step}' failed: ", message, StringComparison.Ordinal);
            Assert.Contains("broken for the test", message, StringComparison.Ordinal);
            Assert.DoesNotContain("NOT undone", message, StringComparison.Ordinal);
            Assert.NotEqual("", Text(error, "RecommendedAction"));
            if (failure is { Step: "lvcreate", AfterItsWork: false }) Assert.Contains("nothing had been made", message, StringComparison.Ordinal);
            else Assert.Matches("Undone: .*lvcreate", message.ReplaceLineEndings(" "));
        }

        Assert.Equal(before, await HostState());
        Assert.Equal("", await OnHost("grep -L '\"event\":\"end\"' /var/lib/virtsecurity/journal/* || :"));
    }

    [Fact]
    [Trait(Lengthy, Yes)]
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
    [Trait(Lengthy, Yes)]
    public async Task OfSeveralTheOneThatFailsIsUndoneAloneWithOneCommitForTheOthers()
    {
        await Wrap("/usr/sbin/mke2fs", """
            case "$*" in *two*) echo 'broken for the test' >&2; exit 1;; esac
            exec $REAL "$@"
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
    [Trait(Lengthy, Yes)]
    [InlineData("mke2fs")]
    [InlineData("semanage import")]
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
    /// A tool that fails for the volumes c0, c1 ... for which there is a file TOOL.before.cN or TOOL.after.cN, and works as ever for all else:
    /// mkdir is the journal's tool too. What has no name on its command line is about the volume that is in fstab or mounted now.
    /// </summary>
    private static string Breakable(string tool)
    {
        var about = Path.GetFileName(tool) switch
        {
            "mv" => """case "$*" in *fstab*) tail -n 1 -- "$3";; esac""",
            "semanage" or "restorecon" or "systemctl" => "grep volumegroup /proc/mounts",
            _ => """echo "$*" """,
        };
        return $$"""
            about=" $({{about}}) "
            for f in {{tool}}.before.* {{tool}}.after.*; do
              c=${f##*.}
              case $about in
                *[!a-z0-9]"$c"[!a-z0-9]*)
                  case $f in *.after.*) $REAL "$@";; esac
                  echo 'broken for the test' >&2
                  exit 1;;
              esac
            done
            exec $REAL "$@"
            """;
    }
}
