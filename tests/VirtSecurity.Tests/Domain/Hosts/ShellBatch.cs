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
        frames = new FrameReader(Nonce, calls, call => begun.TrySetResult(call), _ => { });
        Process = Shell.Start(shell, SshScript.ForBatch(Nonce, calls, mode), Nonce);
        reading = frames.ReadAsync(Process.Output, CancellationToken.None);
    }

    public string Nonce { get; } = "vs" + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));

    public Shell Process { get; }

    /// <summary>Ends when the frame has been read that says that the first call runs.</summary>
    public Task Begun => begun.Task;

    /// <summary>Where it keeps its files.</summary>
    public string Directory => frames.Directory!;

    public bool IsComplete => frames.Complete;

    public static ShellBatch Start(string shell, IReadOnlyList<ToolCall> calls, BatchMode mode = BatchMode.StopAtFailure) => new(shell, calls, mode);

    /// <summary>Runs a batch to its end.</summary>
    public static async Task<IReadOnlyList<ToolResult>> RunAsync(string shell, IReadOnlyList<ToolCall> calls, BatchMode mode = BatchMode.StopAtFailure)
    {
        using var batch = Start(shell, calls, mode);
        return await batch.EndAsync();
    }

    public async Task<IReadOnlyList<ToolResult>> EndAsync()
    {
        await reading;
        Process.Wait();
        return frames.Results();
    }

    /// <summary>The stop that comes over a second channel.</summary>
    public void Stop(bool interrupt) => Shell.Run(shell, SshScript.ForStop(Nonce, Directory, interrupt));

    public void Dispose() => Process.Dispose();
}
