using System.Text;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>The exit code decides which error it is, standard error explains it.</summary>
public sealed class ToolFailureTests
{
    [Theory]
    [InlineData("lvcreate", 3, "LvmRefused")]
    [InlineData("lvcreate", 5, "LvmFailed")]
    [InlineData("lvremove", 5, "LvmFailed")]
    [InlineData("lvcreate", 1, "ToolFailed")]
    [InlineData("mount", 1, "MountDenied")]
    [InlineData("mount", 32, "MountFailed")]
    [InlineData("umount", 32, "MountFailed")]
    [InlineData("mount", 64, "ToolFailed")]
    [InlineData("semanage import", 75, "LockTimedOut")]
    [InlineData("semanage import", 1, "SemanageFailed")]
    [InlineData("mke2fs", 1, "ToolFailed")]
    [InlineData("fstab-append", 65, "FstabNotValid")]
    [InlineData("fstab-append", 75, "LockTimedOut")]
    [InlineData("fstab-remove", 75, "LockTimedOut")]
    [InlineData("journal", 1, "ToolFailed")]
    public void AnExitCodeHasItsError(string tool, int code, string id)
    {
        var failure = ToolFailure.Of(new ToolResult(Call(tool), ToolOutcome.Exited, code, [], "  the tool's words\n"u8.ToArray()));
        Assert.Equal((id, "the tool's words"), (failure.Id, failure.Words));
        Assert.NotEmpty(Messages.Format(id));
        Assert.NotEmpty(Messages.Format(id + Messages.RemedySuffix));
    }

    [Theory]
    [InlineData("lvcreate", 5)]
    [InlineData("journal", 1)]
    [InlineData("semanage import", 1)]
    public void AFullDiskIsOneWhicheverToolMeetsIt(string tool, int code) =>
        Assert.Equal("NoSpaceLeft", ToolFailure.Of(new ToolResult(Call(tool), ToolOutcome.Exited, code, [], "cat: write error: No space left on device"u8.ToArray())).Id);

    [Fact]
    public void WithoutWordsTheExitCodeIsNamed()
    {
        Assert.Equal("exit code 7", ToolFailure.Of(new ToolResult(Call("x"), ToolOutcome.Exited, 7, [], [])).Words);
        Assert.Equal("said on stdout", ToolFailure.Of(new ToolResult(Call("x"), ToolOutcome.Exited, 7, Encoding.UTF8.GetBytes("said on stdout\n"), [])).Words);
    }

    [Theory]
    [InlineData("NotFound", "ToolNotFound", "lvcreate: not found")]
    [InlineData("TimedOut", "ToolTimedOut", "no answer within 120 s")]
    [InlineData("Stopped", "Stopped", "stopped by the user")]
    [InlineData("NotRun", "Stopped", "stopped by the user")]
    [InlineData("Lost", "ConnectionLostDuring", "the connection was lost")]
    public void AnOutcomeHasItsError(string outcome, string id, string words)
    {
        var failure = ToolFailure.Of(ToolResult.Of(Call("lvcreate"), Enum.Parse<ToolOutcome>(outcome)));
        Assert.Equal(id, failure.Id);
        Assert.StartsWith(words, failure.Words, StringComparison.Ordinal);
        Assert.NotEmpty(Messages.Format(id + Messages.RemedySuffix));
    }

    private static ToolCall Call(string tool) => tool is "journal" or "fstab-append" or "fstab-remove" ? ToolCall.Script(tool, ":") : new ToolCall(tool);
}
