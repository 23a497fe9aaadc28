using System.Diagnostics;

namespace VirtSecurity.Lab;

/// <summary>Tells of a long step when it begins, every 20 s, and when it ends, with its seconds.</summary>
internal static class LabStep
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    public static async Task<T> RunAsync<T>(IProgress<string>? progress, string name, Func<Task<T>> step)
    {
        progress?.Report(name);
        var clock = Stopwatch.StartNew();
        var work = step();
        while (await Task.WhenAny(work, Task.Delay(Interval)).ConfigureAwait(false) != work)
            progress?.Report($"{name}: still at it after {clock.Elapsed.TotalSeconds:0} s");
        var result = await work.ConfigureAwait(false);
        progress?.Report($"{name}: {clock.Elapsed.TotalSeconds:0.0} s");
        return result;
    }

    public static Task RunAsync(IProgress<string>? progress, string name, Func<Task> step) =>
        RunAsync(progress, name, async () =>
        {
            await step().ConfigureAwait(false);
            return true;
        });
}
