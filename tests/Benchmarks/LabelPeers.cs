using System.Globalization;
using System.Text;
using CliWrap;
using VirtSecurity.Lab;

namespace VirtSecurity.Benchmarks;

/// <summary>Judging the labels of many images, and giving many their rule and label, beside the policy's own tools on the same machine; each from the start of its process, with an ssh connection of its own.</summary>
internal static class LabelPeers
{
    private const string Store = "/var/lib/libvirt/images/many";
    private const string Loose = "/loose";
    private const int InADirectory = 1000;
    private const int WrongOnes = 10;

    /// <summary>Judging: the table, as Markdown.</summary>
    /// <param name="machine">The lab machine.</param>
    /// <param name="count">How many images; ten of them have a wrong label.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">A way did not do what it is measured for.</exception>
    public static async Task<string> JudgeAsync(LabMachine machine, int count, IProgress<string>? progress, CancellationToken ct)
    {
        progress?.Report($"making {count} images");
        await machine.CheckAsync($"""
            set -e
            mkdir {Store}; restorecon {Store}
            python3 - <<'END'
            import os
            for i in range({count}):
                directory = '{Store}/d%d' % (i // {InADirectory})
                if i % {InADirectory} == 0:
                    os.mkdir(directory)
                open('%s/guest-%d.img' % (directory, i), 'w').close()
            END
            for i in $(seq {WrongOnes}); do chcon -t etc_t {Store}/d$((i % {Math.Max(1, count / InADirectory)}))/guest-$((i % {Math.Max(1, count / InADirectory)} * {InADirectory} + i)).img; done
            sync
            find {Store} -printf '%Z\n' >/dev/null
            """, TimeSpan.FromMinutes(20), ct).ConfigureAwait(false);
        var table = new StringBuilder("| images | way | wrong | s | of restorecon | of it with all processors | memory above an engine that does nothing, MB |\n|---:|---|---:|---:|---:|---:|---:|\n");
        (string Name, double Seconds, int Wrong, string Memory)[] ways =
        [
            await OnHostAsync("restorecon -R -n -v", $"restorecon -R -n -v {Store} | grep -c 'Would relabel'").ConfigureAwait(false),
            await OnHostAsync("restorecon -R -n -v -T 0", $"restorecon -R -n -v -T 0 {Store} | grep -c 'Would relabel'").ConfigureAwait(false),
            await OnHostAsync("find -printf %Z, reads labels only", $"find {Store} -printf '%Z\\n' | grep -c :etc_t:").ConfigureAwait(false),
            await OursAsync().ConfigureAwait(false),
        ];
        foreach (var (name, seconds, wrong, memory) in ways)
        {
            if (wrong != WrongOnes) throw new LabException($"{name} finds {wrong} wrong labels, not {WrongOnes}.");
            table.Append(CultureInfo.InvariantCulture, $"| {count} | {name} | {wrong} | {seconds:0.0} | {seconds / ways[0].Seconds:0.00} | {seconds / ways[1].Seconds:0.00} | {memory} |\n");
        }

        return table.ToString();

        async Task<(string, double, int, string)> OnHostAsync(string name, string command)
        {
            progress?.Report(name);
            var run = await MeasuredRun.OfAsync(Ssh(machine, command), null, new Dictionary<string, string?>(), ct).ConfigureAwait(false);
            return (name, run.Seconds, Number(run.Output), "");
        }

        async Task<(string, double, int, string)> OursAsync()
        {
            progress?.Report("Test-VirtImageContext");
            var nothing = await PowerShell.MeasureAsync("$null = Get-Command -Module VirtSecurity; [System.Threading.Thread]::Sleep(1500)", ct).ConfigureAwait(false);
            var run = await PowerShell.MeasureAsync($$"""
                $n = 0; $wrong = 0
                Test-VirtImageContext {{Store}} -Recurse -VirtHost '{{machine.VirtHost}}' | ForEach-Object { $n++; if ($_.IsCompliant -eq $false) { $wrong++ } }
                "$n $wrong"
                """, ct).ConfigureAwait(false);
            var words = run.Output.Trim().Split(' ');
            if (words.Length != 2 || Number(words[0]) < count) throw new LabException($"Test-VirtImageContext: {run.Output}{run.Error}");
            return ("Test-VirtImageContext", run.Seconds, Number(words[1]), ((run.PeakBytes - nothing.PeakBytes) >> 20).ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Setting: the table, as Markdown.</summary>
    /// <param name="machine">The lab machine.</param>
    /// <param name="count">How many images; none has a rule.</param>
    /// <param name="progress">Told of the steps.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="LabException">A way did not do what it is measured for.</exception>
    public static async Task<string> SetAsync(LabMachine machine, int count, IProgress<string>? progress, CancellationToken ct)
    {
        // There and back: what the building machine loses of its speed meanwhile, both ways lose.
        List<double> hand = [await ByHandAsync().ConfigureAwait(false)], ours = [await OursAsync().ConfigureAwait(false), await OursAsync().ConfigureAwait(false)];
        hand.Add(await ByHandAsync().ConfigureAwait(false));
        return string.Create(CultureInfo.InvariantCulture, $"| images without a rule | way | s, twice | of by hand, means |\n|---:|---|---:|---:|\n| {count} | semanage import, restorecon -R | {hand[0]:0.0}, {hand[1]:0.0} | 1.00 |\n| {count} | Set-VirtImageContext | {ours[0]:0.0}, {ours[1]:0.0} | {ours.Sum() / hand.Sum():0.00} |\n");

        Task<double> ByHandAsync() => WayAsync("semanage import; restorecon -R", () => PowerShell.TimeAsync(
            Ssh(machine, $"for i in $(seq {count}); do echo \"fcontext -a -f f -t virt_image_t -r s0 '{Loose}/guest-$i\\.img'\"; done | semanage import && restorecon -R {Loose}"), null, ct));
        Task<double> OursAsync() => WayAsync("Set-VirtImageContext", () => PowerShell.TimeAsync(
            $"1..{count} | ForEach-Object {{ '{Loose}/guest-{{0}}.img' -f $_ }} | Set-VirtImageContext -VirtHost '{machine.VirtHost}' | Out-Null", ct));

        async Task<double> WayAsync(string name, Func<Task<double>> measure)
        {
            await machine.ResetAsync(ct).ConfigureAwait(false);
            await machine.CheckAsync($"set -e; mkdir {Loose}; for i in $(seq {count}); do : >{Loose}/guest-$i.img; done; sync", null, ct).ConfigureAwait(false);
            progress?.Report(name);
            var seconds = await measure().ConfigureAwait(false);
            await RequireSetAsync().ConfigureAwait(false);
            return seconds;
        }

        async Task RequireSetAsync()
        {
            var labelled = Number((await machine.CheckAsync($"find {Loose} -name '*.img' -context '*:virt_image_t:*' | wc -l", null, ct).ConfigureAwait(false)).Stdout);
            if (labelled != count) throw new LabException($"{labelled} images have their label, not {count}.");
        }
    }

    private static Command Ssh(LabMachine machine, string command) => Cli.Wrap("ssh").WithArguments(["-F", machine.SshConfigPath, "virtlab", command]);

    private static int Number(string digits) => int.TryParse(digits.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new LabException($"'{digits}' is no number.");
}
