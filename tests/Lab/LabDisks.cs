namespace VirtSecurity.Lab;

/// <summary>
/// The machine's writable disks, all qcow2 because the snapshot `ready` lives inside them: vda over the image's root disk,
/// vdb for the volume group, vdc empty.
/// </summary>
internal sealed record LabDisks(string Folder)
{
    public const string Layout = "data=16G spare=4G";

    /// <summary>In the order of vda, vdb, vdc. The name is also the disk's serial number in the machine, as lab-NAME.</summary>
    public static IReadOnlyList<string> Names { get; } = ["root", "data", "spare"];

    public string PathOf(string name) => Path.Combine(Folder, name + ".qcow2");

    /// <summary>Makes the three disks in this folder, which lies directly in the image's folder.</summary>
    public async Task CreateAsync(CancellationToken ct)
    {
        // A relative backing file: the folder is renamed when it is finished.
        await Tool.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "../root.qcow2", "-F", "qcow2", PathOf("root")], ct).ConfigureAwait(false);
        foreach (var disk in Layout.Split(' ').Select(entry => entry.Split('=')))
            await Tool.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", PathOf(disk[0]), disk[1]], ct).ConfigureAwait(false);
    }

    /// <summary>A copy of these for the machine of a place, made once: what no machine ever ran on can be copied at any time.</summary>
    public async Task<LabDisks> AtAsync(int place, CancellationToken ct)
    {
        var mine = At(place);
        if (Directory.Exists(mine.Folder))
            return mine;
        var work = LabCache.TemporaryFolder(mine.Folder);
        await Tool.RunAsync("cp", ["-a", "--sparse=always", "-T", Folder, work], ct).ConfigureAwait(false);
        Directory.Move(work, mine.Folder);
        return mine;
    }

    /// <summary>Where that copy is or would be.</summary>
    public LabDisks At(int place) => new($"{Folder}.at{place}");

    /// <summary>Frees clusters that a QEMU that was killed had taken and not yet entered anywhere.</summary>
    public async Task RepairAsync(CancellationToken ct)
    {
        foreach (var name in Names)
        {
            var result = await CheckAsync(name, ct).ConfigureAwait(false);
            // The kernel may give a dead QEMU's locks free a moment after the process is gone.
            for (var again = 0; again < 50 && result.Stderr.Contains("Failed to get \"write\" lock", StringComparison.Ordinal); again++)
            {
                await Task.Delay(100, ct).ConfigureAwait(false);
                result = await CheckAsync(name, ct).ConfigureAwait(false);
            }

            // 3 is "leaks only", 0 is "nothing left to repair".
            if (result.ExitCode is not (0 or 3))
                throw new LabException($"{PathOf(name)} is damaged: {result.Stdout}{result.Stderr}");
        }
    }

    private Task<LabResult> CheckAsync(string name, CancellationToken ct) =>
        Tool.TryAsync("qemu-img", ["check", "-q", "-r", "leaks", PathOf(name)], ct);
}
