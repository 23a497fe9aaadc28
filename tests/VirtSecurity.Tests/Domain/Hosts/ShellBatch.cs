using System.Security.Cryptography;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Hosts;

/// <summary>A batch on its way through a real shell: the script, the shell, and the reader of its frames.</summary>
internal sealed class ShellBatch : IDisposable
{
    private readonly string shell;
    private readonly FrameReader frames;
    private readonly Task reading;
    private readonly TaskCompletionSource<ToolCall> begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ShellBatch(string shell, IReadOnlyList<ToolCall> calls, BatchMode mode)
    {
        this.shell = shell;
        frames = new FrameReader(FrameNonce, calls, () => { }, call => begun.TrySetResult(call));
        Process = Shell.Start(shell, SshScript.ForBatch(FrameNonce, calls, mode), Nonce);
        reading = frames.ReadAsync(Process.Output, CancellationToken.None);
    }

    private string FrameNonce { get; } = "vsFrames" + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));

    public string Nonce { get; } = "vs" + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));

    public Shell Process { get; }

    /// <summary>Ends when the frame has been read that says that the first call runs.</summary>
    public Task Begun => begun.Task;

    /// <summary>Where it keeps its files.</summary>
    public string Directory => frames.Directory!;

    public bool IsComplete => frames.Complete;

    public static ShellBatch Start(string shell, bool isChanging, IReadOnlyList<ToolCall> calls, BatchMode mode = BatchMode.StopAtFailure) =>
        new(shell, isChanging ? [.. calls.Select(call => call with { Mutating = true })] : calls, mode);

    /// <summary>Runs a batch to its end.</summary>
    public static async Task<IReadOnlyList<ToolResult>> RunAsync(string shell, bool isChanging, IReadOnlyList<ToolCall> calls, BatchMode mode = BatchMode.StopAtFailure)
    {
        using var batch = Start(shell, isChanging, calls, mode);
        return await batch.EndAsync();
    }

    public async Task<IReadOnlyList<ToolResult>> EndAsync()
    {
        await reading;
        Process.Wait();
        frames.TakeErrors(Process.Error);
        return frames.Results();
    }

    /// <summary>The stop that comes over a second channel.</summary>
    public void Stop() => Shell.Run(shell, SshScript.ForStop(Nonce, Directory));

    public void Dispose() => Process.Dispose();
}
