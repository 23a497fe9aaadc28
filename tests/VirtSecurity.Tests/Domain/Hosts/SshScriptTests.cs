using System.Diagnostics;
using System.Text;
using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>The script of a batch, run by real shells: what goes in, what comes back, and what is left.</summary>
public sealed class SshScriptTests
{
    public static TheoryData<string, bool> Shells => Both(Shell.All);

    public static TheoryData<string, bool> ShellsWithCoreutils => Both(Shell.WithCoreutils);

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task ArgumentsAndInputOfAnyBytesArriveAndOutputOfAnyBytesComesBack(string shell, bool isChanging)
    {
        var random = new RandomText(3);
        var words = Enumerable.Range(0, 12).Select(_ => Enumerable.Range(0, 20).Select(_ => random.Text(6)).ToArray()).ToArray();
        var inputs = Enumerable.Range(0, 6).Select(i => random.Data(i * i * 5000)).ToArray();
        var results = await ShellBatch.RunAsync(shell, isChanging,
        [
            .. words.Select(some => new ToolCall(["printf", @"<%s>\0", .. some])),
            .. inputs.Select(input => new ToolCall("cat") { Stdin = input }),
            ToolCall.Script("both", """printf %s "$1" >&2; printf %s "$2" """, "err\nvs ", "out\n"),
        ]);

        Assert.All(results, result => Assert.True(result.Succeeded, result.Stderr));
        // The shell keeps what a change prints, and cannot keep a NUL byte.
        byte[] Kept(byte[] output) => isChanging ? [.. output.Where(value => value != 0)] : output;
        Assert.Equal(words.Select(some => Kept(HostText.Encode(string.Concat(some.Select(word => $"<{word}>\0"))))), results.Take(words.Length).Select(result => result.StdoutBytes));
        Assert.Equal(inputs.Select(Kept), results.Skip(words.Length).Take(inputs.Length).Select(result => result.StdoutBytes));
        Assert.Equal(("out\n", "err\nvs "), (results[^1].Stdout, Encoding.UTF8.GetString(results[^1].StderrBytes)));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AToolWithoutInputDoesNotReadTheScript(string shell, bool isChanging)
    {
        var results = await ShellBatch.RunAsync(shell, isChanging, [new("cat"), new("echo", "next")]);
        Assert.Equal(["", "next\n"], results.Select(result => result.Stdout));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task ToolsGetACleanEnvironmentAndPipes(string shell, bool isChanging)
    {
        using var batch = ShellBatch.Start(shell, isChanging, [new("env"), ToolCall.Script("kinds", "for i in 1 2; do readlink /proc/self/fd/$i | cut -d : -f 1 >&2; done")]);
        var results = await batch.EndAsync();
        var names = results[0].Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]);
        // bash adds what it keeps for itself; nothing of ours is among it.
        Assert.Equal(["HOME", "LC_ALL", "PATH", SshScript.RunVariable], names.Except(["PWD", "OLDPWD", "SHLVL", "_"]).Order());
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task EveryExitCodeIsReported(string shell, bool isChanging)
    {
        int[] codes = [0, 1, 2, 3, 5, 32, 75, 77, 123, 125, 126, 127, 130, 200, 255];
        var results = await ShellBatch.RunAsync(shell, isChanging, [.. codes.Select(code => ToolCall.Script("exit", "exit $1", $"{code}"))], BatchMode.RunAll);
        Assert.Equal(codes, results.Select(result => result.ExitCode));
        Assert.All(results, result => Assert.Equal(ToolOutcome.Exited, result.Outcome));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AfterAFailureNothingIsRun(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        var results = await ShellBatch.RunAsync(shell, isChanging, [new("true"), new("false"), new("touch", marks.Of("after")), new("virtsecurity-no-such-tool")]);
        Assert.Equal([ToolOutcome.Exited, ToolOutcome.Exited, ToolOutcome.NotRun, ToolOutcome.NotRun], results.Select(result => result.Outcome));
        Assert.False(marks.Has("after"));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AMissingToolIsOne(string shell, bool isChanging)
    {
        ToolCall[] calls = [new("virtsecurity-no-such-tool", "-x"), new("true")];
        Assert.Equal([ToolOutcome.NotFound, ToolOutcome.NotRun], (await ShellBatch.RunAsync(shell, isChanging, calls)).Select(result => result.Outcome));
        Assert.Equal([ToolOutcome.NotFound, ToolOutcome.Exited], (await ShellBatch.RunAsync(shell, isChanging, calls, BatchMode.RunAll)).Select(result => result.Outcome));
    }

    [Theory]
    [MemberData(nameof(ShellsWithCoreutils))]
    public async Task AToolWhoseTimeIsUpIsInterrupted(string shell, bool isChanging)
    {
        var limit = TimeSpan.FromSeconds(1);
        var results = await ShellBatch.RunAsync(
            shell,
            isChanging,
            [new("sleep", "300") { TimeLimit = limit }, new("sleep", "300") { TimeLimit = limit, Stop = StopPolicy.LetFinish }],
            BatchMode.RunAll);
        Assert.All(results, result => Assert.Equal(ToolOutcome.TimedOut, result.Outcome));
    }

    [Theory]
    [MemberData(nameof(ShellsWithCoreutils))]
    public async Task AStopInterruptsTheToolAndNothingMoreIsRun(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        // A shell cannot trap a signal that was ignored when it began: that its trap runs shows that the tool got the default.
        var tool = ToolCall.Script("tool", """trap ': >"$2"; exit 3' INT; : >"$1"; while :; do sleep 0.05; done""", marks.Of("begun"), marks.Of("interrupted"));
        using var batch = ShellBatch.Start(shell, isChanging, [tool, new("touch", marks.Of("after"))]);
        await Task.WhenAll(batch.Begun, marks.WaitForAsync("begun"));
        batch.Stop();
        var results = await batch.EndAsync();
        Assert.True(batch.IsComplete);
        Assert.True(marks.Has("interrupted"));
        Assert.False(marks.Has("after"));
        Assert.Equal((3, ToolOutcome.NotRun), (results[0].ExitCode, results[1].Outcome));
        Assert.False(Directory.Exists(batch.Directory));
    }

    [Theory]
    [MemberData(nameof(ShellsWithCoreutils))]
    public async Task AStopEndsAToolThatKnowsNothingOfSignals(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        using var batch = ShellBatch.Start(shell, isChanging, [ToolCall.Script("tool", """: >"$1"; exec sleep 300""", marks.Of("begun"))]);
        await Task.WhenAll(batch.Begun, marks.WaitForAsync("begun"));
        batch.Stop();
        Assert.NotEqual(0, Assert.Single(await batch.EndAsync()).ExitCode);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AToolThatIsToBeLeftAloneFinishesAndNothingMoreIsRun(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        var tool = ToolCall.Script("tool", """: >"$1"; while [ ! -e "$2" ]; do sleep 0.05; done; echo finished""", marks.Of("begun"), marks.Of("go")) with { Stop = StopPolicy.LetFinish };
        using var batch = ShellBatch.Start(shell, isChanging, [tool, new("touch", marks.Of("after"))]);
        await Task.WhenAll(batch.Begun, marks.WaitForAsync("begun"));
        batch.Stop();
        marks.Mark("go");
        var results = await batch.EndAsync();
        Assert.Equal((0, "finished\n", ToolOutcome.NotRun), (results[0].ExitCode, results[0].Stdout, results[1].Outcome));
        Assert.False(marks.Has("after"));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AStopForAnotherBatchIsNotOurs(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        var tool = ToolCall.Script("tool", """: >"$1"; while [ ! -e "$2" ]; do sleep 0.05; done""", marks.Of("begun"), marks.Of("go"));
        using var batch = ShellBatch.Start(shell, isChanging, [tool]);
        await Task.WhenAll(batch.Begun, marks.WaitForAsync("begun"));
        // The pid may be another's by the time of a stop: only a process that carries our nonce is ever signalled.
        Shell.Run(shell, SshScript.ForStop("vsAnother", batch.Directory));
        marks.Mark("go");
        Assert.True(Assert.Single(await batch.EndAsync()).Succeeded);
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task NothingIsLeftBehind(string shell, bool isChanging)
    {
        using var batch = ShellBatch.Start(shell, isChanging, [new("cat") { Stdin = "input"u8.ToArray() }, new("false"), new("true")]);
        await batch.EndAsync();
        Assert.StartsWith("/run/virtsecurity.", batch.Directory, StringComparison.Ordinal);
        Assert.False(Directory.Exists(batch.Directory));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public void AScriptThatIsCutAnywhereRunsNothing(string shell, bool isChanging)
    {
        const int cuts = 200;
        using var marks = new TemporaryDirectory();
        var script = SshScript.ForBatch("vsNonce", [new("touch", marks.Of("ran")) { Mutating = isChanging }, new("cat") { Stdin = "input\n}\n"u8.ToArray() }, new("touch", marks.Of("ran"))], BatchMode.RunAll);
        var whole = script.Length - "}\n".Length;
        for (var i = 0; i <= cuts; i++)
        {
            // Evenly over the script, and each of the last bytes.
            foreach (var length in i == cuts ? Enumerable.Range(whole - 20, 21) : [whole * i / cuts])
            {
                Shell.Run(shell, script[..length]);
                Assert.False(marks.Has("ran"), $"cut after {length} of {script.Length} bytes");
            }
        }

        Shell.Run(shell, script);
        Assert.True(marks.Has("ran"));
    }

    [Theory]
    [MemberData(nameof(Shells))]
    public async Task AfterALostConnectionTheToolThatRunsIsWaitedForAndTheRestIsNotRun(string shell, bool isChanging)
    {
        using var marks = new TemporaryDirectory();
        var tool = ToolCall.Script("tool", """: >"$1"; while [ ! -e "$2" ]; do sleep 0.05; done; : >"$3" """, marks.Of("begun"), marks.Of("go"), marks.Of("ended"));
        using var batch = ShellBatch.Start(shell, isChanging, [tool, new("touch", marks.Of("after"))]);
        await Task.WhenAll(batch.Begun, marks.WaitForAsync("begun"));
        await TemporaryDirectory.WaitUntilAsync(() => File.Exists(Path.Combine(batch.Directory, "pid")), "pid");
        batch.Process.Kill();
        using var wait = Shell.Start(shell, SshScript.ForWait(batch.Nonce, batch.Directory));
        await TemporaryDirectory.WaitUntilAsync(() => File.Exists(Path.Combine(batch.Directory, "stop")), "stop");
        marks.Mark("go");
        Assert.Equal(0, wait.Wait());
        Assert.True(marks.Has("ended"));
        Assert.False(marks.Has("after"));
        Assert.False(Directory.Exists(batch.Directory));
        var results = await batch.EndAsync();
        // The shell is gone; the two processes that carry questions' answers are not, and may bring the rest.
        Assert.Equal(!isChanging, batch.IsComplete);
        Assert.Equal([isChanging ? ToolOutcome.Lost : ToolOutcome.Exited, ToolOutcome.NotRun], results.Select(result => result.Outcome));
    }

    [Fact]
    public void AToolThatDoesNotEndIsSaidToRunStill()
    {
        const string nonce = "vsStillRunning";
        using var tool = Process.Start(new ProcessStartInfo("/usr/bin/sleep", ["300"]) { Environment = { [SshScript.RunVariable] = nonce } })!;
        try
        {
            Assert.Equal(75, Shell.Run("/bin/sh", SshScript.ForWait(nonce, null)).Code);
        }
        finally
        {
            tool.Kill();
        }

        tool.WaitForExit();
        Assert.Equal(0, Shell.Run("/bin/sh", SshScript.ForWait(nonce, null)).Code);
    }

    /// <summary>As questions and as changes: what a batch may do to the host decides how its output travels.</summary>
    private static TheoryData<string, bool> Both(TheoryData<string> shells)
    {
        var both = new TheoryData<string, bool>();
        foreach (var shell in shells)
        {
            both.Add(shell.Data, false);
            both.Add(shell.Data, true);
        }

        return both;
    }
}
