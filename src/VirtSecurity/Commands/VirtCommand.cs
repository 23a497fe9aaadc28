using System.Collections.Concurrent;
using System.Management.Automation;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Commands;

/// <summary>
/// The base of all cmdlets: hosts, cancellation, error records, and the pump that lets work run on other threads while everything
/// written is written on the pipeline's.
/// </summary>
public abstract class VirtCommand : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource stopping = new();

    /// <summary>The host, or hosts, to work on.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("HostName", "ComputerName")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(VirtHostCompleter))]
    [ConvertedTo(typeof(VirtHost))]
    public VirtHost[] VirtHost { get; set; } = [new VirtHost("localhost")];

    /// <summary>How many hosts are worked on at once.</summary>
    [Parameter]
    [ValidateRange(1, 1024)]
    public int ThrottleLimit { get; set; } = 32;

    /// <summary>The user's stop.</summary>
    internal CancellationToken Stop => stopping.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => stopping.Cancel();

    /// <summary>Frees what a cmdlet holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing) stopping.Dispose();
    }

    /// <summary>
    /// Runs work elsewhere and waits for its end, whatever happens: a stop, or an exception from a Write call, is kept until the work
    /// has settled, so that it can neither cut a change in half nor begin an undo.
    /// </summary>
    internal T Pump<T>(Func<Pump, Task<T>> work)
    {
        using var queue = new BlockingCollection<Action<Cmdlet>>();
        var pump = new Pump(queue.Add);
        var task = Task.Run(() => work(pump));
        _ = task.ContinueWith(_ => queue.CompleteAdding(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

        Exception? kept = null;
        foreach (var write in queue.GetConsumingEnumerable(CancellationToken.None))
        {
            if (kept is not null) continue;
            try
            {
                write(this);
            }
#pragma warning disable CA1031 // Kept and thrown again below.
            catch (Exception problem)
#pragma warning restore CA1031
            {
                kept = problem;
            }
        }

        if (kept is not null)
        {
            task.Wait(CancellationToken.None);
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(kept);
        }

        return task.GetAwaiter().GetResult();
    }

    /// <summary>Does the same for many hosts at once, but for no more than the limit; the answers come in the hosts' order.</summary>
    internal async Task<TAnswer[]> SideBySide<THost, TAnswer>(IEnumerable<THost> hosts, Func<THost, Task<TAnswer>> work)
    {
        using var places = new SemaphoreSlim(ThrottleLimit);
        return await Task.WhenAll(hosts.Select(async host =>
        {
            await places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                return await work(host).ConfigureAwait(false);
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
    }

    /// <summary>Writes an error for one object; the others go on.</summary>
    internal void WriteProblem(VirtException problem, object? target) => WriteError(ErrorRecords.From(problem, target));
}
