using System.Diagnostics;

namespace VirtSecurity.Lab;

/// <summary>Boots an image once, prepares it from inside, and stores it running: the snapshot `ready`.</summary>
internal static class ReadyBuilder
{
    public const string FirstBootScript = "first-boot.sh";

    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(10);

    // An emulated machine has stood still in its first minutes, its own timeout(1) too, and did well when it was begun anew.
    private static readonly TimeSpan[] PreparationLimits = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10)];

    /// <summary>Disks that hold `ready` for this QEMU and these arguments: from the cache, or after a first boot of about 3 minutes.</summary>
    public static async Task<LabDisks> EnsureAsync(LabCache cache, LabFlavour flavour, LabImage image, IProgress<string>? progress, CancellationToken ct)
    {
        var ready = await LocateAsync(flavour, image, ct).ConfigureAwait(false);
        if (Directory.Exists(ready.Folder))
            return ready;
        foreach (var limit in PreparationLimits)
        {
            var work = new LabDisks(LabCache.TemporaryFolder(ready.Folder));
            await work.CreateAsync(ct).ConfigureAwait(false);
            try
            {
                await PrepareAsync(cache, new QemuMachine(cache, flavour, image, work), limit, progress, ct).ConfigureAwait(false);
                Directory.Move(work.Folder, ready.Folder);
                return ready;
            }
            catch (LabException e) when (limit != PreparationLimits[^1])
            {
                progress?.Report($"{e.Message}\nOnce more, from the beginning.");
                Directory.Delete(work.Folder, true);
            }
        }

        throw new UnreachableException();
    }

    /// <summary>Where those disks are or would be.</summary>
    public static async Task<LabDisks> LocateAsync(LabFlavour flavour, LabImage image, CancellationToken ct)
    {
        var key = LabCache.Key(await QemuMachine.KeyAsync(flavour, ct).ConfigureAwait(false), LabDisks.Layout, LabCache.Resource(FirstBootScript));
        return new LabDisks(Path.Combine(image.Folder, "ready-" + key));
    }

    private static async Task PrepareAsync(LabCache cache, QemuMachine machine, TimeSpan limit, IProgress<string>? progress, CancellationToken ct)
    {
        File.Delete(QemuMachine.SerialLog(cache));
        try
        {
            await machine.StartAsync(QemuMachine.FreePort(), fromSnapshot: false, ct).ConfigureAwait(false);
            var ssh = new SshChannel(cache.SshConfig);
            await using (ssh.ConfigureAwait(false))
            {
                await LabStep.RunAsync(progress, "first boot (about 45 s)", () => ssh.WaitAsync(null, BootLimit, ct)).ConfigureAwait(false);
                await LabStep.RunAsync(progress, "preparing the machine (about 70 s)", async () =>
                {
                    var result = await ssh.RunAsync(LabCache.Resource(FirstBootScript), limit, ct).ConfigureAwait(false);
                    if (result.ExitCode != 0)
                        throw new LabException($"The first boot's script ended with {result.ExitCode}:\n{result.Stdout}{result.Stderr}");
                }).ConfigureAwait(false);
            }

            // The session that just ended is cleaned up in the machine, not in every machine restored from it.
            await Task.Delay(TimeSpan.FromSeconds(10), ct).ConfigureAwait(false);
            await LabStep.RunAsync(progress, "storing the snapshot", () => machine.SaveAsync(ct)).ConfigureAwait(false);
        }
        catch (LabException e)
        {
            throw new LabException($"{e.Message}\nThe machine's console is in {QemuMachine.SerialLog(cache)}.", e);
        }
        finally
        {
            await QemuMachine.QuitAsync(cache, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
