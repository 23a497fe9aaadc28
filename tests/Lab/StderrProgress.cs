using System.Diagnostics;

namespace VirtSecurity.Lab;

/// <summary>Progress lines with the seconds since the program began. Not Progress&lt;T&gt;: that one reports late and out of order.</summary>
internal sealed class StderrProgress : IProgress<string>
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public void Report(string value) => Console.Error.WriteLine($"[{_clock.Elapsed.TotalSeconds,6:0.0} s] {value}");
}
