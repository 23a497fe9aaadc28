using VirtSecurity.Hosts;
using Xunit;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>This machine, without a shell between: the same outcomes as over ssh.</summary>
public sealed class LocalHostTests
{
    private readonly LocalHost host = new(new VirtHost("localhost"), new QuietLog());

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ArgumentsInputAndOutputOfAnyBytesPass()
    {
        var random = new RandomText(4);
        var words = Enumerable.Range(0, 100).Select(_ => random.Text(6)).ToArray();
        var input = random.Data(200_000);
        var results = await host.RunAsync([new(["printf", @"%s\0", .. words]), new("cat") { Stdin = input }, new("cat")], BatchMode.RunAll, Test);
        Assert.Equal(words, results[0].Stdout.Split('\0')[..^1]);
        Assert.Equal(input, results[1].StdoutBytes);
        Assert.Empty(results[2].StdoutBytes);
    }

    [Fact]
    public async Task ExitCodesAreReportedAndAFailureEndsTheBatchOnlyIfItShall()
    {
        ToolCall[] calls = [.. new[] { 0, 5, 75, 255 }.Select(code => ToolCall.Script("exit", "echo words >&2; exit $1", $"{code}"))];
        var all = await host.RunAsync(calls, BatchMode.RunAll, Test);
        Assert.Equal([0, 5, 75, 255], all.Select(result => result.ExitCode));
        Assert.All(all, result => Assert.Equal("words", result.Stderr));
        var some = await host.RunAsync(calls, BatchMode.StopAtFailure, Test);
        Assert.Equal([ToolOutcome.Exited, ToolOutcome.Exited, ToolOutcome.NotRun, ToolOutcome.NotRun], some.Select(result => result.Outcome));
    }

    [Fact]
    public async Task AToolOutsideTheTrustedDirectoriesIsNotFound()
    {
        var results = await host.RunAsync([new("virtsecurity-no-such-tool"), new("true")], BatchMode.StopAtFailure, Test);
        Assert.Equal([ToolOutcome.NotFound, ToolOutcome.NotRun], results.Select(result => result.Outcome));
    }

    [Fact]
    public async Task AToolWhoseTimeIsUpIsInterrupted()
    {
        var limit = TimeSpan.FromSeconds(1);
        var results = await host.RunAsync(
            [new("sleep", "300") { TimeLimit = limit }, new("sleep", "300") { TimeLimit = limit, Stop = StopPolicy.LetFinish }], BatchMode.RunAll, Test);
        Assert.All(results, result => Assert.Equal(ToolOutcome.TimedOut, result.Outcome));
    }

    [Fact]
    public async Task AStopInterruptsTheToolAndNothingMoreIsRun()
    {
        using var marks = new TemporaryDirectory();
        using var stop = new CancellationTokenSource();
        var tool = ToolCall.Script("tool", """trap ': >"$2"; exit 3' INT; : >"$1"; while :; do sleep 0.05; done""", marks.Of("begun"), marks.Of("interrupted"));
        var running = host.RunAsync([tool, new("touch", marks.Of("after"))], BatchMode.RunAll, stop.Token);
        await marks.WaitForAsync("begun");
        await stop.CancelAsync();
        Assert.Equal([ToolOutcome.Stopped, ToolOutcome.NotRun], (await running).Select(result => result.Outcome));
        Assert.True(marks.Has("interrupted"));
        Assert.False(marks.Has("after"));
    }

    [Fact]
    public async Task AStopReachesWhatAScriptHasStarted()
    {
        // The shell's own death would leave the sleep, and our reading of its output, for as long as it sleeps.
        using var marks = new TemporaryDirectory();
        using var stop = new CancellationTokenSource();
        var running = host.RunAsync([ToolCall.Script("script", """: >"$1"; sleep 300; : >"$2" """, marks.Of("begun"), marks.Of("after"))], BatchMode.RunAll, stop.Token);
        await marks.WaitForAsync("begun");
        await stop.CancelAsync();
        var result = Assert.Single(await running);
        Assert.Equal((ToolOutcome.Stopped, 130), (result.Outcome, result.ExitCode));
        Assert.False(marks.Has("after"));
    }

    [Fact]
    public async Task AToolThatEndsWellAllTheSameHasSucceeded()
    {
        using var marks = new TemporaryDirectory();
        using var stop = new CancellationTokenSource();
        var tool = ToolCall.Script("tool", """trap 'exit 0' INT; : >"$1"; while :; do sleep 0.05; done""", marks.Of("begun"));
        var running = host.RunAsync([tool], BatchMode.RunAll, stop.Token);
        await marks.WaitForAsync("begun");
        await stop.CancelAsync();
        Assert.True(Assert.Single(await running).Succeeded);
    }

    [Fact]
    public async Task AToolThatIsToBeLeftAloneFinishesAndNothingMoreIsRun()
    {
        using var marks = new TemporaryDirectory();
        using var stop = new CancellationTokenSource();
        var tool = ToolCall.Script("tool", """: >"$1"; while [ ! -e "$2" ]; do sleep 0.05; done; echo finished""", marks.Of("begun"), marks.Of("go")) with { Stop = StopPolicy.LetFinish };
        var running = host.RunAsync([tool, new("true")], BatchMode.RunAll, stop.Token);
        await marks.WaitForAsync("begun");
        await stop.CancelAsync();
        marks.Mark("go");
        var results = await running;
        Assert.Equal((true, "finished\n", ToolOutcome.NotRun), (results[0].Succeeded, results[0].Stdout, results[1].Outcome));
    }

    [Fact]
    public async Task ToolsGetACleanEnvironment()
    {
        Environment.SetEnvironmentVariable("VIRTSECURITY_TEST_LEAK", "leaked");
        var result = Assert.Single(await host.RunAsync([new("env")], BatchMode.RunAll, Test));
        Assert.Equal(
            ["HOME=/", "LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            result.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ToolsRunInASessionOfTheirOwnAndInTheRootDirectory()
    {
        // Field 1 is the pid, field 6 the session, proc(5): a Ctrl+C in our terminal is not for them.
        var results = await host.RunAsync([new("cat", "/proc/self/stat"), new("pwd")], BatchMode.RunAll, Test);
        var fields = results[0].Stdout.Split(' ');
        Assert.Equal(fields[0], fields[5]);
        Assert.Equal("/\n", results[1].Stdout);
    }
}
